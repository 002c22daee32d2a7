"""The adversary: a discriminator, its optimiser and the game it plays, for any trainer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from training.adversarial.augment import AUGMENTATIONS, augment
from training.adversarial.losses import LOSSES, accuracies
from training.adversarial.penalties import PENALTIES, gradient_penalty
from training.errors import TrainingError
from vcg_bridge.contract.errors import near

D_REAL, D_FAKE, D_MIXED, G_FAKE, G_REAL = range(1000, 1005)
"""Streams of random numbers within a step."""


@dataclass(frozen=True)
class AdversaryConfig:
    """The game. Raises TrainingError when it names something that does not exist."""

    loss: str = "relativistic"  # a name in losses.LOSSES
    penalty: str = "r1r2"  # a name in penalties.PENALTIES
    gamma: float = 0.5  # weight of the penalty
    penalty_every: int = 4  # updates of D between penalties, whose weight grows by as much (they double D's cost)
    patches: str = "mean"  # what of a picture's patch scores is penalised, "mean" or "sum": see penalties.py
    d_steps: int = 1  # updates of D for one of G
    d_every: int = 1  # D is trained in every d_every-th step only: with d_steps the update ratio of D to G
    lr: float = 1e-3
    beta1: float = 0.0
    beta2: float = 0.99
    clip: float = 0.0  # longest gradient of D; 0: not clipped
    combined_lambda: float = 1.0  # the report `combined` is Loss_G + combined_lambda * Loss_D
    augment: tuple[str, ...] = ()  # names in augment.AUGMENTATIONS
    augment_chance: float = 1.0  # each picture meets each augmentation with this chance
    class_maps: bool = False  # pictures are one-hot class maps: uncovered pixels become class 0, transparent

    def __post_init__(self) -> None:
        for what, name, known in (
            ("adversarial loss", self.loss, LOSSES),
            ("gradient penalty", self.penalty, PENALTIES),
            ("choice of patches", self.patches, ("mean", "sum")),
            *(("augmentation", x, AUGMENTATIONS) for x in self.augment),
        ):
            if name not in known:
                hint = near(name, known) or f"there are: {', '.join(known)}"
                raise TrainingError(f"unknown {what} {name!r}", hint=hint)
        for name in ("penalty_every", "d_steps", "d_every"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}", hint="1 or more")


class Adversary:
    """A discriminator in training. All it does depends on its weights and the number of the update: resuming is exact.

    The discriminator is called with (pictures, labels) and must treat each picture by itself. It may be wrapped in
    DistributedDataParallel: `train` calls the wrapper once per backward pass, and nothing else sends gradients to its weights. Without
    the wrapper, `all_reduce` is called with the parameters between backward and update, to average their gradients over processes.
    `draws` turns a random generator into one for this process's share of the batch (`Parallel.draws`).
    """

    def __init__(
        self,
        discriminator: nn.Module,
        config: AdversaryConfig,
        seed: int = 0,
        all_reduce: Callable[[Iterable[nn.Parameter]], None] | None = None,
        draws: Callable[[np.random.Generator], np.random.Generator] = lambda rng: rng,
    ) -> None:
        self.d, self.config, self.seed, self.all_reduce, self.draws = discriminator, config, seed, all_reduce, draws
        self.loss, self.penalty = LOSSES[config.loss], PENALTIES[config.penalty]
        self.optimiser = torch.optim.Adam(
            discriminator.parameters(), lr=config.lr, betas=(config.beta1, config.beta2), foreach=True
        )

    @property
    def module(self) -> nn.Module:
        """The discriminator itself, without a wrapper."""
        wrapped = getattr(self.d, "module", self.d)
        assert isinstance(wrapped, nn.Module)
        return wrapped

    def updates(self, step: int) -> range:
        """Numbers of the updates of D that are due in a step of G: each gets pictures of its own, and a call of `train`."""
        config = self.config
        if step % config.d_every:
            return range(0)
        first = step // config.d_every * config.d_steps
        return range(first, first + config.d_steps)

    def train(self, real: Tensor, fake: Tensor, label: Tensor | None, update: int) -> dict[str, float]:
        """Update D once. `real`, `fake` [N, channels, h, w]; gradients do not reach what drew them.

        Returns scalars by the names of training/loop.py; d/penalty only where one was due.
        """
        config, n = self.config, len(real)
        with torch.no_grad():
            pictures = [self._augment(real, update, D_REAL), self._augment(fake, update, D_FAKE)]
            due = config.penalty != "none" and update % config.penalty_every == 0
            if due and self.penalty.mixed:
                place = torch.from_numpy(self._rng(update, D_MIXED).random((n, 1, 1, 1), np.float32)).to(real.device)
                pictures.append(torch.lerp(pictures[1], pictures[0], place))
        # one pass for all: real and drawn pictures meet the same network, and a DDP wrapper one forward per backward
        batch = torch.cat(pictures).requires_grad_(due)
        labels = None if label is None else label.repeat(len(pictures))
        scores = self.d(batch, labels)
        real_score, fake_score = scores[:n], scores[n : 2 * n]
        objective = d_loss = self.loss.discriminator(real_score, fake_score)
        penalty = torch.zeros_like(d_loss)
        if due:
            rows = [self.penalty.real, self.penalty.drawn, self.penalty.mixed][: len(pictures)]
            chosen = torch.tensor(rows).repeat_interleave(n).to(batch.device)
            unweighted = gradient_penalty(scores, batch, config.patches, self.penalty.target, chosen)
            penalty = config.gamma * self.penalty.factor * unweighted * sum(rows)
            objective = d_loss + config.penalty_every * penalty
        self.optimiser.zero_grad(set_to_none=True)
        objective.backward()  # type: ignore[no-untyped-call]
        if self.all_reduce is not None:
            self.all_reduce(self.d.parameters())
        norm = nn.utils.clip_grad_norm_(self.d.parameters(), config.clip or float("inf"))
        self.optimiser.step()
        shares = accuracies(self.loss, real_score, fake_score)
        # one transfer for all figures: each would stall a GPU
        values = torch.stack([d_loss.detach(), *shares, norm, penalty.detach()]).tolist()
        names = ("d/loss", "d/real", "d/fake", "grad/d", "d/penalty")
        return dict(zip(names if due else names[:-1], values, strict=False))

    def generator_loss(self, real: Tensor | None, fake: Tensor, label: Tensor | None, step: int) -> Tensor:
        """G's adversarial term, unweighted; its gradient reaches `fake` and not D's weights.

        `real` is needed where `paired`; then `real` and `fake` have the same shape and labels.
        """
        pictures = [self._augment(fake, step, G_FAKE)]
        if self.loss.paired:
            assert real is not None, f"{self.config.loss} compares with real pictures"
            with torch.no_grad():
                pictures.append(self._augment(real, step, G_REAL))
        scores = self._frozen(torch.cat(pictures), None if label is None else label.repeat(len(pictures)))
        n = len(fake)
        return self.loss.generator(scores[n:], scores[:n])

    def _frozen(self, picture: Tensor, label: Tensor | None) -> Tensor:
        """D's scores with its weights as constants: no gradients for them, no flag on them that a wrapper would trip over."""
        constants = {k: v.detach() for k, v in self.module.named_parameters()}
        scores: Tensor = functional_call(self.module, constants, (picture, label))
        return scores

    def _augment(self, picture: Tensor, number: int, stream: int) -> Tensor:
        config = self.config
        if not config.augment:
            return picture
        rng = self._rng(number, stream)
        return augment(picture, config.augment, rng, config.augment_chance, config.class_maps)

    def _rng(self, number: int, stream: int) -> np.random.Generator:
        return self.draws(np.random.default_rng([self.seed, number, stream]))

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimiser."""
        return {"d": self.module.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what `state_dict` gave."""
        self.module.load_state_dict(state["d"])
        self.optimiser.load_state_dict(state["optimiser"])
