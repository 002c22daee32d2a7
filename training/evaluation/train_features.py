"""Train the in-domain feature network: which item is this, and in which view? Deterministic by seed, one thread, two or three minutes for LPC Revised.

A quarter of the views of every group with enough of them is kept from it, so that its knowledge of items can be tested, and samples be followed, on views
it has never seen (consistency.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.evaluation.network import SLOPE, WIDTH, FeatureNet, as_input, random_weights

HELD_FROM = 12
"""Groups of at least so many views keep a quarter of them from training; smaller ones can spare none."""


@dataclass(frozen=True)
class Recipe:
    """How the network is trained. Changing anything here needs a new FEATURES_VERSION."""

    seed: int = 0
    images_per_drawing: int = 20  # how often each drawing is shown ...
    least: int = 4_000  # ... but so many pictures at least
    most: int = 150_000  # ... and at most
    batch: int = 64
    lr: float = 2e-3
    shift: int = (
        1  # pixels, either way, both axes; with 3 the likes of two shirts that differ by a collar were not told apart
    )
    view_weight: float = 0.1  # weight of the question "which view" beside "which item"

    def steps(self, drawings: int) -> int:
        """Optimiser steps for a pack of so many drawings."""
        return math.ceil(min(max(self.images_per_drawing * drawings, self.least), self.most) / self.batch)


@dataclass(frozen=True, eq=False)
class Drawn:
    """All drawings of a pack, rendered."""

    pictures: NDArray[np.uint8]  # [N, CANVAS, CANVAS, 4]
    item: NDArray[np.int64]  # [N]: number of (group, row), over all groups
    view: NDArray[np.int64]  # [N]: number of (group, view), over all groups
    held: NDArray[np.bool_]  # [N]: of a held-out view
    groups: NDArray[np.int64]  # [items]: number of each item's group


def held_views(group_id: str, views: int, seed: int) -> NDArray[np.bool_]:
    """bool [views]: the views of a group that the network never sees."""
    held = np.zeros(views, bool)
    if views >= HELD_FROM:
        rng = np.random.default_rng([seed, 77, *group_id.encode()])
        held[rng.permutation(views)[: max(4, views // 4)]] = True
    return held


def shifted(pictures: NDArray[np.uint8], by: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Each picture moved by up to `by` pixels; what is uncovered is transparent."""
    n, h, w, _ = pictures.shape
    wide = np.pad(pictures, ((0, 0), (by, by), (by, by), (0, 0)))
    dy, dx = rng.integers(0, 2 * by + 1, (2, n))
    rows, cols = dy[:, None] + np.arange(h), dx[:, None] + np.arange(w)
    moved: NDArray[np.uint8] = wide[np.arange(n)[:, None, None], rows[:, :, None], cols[:, None, :]]
    return moved


def train(drawn: Drawn, recipe: Recipe, said: Callable[[float], None] = lambda share: None) -> dict[str, Tensor]:
    """Weights of a FeatureNet and of its item head (`items.weight`, `items.bias`), in half precision. `said` hears the share done."""
    items, views = int(drawn.item.max()) + 1, int(drawn.view.max()) + 1
    net = FeatureNet()
    net.load_state_dict(random_weights(recipe.seed))
    heads = {"items": nn.Linear(WIDTH, items), "views": nn.Linear(WIDTH, views)}
    rng = np.random.default_rng([recipe.seed, 5])
    with torch.no_grad():
        for head in heads.values():
            head.weight.copy_(torch.from_numpy(rng.normal(0, 0.05, tuple(head.weight.shape))))
            head.bias.zero_()
    parameters = [*net.parameters(), *heads["items"].parameters(), *heads["views"].parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.lr, weight_decay=0.02)
    seen = np.flatnonzero(~drawn.held)
    # an item is told from those of its own group only: to know a shirt from a helm teaches nothing of shirts
    mates = torch.from_numpy(np.where(drawn.groups[:, None] == drawn.groups[None], 0.0, -1e4)).float()
    steps = recipe.steps(len(drawn.pictures))
    for at in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.lr * min(1.0, (at + 1) / (0.05 * steps)) * (0.5 + 0.5 * math.cos(math.pi * at / steps))
        picked = seen[rng.integers(0, len(seen), recipe.batch)]
        pictures = shifted(drawn.pictures[picked], recipe.shift, rng)
        feature = F.leaky_relu(net(as_input(pictures)), SLOPE)
        item = torch.from_numpy(drawn.item[picked])
        loss = F.cross_entropy(heads["items"](feature) + mates[item], item)
        loss = loss + recipe.view_weight * F.cross_entropy(
            heads["views"](feature), torch.from_numpy(drawn.view[picked])
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if at % 50 == 0:
            said(at / steps)
    weights = {**net.state_dict(), "items.weight": heads["items"].weight, "items.bias": heads["items"].bias}
    return {k: v.detach().half() if v.is_floating_point() else v for k, v in weights.items()}


def item_logits(weights: Mapping[str, Tensor], feature: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 [N, items] of raw (not standardised) features [N, WIDTH]."""
    active = F.leaky_relu(torch.from_numpy(feature), SLOPE)
    result: NDArray[np.float32] = F.linear(
        active, weights["items.weight"].float(), weights["items.bias"].float()
    ).numpy()
    return result
