"""Is it varied: how far samples are from each other, beside how far items are, and whether they use the colours the art uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.network import Features
from training.evaluation.sets import Drawings, Set


@dataclass(frozen=True)
class Diversity:
    """Figures of a set of drawings."""

    pixels: float  # mean share of differing pixels of two drawings of one group and view, relative to their mean opaque size
    features: float  # mean distance of two such drawings in the in-domain feature space
    slots: float  # distance of slot use from the art's: 0 the same shares of every slot, 1 none in common


def pairs_of(x: Drawings, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """[m, 2] pairs of drawings of one view, up to `most`, all different."""
    order = rng.permutation(len(x))
    order = order[np.argsort(x.view[order], kind="stable")]
    found = [
        np.stack([order[:-step], order[step:]], 1)[x.view[order[:-step]] == x.view[order[step:]]]
        for step in range(1, min(4, len(order)))
    ]
    every = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    chosen: NDArray[np.int64] = every[rng.permutation(len(every))[:most]]
    return chosen


def diversity(drawn: Set, features: Features, art: Set, seed: int, most: int = 2000) -> Diversity:
    """`features`: of the pooled set, in its order. `art`: the real drawings that the set is matched with. Groups weigh by their pairs."""
    rng = np.random.default_rng([seed, 41])
    pixels: list[NDArray[np.float64]] = []
    apart: list[NDArray[np.float32]] = []
    start = 0
    for x in drawn.values():
        mine = features[start : start + len(x)]
        start += len(x)
        a, b = pairs_of(x, most, rng).T
        size = ((x.planes[a] > 0).sum((1, 2)) + (x.planes[b] > 0).sum((1, 2))) / 2
        pixels.append((x.planes[a] != x.planes[b]).sum((1, 2)) / np.maximum(size, 1))
        apart.append(np.sqrt(((mine[a] - mine[b]) ** 2).sum(1)))
    return Diversity(
        float(np.concatenate(pixels).mean()), float(np.concatenate(apart).mean()), slot_distance(drawn, art)
    )


def slot_distance(drawn: Set, art: Set) -> float:
    """Total variation between the slot shares of two sets, 0..1: half the sum of |p - q| over slots; mean over groups, weighted by drawings."""
    total = weight = 0.0
    for name, x in drawn.items():
        p, q = (np.bincount(planes[planes > 0].ravel(), minlength=256)[1:] for planes in (x.planes, art[name].planes))
        total += len(x) * 0.5 * float(np.abs(p / max(p.sum(), 1) - q / max(q.sum(), 1)).sum())
        weight += len(x)
    return total / max(weight, 1.0)
