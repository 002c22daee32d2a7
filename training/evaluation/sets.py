"""Sets of drawings to compare: the real ones, samples that match them in (group, item, view), and two baselines.

A sample set has exactly as many drawings of each group, item and view as the real set it is compared with (the item is the one that lends
layer, kind and fixed colours). So a distance between the two says something of the drawings, not of which items were asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from training.evaluation.subject import Subject, SubjectGroup
from training.layers.sampling import LEAST, MOST, Samples, pools, sample

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Drawings:
    """Drawings of one group."""

    planes: NDArray[np.uint8]  # [n, h, w] classes
    item: Ints  # [n] row of the group
    view: Ints  # [n]
    other: Ints  # [n] second item of a mixture, or -1
    amount: NDArray[np.float64]  # [n] share of `other`

    def __len__(self) -> int:
        return len(self.item)

    def take(self, index: Ints) -> Drawings:
        """Those at `index`."""
        return Drawings(self.planes[index], self.item[index], self.view[index], self.other[index], self.amount[index])


Set = Mapping[str, Drawings]
"""Group id -> drawings. Order of a pooled set: groups in this order, drawings in theirs."""


def plain(planes: NDArray[np.uint8], pairs: Ints) -> Drawings:
    """Drawings of items (nothing mixed) for pairs [n, 2] of (item, view)."""
    n = len(pairs)
    return Drawings(planes, pairs[:, 0], pairs[:, 1], np.full(n, -1, np.int64), np.zeros(n))


def art(group: SubjectGroup, pairs: Ints) -> NDArray[np.uint8]:
    """uint8 [n, h, w]: the artists' drawings of pairs [n, 2]."""
    planes: NDArray[np.uint8] = group.data.planes.numpy()[pairs[:, 0], pairs[:, 1]]
    return planes


def mixable(group: SubjectGroup, mode: str) -> Ints:
    """Rows that samples of a mode come from: all for `items`, else those that have another item to vary towards."""
    if mode == "items":
        return np.arange(len(group.data.items))
    return np.array(sorted(i for pool in pools(group.data) for i in pool), np.int64)


def real(subject: Subject, mode: str) -> Set:
    """Every drawing that the art has of the items that samples of `mode` come from."""
    found = {}
    for name, group in subject.groups.items():
        pairs = group.known[np.isin(group.known[:, 0], mixable(group, mode))]
        if len(pairs):
            found[name] = plain(art(group, pairs), pairs)
    return found


def matched(reals: Set, n: int, seed: int) -> dict[str, Ints]:
    """Pairs [n_g, 2] per group, n in all: each real drawing's pair equally often, the rest at random without repetition."""
    total = sum(len(x) for x in reals.values())
    rng = np.random.default_rng([seed, 31])
    index = np.concatenate([np.arange(total)] * (n // total) + [np.sort(rng.permutation(total)[: n % total])])
    found, start = {}, 0
    for name, drawings in reals.items():
        mine = index[(index >= start) & (index < start + len(drawings))] - start
        start += len(drawings)
        if len(mine):
            found[name] = np.stack([drawings.item[mine], drawings.view[mine]], 1)
    return found


def samples(subject: Subject, pairs: Mapping[str, Ints], mode: str, seed: int) -> Set:
    """The subject's drawings for pairs, each from a code of its own whose first item is the pair's."""
    found = {}
    for name, wanted in pairs.items():
        group = subject.groups[name]
        codes = codes_for(group, wanted[:, 0], mode, seed)
        planes = group.draw(codes.codes, torch.from_numpy(np.ascontiguousarray(wanted[:, 1])))
        found[name] = Drawings(planes, wanted[:, 0], wanted[:, 1], codes.other, codes.amount)
    return found


def codes_for(group: SubjectGroup, item: Ints, mode: str, seed: int) -> Samples:
    """One code of a mode for each entry of `item` [n], which lends it its layer. Codes are drawn until every item has enough."""
    if mode == "items":  # every item, also those that have no pool
        n = len(item)
        return Samples(group.codes[torch.from_numpy(item)], item, np.full(n, -1, np.int64), np.zeros(n))
    drawn = sample(group.data, group.codes, mode, 4 * len(item) + 64, seed)
    while True:
        found = {row: np.flatnonzero(drawn.item == row) for row in np.unique(item).tolist()}
        lacking = [row for row, have in found.items() if len(have) < (item == row).sum()]
        if not lacking:
            break
        more = sample(group.data, group.codes, mode, 2 * len(drawn), seed + 1)
        drawn = Samples(
            torch.cat([drawn.codes, more.codes]),
            np.concatenate([drawn.item, more.item]),
            np.concatenate([drawn.other, more.other]),
            np.concatenate([drawn.amount, more.amount]),
        )
        seed += 1
    chosen = np.empty(len(item), np.int64)
    for row, have in found.items():
        here = np.flatnonzero(item == row)
        chosen[here] = have[: len(here)]
    return Samples(drawn.codes[torch.from_numpy(chosen)], item, drawn.other[chosen], drawn.amount[chosen])


def copied(subject: Subject, pairs: Mapping[str, Ints], seed: int) -> Set:
    """Baseline "nearest item": the art itself, pairs drawn with replacement. What a generator that only copies would show."""
    rng = np.random.default_rng([seed, 32])
    found = {}
    for name, wanted in pairs.items():
        again = wanted[rng.integers(0, len(wanted), len(wanted))]
        found[name] = plain(art(subject.groups[name], again), again)
    return found


Coin = Callable[[tuple[int, ...]], NDArray[np.bool_]]


def mixed_pixels(subject: Subject, pairs: Mapping[str, Ints], seed: int) -> Set:
    """Baseline "mixing pixels": each pixel from one of two items' drawings of the view, by a coin that falls for the second item as often as a
    mixture has of it. Pairs without a second item in the view are left out."""
    rng = np.random.default_rng([seed, 33])
    found = {}
    for name, wanted in pairs.items():
        group = subject.groups[name]
        other = partners(group, wanted, rng)
        have = other >= 0
        wanted, other = wanted[have], other[have]
        if not len(wanted):
            continue
        amount = rng.uniform(LEAST, MOST, len(wanted))
        first, second = art(group, wanted), art(group, np.stack([other, wanted[:, 1]], 1))
        planes = np.where(rng.random(first.shape) < amount[:, None, None], second, first)
        found[name] = Drawings(planes, wanted[:, 0], wanted[:, 1], other, amount)
    return found


def partners(group: SubjectGroup, pairs: Ints, rng: np.random.Generator) -> Ints:
    """[n]: for each (item, view) another item of the same pool that the art shows in that view, or -1."""
    known = known_mask(group)
    pool_of = {i: pool for pool in pools(group.data) for i in pool}
    found = np.full(len(pairs), -1, np.int64)
    for k, (i, v) in enumerate(pairs.tolist()):
        others = [j for j in pool_of.get(i, ()) if j != i and known[j, v]]
        if others:
            found[k] = others[rng.integers(0, len(others))]
    return found


def known_mask(group: SubjectGroup) -> NDArray[np.bool_]:
    """bool [items, views]: what the art has."""
    known = np.zeros(group.data.planes.shape[:2], bool)
    known[group.known[:, 0], group.known[:, 1]] = True
    return known
