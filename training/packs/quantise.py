"""`--colours N`: fewer colours, each of them one that the art has, and how far the result is from the art."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.packs.shades import oklab
from training.packs.sheets import CLEAR, Art, Codes
from training.packs.slots import rgb_planes

ROUNDS = 12  # of k-means


@dataclass(frozen=True)
class Quantised:
    """What reducing the colours did to the art."""

    colours_before: int
    colours_after: int
    changed_share: float  # of opaque pixels
    mean_distance: float  # of a changed pixel from its colour in the art: Euclid in RGB, 0..441
    worst_distance: float


def quantise(arts: Sequence[Art], colours: int) -> tuple[tuple[Art, ...], Quantised]:
    """The art with at most `colours` colours.

    k-means in OKLab, weighted with pixels and begun with the most used colour and then always the one that is furthest off
    in proportion to its use; each cluster becomes its own colour that is nearest the mean. No randomness.
    """
    count: Counter[int] = Counter()
    for art in arts:
        for sheets in art.sheets.values():
            for codes in sheets.values():
                values, numbers = np.unique(codes[codes != CLEAR], return_counts=True)
                count.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
    every = np.array(sorted(count), np.int32)
    weight = np.array([count[int(c)] for c in every], np.float64)
    if len(every) <= colours:
        return tuple(arts), Quantised(len(every), len(every), 0.0, 0.0, 0.0)
    to = every[_nearest_own(oklab(every), weight, colours)]
    away = np.sqrt(sum((a.astype(float) - b) ** 2 for a, b in zip(rgb_planes(every), rgb_planes(to), strict=True)))
    moved = away > 0
    done = tuple(
        replace(art, sheets={p: {a: _through(c, every, to) for a, c in s.items()} for p, s in art.sheets.items()})
        for art in arts
    )
    return done, Quantised(
        colours_before=len(every),
        colours_after=len(np.unique(to)),
        changed_share=float(weight[moved].sum() / weight.sum()),
        mean_distance=float((away * weight)[moved].sum() / weight[moved].sum()),
        worst_distance=float(away.max()),
    )


def _through(codes: Codes, every: NDArray[np.int32], to: NDArray[np.int32]) -> Codes:
    at = np.minimum(np.searchsorted(every, codes), len(every) - 1)
    return np.where(codes == CLEAR, CLEAR, to[at]).astype(np.int32)


def _nearest_own(lab: NDArray[np.float64], weight: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """[n]: index of the colour that each colour becomes."""
    first = int(weight.argmax())
    centres = [first]
    near = ((lab - lab[first]) ** 2).sum(1)
    while len(centres) < k:
        centres.append(int((near * np.sqrt(weight)).argmax()))
        near = np.minimum(near, ((lab - lab[centres[-1]]) ** 2).sum(1))
    means = lab[centres]
    owner = _owner(lab, means)
    for _ in range(ROUNDS):
        total = np.bincount(owner, weight, k)
        for axis in range(3):
            sums = np.bincount(owner, weight * lab[:, axis], k)
            means[:, axis] = np.where(total > 0, sums / np.maximum(total, 1e-12), means[:, axis])
        owner = _owner(lab, means)
    own = np.zeros(k, np.int64)
    for n in np.unique(owner):
        mine = np.flatnonzero(owner == n)
        own[n] = mine[((lab[mine] - means[n]) ** 2).sum(1).argmin()]
    return own[owner]


def _owner(lab: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the nearest mean, in slices that keep the table of distances small."""
    slices = [lab[i : i + 4096] for i in range(0, len(lab), 4096)]
    return np.concatenate([((x[:, None] - means[None]) ** 2).sum(2).argmin(1) for x in slices])
