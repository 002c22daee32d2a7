"""Several processes that train one network: `torchrun --nproc-per-node 2 -m training ...`.

Every rank makes the same choices from (seed, step) for the whole batch and computes its share of it; gradients are averaged, so that all
ranks take the step that a single process with the whole batch would take (up to the order of float additions).

`wrap` gives a network DistributedDataParallel, which averages its gradients while the backward pass still runs. A discriminator with
gradient penalties does without: `average` after the backward pass, as stylegan3's training_loop.py does. DistributedDataParallel is
documented not to work with torch.autograd.grad, by which penalties are computed; and it expects a backward pass of its own after each
forward pass, but the generator's step calls the discriminator too, with no wish for its gradients. (Tried with torch 2.13 and gloo:
R1 + R2 through it gave the right gradients, to 1e-8. So a later torch may allow it; nothing here relies on it.)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn

from training.errors import TrainingError

R = TypeVar("R")


@dataclass(frozen=True)
class Parallel:
    """This process's place among the ranks. With one rank every method does nothing."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0  # among the ranks of this machine: which GPU

    @property
    def first(self) -> bool:
        """Whether this rank writes files and speaks."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """This rank's part of a batch of `count` that every rank knows. Raises TrainingError if it cannot be divided evenly."""
        if count % self.world:
            raise TrainingError(
                f"a batch of {count} cannot be divided among {self.world} processes",
                hint="choose batch sizes that are multiples of the number of processes",
            )
        size = count // self.world
        return slice(self.rank * size, (self.rank + 1) * size)

    def wrap(self, module: nn.Module) -> Callable[..., Tensor]:
        """The module to call in the forward pass so that its gradients are the mean over ranks. Its state stays in `module`."""
        if self.world == 1:
            return module
        devices = [self.local_rank] if next(module.parameters()).is_cuda else None
        return nn.parallel.DistributedDataParallel(module, device_ids=devices)

    def average(self, parameters: Iterable[Tensor]) -> None:
        """Replace each gradient by its mean over the ranks, in one message. Parameters without a gradient must be the same on all ranks."""
        if self.world == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([g.reshape(-1) for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.world
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def gather(self, part: Tensor) -> Tensor:
        """The parts of all ranks, in order of rank, along the first axis. For tables that every rank keeps; no gradients."""
        if self.world == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.world)]
        distributed.all_gather(parts, part.detach().contiguous())
        return torch.cat(parts)

    def means(self, scalars: dict[str, float]) -> dict[str, float]:
        """Means over the ranks of figures that all ranks measured in this step."""
        if self.world == 1:
            return scalars
        values = torch.tensor(list(scalars.values()), dtype=torch.float64)
        distributed.all_reduce(values)
        return dict(zip(scalars, (values / self.world).tolist(), strict=True))

    def any(self, flag: bool) -> bool:
        """Whether any rank says so."""
        return self.means({"flag": float(flag)})["flag"] > 0 if self.world > 1 else flag

    def draws(self, rng: np.random.Generator) -> np.random.Generator:
        """A generator that gives this rank's rows of what `rng` would draw for the whole batch: each of its arrays is [rows, ...]."""
        return rng if self.world == 1 else cast(np.random.Generator, _ShareOfDraws(rng, self))

    def wait(self) -> None:
        """Wait until all ranks are here."""
        if self.world > 1:
            distributed.barrier()

    def from_first(self, make: Callable[[], R]) -> R:
        """What rank 0 makes, on every rank. If it fails there the error is rank 0's, and the others end quietly with SystemExit."""
        if self.world == 1:
            return make()
        box: list[R | None] = [None]
        try:
            if self.first:
                box = [make()]
        finally:
            failed = torch.tensor([float(self.first and box[0] is None)])
            distributed.all_reduce(failed)
        if failed:
            raise SystemExit(2)
        distributed.broadcast_object_list(box)
        assert box[0] is not None
        return box[0]


class _ShareOfDraws:
    """The methods of numpy's Generator that trainings use for a row per picture."""

    def __init__(self, rng: np.random.Generator, parallel: Parallel) -> None:
        self._rng, self._parallel = rng, parallel

    def _whole(self, size: int | tuple[int, ...]) -> tuple[tuple[int, ...], slice]:
        rows, *rest = (size,) if isinstance(size, int) else size
        count = rows * self._parallel.world
        return (count, *rest), self._parallel.share(count)

    def random(self, size: int | tuple[int, ...], dtype: type = np.float64) -> NDArray[np.floating]:
        whole, mine = self._whole(size)
        return self._rng.random(whole, dtype)[mine]

    def integers(self, low: int, high: int, size: int | tuple[int, ...]) -> NDArray[np.int64]:
        whole, mine = self._whole(size)
        return self._rng.integers(low, high, whole)[mine]

    def uniform(self, low: float, high: float, size: int | tuple[int, ...]) -> NDArray[np.float64]:
        whole, mine = self._whole(size)
        return self._rng.uniform(low, high, whole)[mine]


SINGLE = Parallel()


def join() -> Parallel:
    """This process's place, from torchrun's environment; connects the ranks. SINGLE where torchrun did not start it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return SINGLE
    if not distributed.is_initialized():
        # the CPU's messages (stop flags, figures of a step) go over gloo, also where gradients go over NCCL
        distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return Parallel(distributed.get_rank(), distributed.get_world_size(), int(os.environ["LOCAL_RANK"]))


def leave(parallel: Parallel) -> None:
    """Part from the other ranks."""
    if parallel.world > 1:
        distributed.destroy_process_group()
