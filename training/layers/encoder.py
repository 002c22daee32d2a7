"""From a drawing to its style code: an encoder trained on a finished generator, and the search that refines what it finds.

The encoder learns from the art and from drawings of sampled codes, of which there is no end: it must find a code with which the generator draws
the same thing in another view. Encoders for finished generators: Richardson et al., "Encoding in style" (pSp), 2021; the search by gradient:
Abdal et al., "Image2StyleGAN", 2019.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.files import write_with
from training.layers.codes import CODE_LIMIT
from training.layers.data import GroupData
from training.layers.losses import one_hot, slot_errors, slot_loss
from training.layers.networks import Encoder, GeneratorShape, LayerGenerator
from training.layers.sampling import sample
from training.loop import Scalars

STEPS = 1500
BATCH = 32
LR = 2e-3
SEARCH_STEPS = 150
SEARCH_LR = 0.05
ANCHOR = 0.02
"""Weight of the squared distance from the encoder's code during the search: one drawing must not pull a code out of what the generator knows."""

MODES = ("mixtures", "around", "prior")


class EncoderTrainer:
    """Trains an encoder for a generator that stays as it is. A `Trainable`."""

    def __init__(
        self,
        data: GroupData,
        shape: GeneratorShape,
        generator: LayerGenerator,
        codes: Tensor,
        seed: int,
        steps: int = STEPS,
    ) -> None:
        """`codes` float32 [items, z_dim] of the art."""
        torch.manual_seed(seed)
        self.data, self.codes, self.seed, self.steps = data, codes, seed, steps
        self.at = 0
        self.g = copy.deepcopy(generator).eval().requires_grad_(False)
        self.e = Encoder(shape)
        self.opt = torch.optim.AdamW(self.e.parameters(), lr=LR, betas=(0.9, 0.99), weight_decay=1e-3, foreach=True)

    @property
    def images_per_step(self) -> int:
        """Drawings read in one step."""
        return BATCH

    def step(self) -> Scalars:
        """One step: half of the batch from the art, half from sampled codes."""
        data, half = self.data, BATCH // 2
        rng = np.random.default_rng([self.seed, self.at, 7])
        pairs = data.pairs[rng.integers(0, len(data.pairs), half)]
        item, seen_view = torch.from_numpy(pairs.T.copy())
        partner = torch.from_numpy(np.array([_another(data, i, rng) for i in pairs[:, 0].tolist()]))
        drawn = sample(data, self.codes, MODES[self.at % len(MODES)], half, int(rng.integers(1 << 62)))
        views = torch.from_numpy(rng.integers(0, data.views, (2, half)))
        with torch.no_grad():
            made = self.g(drawn.codes.repeat(2, 1), views.flatten()).argmax(1)
        seen = torch.cat([data.planes[item, seen_view].long(), made[:half]])
        wanted = torch.cat([data.planes[item, partner].long(), made[half:]])
        mean, _ = self.e(one_hot(seen, data.classes), torch.cat([seen_view, views[0]]))
        logits = self.g(mean, torch.cat([partner, views[1]]))
        # codes beyond the range cannot be stored
        loss = slot_loss(logits, wanted).mean() + (mean.abs() - CODE_LIMIT).clamp(min=0).square().mean()
        rate = LR * min(1.0, (self.at + 1) / 50) * max(0.5 * (1 + math.cos(math.pi * self.at / self.steps)), 0.01)
        for group in self.opt.param_groups:
            group["lr"] = rate
        self.opt.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.opt.step()
        self.at += 1
        return {"loss": float(loss.detach()), "error": float(slot_errors(logits.detach(), wanted).mean())}

    def figures(self) -> dict[str, float]:
        """Share of foreground pixels in the right slot when every drawing of the art is drawn from the code of another drawing of its item."""
        return {"other_view_exact": other_views(self.data, self.g, self.e, self.data.pairs, self.seed)}

    def samples(self) -> NDArray[np.uint8]:
        """Drawings that were read (top) and what is drawn in another view (bottom), as gray slots, RGB [H, W, 3]."""
        rng = np.random.default_rng(self.seed)
        pairs = self.data.pairs[rng.integers(0, len(self.data.pairs), 12)]
        item, view = torch.from_numpy(pairs.T.copy())
        with torch.no_grad():
            code, _ = self.e(one_hot(self.data.planes[item, view], self.data.classes), view)
            other = torch.from_numpy(rng.integers(0, self.data.views, len(pairs)))
            drawn = self.g(code, other).argmax(1)
        lines = [np.concatenate(list(x.numpy().astype(np.int64)), 1) for x in (self.data.planes[item, view], drawn)]
        gray = (np.concatenate(lines) * (255 // max(self.data.classes - 1, 1))).astype(np.uint8)
        return np.repeat(gray[:, :, None], 3, axis=2)

    def save(self, path: Path) -> None:
        """Write the whole state; the file is replaced in one step."""
        state = {"at": self.at, "e": self.e.state_dict(), "opt": self.opt.state_dict()}
        write_with(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        """Take the state of a checkpoint of the same generator."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        self.at = state["at"]
        self.e.load_state_dict(state["e"])
        self.opt.load_state_dict(state["opt"])


def _another(data: GroupData, item: int, rng: np.random.Generator) -> int:
    """A known view of an item."""
    views = data.pairs[data.pairs[:, 0] == item, 1]
    return int(views[rng.integers(len(views))])


def encode(encoder: Encoder, planes: Tensor, views: Tensor, classes: int) -> Tensor:
    """The style code [z_dim] of one item from drawings uint8 [N, h, w] of it in `views` int64 [N]: the mean of what each says."""
    with torch.no_grad():
        mean, _ = encoder.eval()(one_hot(planes, classes), views)
    return mean.mean(0).clamp(-CODE_LIMIT, CODE_LIMIT)


def search(generator: nn.Module, start: Tensor, planes: Tensor, views: Tensor, steps: int = SEARCH_STEPS) -> Tensor:
    """The code [z_dim] near `start` with which the generator redraws the given drawings uint8 [N, h, w] best."""
    target = planes.long()
    code = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([code], lr=SEARCH_LR)
    best, least = start.clone(), math.inf
    for _ in range(steps + 1):
        loss = slot_loss(generator(code.expand(len(views), -1), views), target).mean()
        loss = loss + ANCHOR * (code - start).square().sum()
        if float(loss.detach()) < least:
            best, least = code.detach().clone(), float(loss.detach())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            code.clamp_(-CODE_LIMIT, CODE_LIMIT)
    return best


def other_views(
    data: GroupData, generator: nn.Module, encoder: Encoder, pairs: NDArray[np.int64], seed: int, batch: int = 256
) -> float:
    """Share 0..1 of foreground pixels in the right slot when each of `pairs` [P, 2] is drawn from another of the same item's drawings."""
    rng = np.random.default_rng([seed, 8])
    by_item = {i: pairs[pairs[:, 0] == i, 1] for i in np.unique(pairs[:, 0]).tolist()}
    source = np.array([by_item[i][rng.integers(len(by_item[i]))] for i in pairs[:, 0].tolist()])
    exact = opaque = 0
    for start in range(0, len(pairs), batch):
        item, view = torch.from_numpy(pairs[start : start + batch].T.copy())
        given = torch.from_numpy(source[start : start + batch])
        with torch.no_grad():
            code, _ = encoder(one_hot(data.planes[item, given], data.classes), given)
            drawn = generator(code, view).argmax(1)
        art = data.planes[item, view]
        opaque += int((art > 0).sum())
        exact += int(((art > 0) & (drawn == art)).sum())
    return exact / max(opaque, 1)


def standing_views(weight: Sequence[int] | NDArray[np.int64], count: int) -> list[int]:
    """The views that most poses show, the most shown first: those that an artist would draw first."""
    order = np.argsort(-np.asarray(weight), kind="stable")
    return [int(v) for v in order[:count]]
