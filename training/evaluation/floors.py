"""How far real art is from real art: what a distance of samples is to be held against.

Two floors, which mean different things:

drawings   the real drawings in two random halves. Both halves hold the same items, in neighbouring frames: this is the distance that chance alone
           makes, and the strictest floor there can be. A generator would have to redraw the very items to reach it.
items      in every group with enough items, half of the items against the other half. This is how far new art by the same artists is from the art there
           is: the floor of honest novelty, and a wide one.

The Frechet distance depends on n, so each floor comes with the samples' distance at the same sizes, and the ratio of the two. The kernel
distance does not depend on n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.distances import frechet, kernel
from training.evaluation.network import Features

SPLIT_FROM = 4
"""Groups of at least so many items are split by item."""

Ints = NDArray[np.int64]


class Spread(NamedTuple):
    """A figure over several seeds."""

    mean: float
    deviation: float  # standard deviation over the seeds; 0 for one seed


@dataclass(frozen=True)
class Floor:
    """One floor in one feature space, and the samples beside it."""

    n_real: int  # drawings on the side that both are compared with
    n: int  # drawings on the other side: real ones for the floor, samples for `sampled`
    groups: int  # groups that take part
    seeds: int
    frechet: Spread  # real against real
    kernel: Spread
    sampled_frechet: Spread  # samples against real, same sizes
    sampled_kernel: Spread
    ratio: float  # sampled_frechet / frechet


def spread(values: list[float]) -> Spread:
    """Mean and standard deviation."""
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)


def by_drawings(real: Features, fake: Features, seeds: int, seed: int, groups: int) -> Floor:
    """Random halves of the real drawings; as many samples."""
    half = min(len(real) // 2, len(fake))
    splits = []
    for s in range(seeds):
        rng = np.random.default_rng([seed, s, 61])
        order = rng.permutation(len(real))
        splits.append((real[order[:half]], real[order[half : 2 * half]], fake[rng.permutation(len(fake))[:half]]))
    return _floor([(a, b, a, c) for a, b, c in splits], groups)


def by_items(real: Features, fake: Features, keys: Ints, fake_keys: Ints, seeds: int, seed: int) -> Floor | None:
    """Halves of the items. `keys` [n, 2]: (number of the group, item) of every real drawing, `fake_keys` of every sample.

    The samples are held against as many drawings of all items as the floor's real side has. None where no group has SPLIT_FROM items.
    """
    wide = [g for g in np.unique(keys[:, 0]) if len(np.unique(keys[keys[:, 0] == g, 1])) >= SPLIT_FROM]
    if not wide:
        return None
    inside, fake_inside = np.flatnonzero(np.isin(keys[:, 0], wide)), np.flatnonzero(np.isin(fake_keys[:, 0], wide))
    splits = []
    for s in range(seeds):
        rng = np.random.default_rng([seed, s, 62])
        first = np.zeros(len(keys), bool)
        for g in wide:
            items = np.unique(keys[keys[:, 0] == g, 1])
            chosen = rng.permutation(items)[: len(items) // 2]
            first |= (keys[:, 0] == g) & np.isin(keys[:, 1], chosen)
        a, b = rng.permutation(np.flatnonzero(first)), rng.permutation(np.setdiff1d(inside, np.flatnonzero(first)))
        n = min(len(a), len(b), len(fake_inside))
        every, samples = rng.permutation(inside)[:n], rng.permutation(fake_inside)[:n]
        splits.append((real[a[:n]], real[b[:n]], real[every], fake[samples]))
    return _floor(splits, len(wide))


def _floor(splits: list[tuple[Features, Features, Features, Features]], groups: int) -> Floor:
    """From (real, other real, real, samples) of each seed."""
    reals, fakes = [], []
    for a, b, every, samples in splits:
        reals.append((frechet(a, b), kernel(a, b)))
        fakes.append((frechet(every, samples), kernel(every, samples)))
    f, k = (spread([x[i] for x in reals]) for i in range(2))
    sf, sk = (spread([x[i] for x in fakes]) for i in range(2))
    a, b = splits[0][:2]
    return Floor(len(a), len(b), groups, len(splits), f, k, sf, sk, sf.mean / max(f.mean, 1e-12))
