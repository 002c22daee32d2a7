"""Does what lies between items look drawn? Counts of local patterns that no artist ever drew.

A 3x3 neighbourhood of classes is a pattern. Real drawings reuse few of them; mud, specks and broken outlines are made of others. The share of
a drawing's patterns that occur nowhere in the art is compared with the same share for an item against all other items: the floor that
honest new art would have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.layers.data import GroupData
from training.layers.exactness import Draw
from training.layers.sampling import LEAST, MOST, mix

Patterns = NDArray[np.int64]


@dataclass(frozen=True)
class Novelty:
    """Shares 0..1 for one group."""

    strange: float  # patterns of mixtures that no drawing of the art has
    floor: float  # the same for each item against the other items, mean over items
    copies: float  # mixtures that equal a drawing of the art pixel for pixel
    distance: float  # mean share of foreground pixels in which a mixture differs from the nearest item's drawing


def patterns(planes: NDArray[np.uint8], classes: int) -> Patterns:
    """Codes int64 [n] of all 3x3 patterns with an opaque pixel in `planes` uint8 [N, h, w]."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1))).astype(np.int64)
    h, w = planes.shape[1:]
    code = np.zeros((len(planes), h, w), np.int64)
    for dy in range(3):
        for dx in range(3):
            code = code * classes + padded[:, dy : dy + h, dx : dx + w]
    return code[code > 0]


def novelty(data: GroupData, codes: torch.Tensor, draw: Draw, samples: int, seed: int) -> Novelty | None:
    """Draw `samples` mixtures (30..50 percent of another item) and compare. None for a group whose items cannot be mixed."""
    if not len(data.mixable):
        return None
    rng = np.random.default_rng([seed, *data.id.encode()])
    first, second = data.mixable[rng.integers(0, len(data.mixable), samples)].T
    swap = rng.random(samples) < 0.5
    first, second = np.where(swap, second, first), np.where(swap, first, second)
    amount = torch.from_numpy(rng.uniform(LEAST, MOST, (samples, 1))).float()
    view = rng.integers(0, data.views, samples)
    mixed = mix(codes[first], codes[second], amount)
    drawn = draw(mixed, torch.from_numpy(view))
    planes = data.planes.numpy()
    known = np.zeros(planes.shape[:2], bool)
    known[data.pairs[:, 0], data.pairs[:, 1]] = True
    all_patterns = np.unique(patterns(planes[known], data.classes))
    mine = patterns(drawn, data.classes)
    own = [np.unique(patterns(planes[i][known[i]], data.classes)) for i in range(len(planes))]
    floors = []
    for i in sorted(set(data.mixable.ravel().tolist())):
        others = np.unique(np.concatenate([p for j, p in enumerate(own) if j != i]))
        floors.append(float((~np.isin(patterns(planes[i][known[i]], data.classes), others)).mean()))
    nearest = np.array(
        [
            min(
                (((d != planes[j, v]).sum() / max((planes[j, v] > 0).sum(), 1)) for j in np.flatnonzero(known[:, v])),
                default=1.0,
            )
            for d, v in zip(drawn, view, strict=True)
        ]
    )
    return Novelty(
        strange=float((~np.isin(mine, all_patterns)).mean()) if len(mine) else 0.0,
        floor=float(np.mean(floors)),
        copies=float((nearest == 0).mean()),
        distance=float(nearest.mean()),
    )
