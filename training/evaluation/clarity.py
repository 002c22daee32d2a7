"""Is what is drawn clean: right slots where the art says what is right, edges, specks and local patterns like the art's elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.sets import Drawings, Set, known_mask
from training.evaluation.subject import Subject, SubjectGroup
from training.layers.exactness import Exactness, exactness
from training.layers.novelty import patterns
from training.packs.neutral import Pack

Planes = NDArray[np.uint8]


@dataclass(frozen=True)
class Clarity:
    """Figures of a set of drawings. Shares 0..1."""

    edges: float  # neighbouring pixels of different class, of all neighbours with an opaque one
    orphans: float  # opaque pixels that none of the eight neighbours equals
    strange: float  # 3x3 patterns that occur nowhere in the group's art; of the art itself: nowhere in the other items'
    stray: float  # opaque pixels of a class that the item's layer does not have


def exact(subject: Subject, every: int = 1) -> dict[str, dict[str, Exactness]]:
    """group -> {"seen": ..., "heldout": ... where the run held drawings back}. `every`: only each n-th drawing (for --quick)."""
    found = {}
    for name, group in subject.groups.items():
        parts = {"seen": group.data.pairs, "heldout": group.data.heldout}
        found[name] = {
            part: exactness(group.data, group.codes, pairs[::every], group.draw)
            for part, pairs in parts.items()
            if len(pairs)
        }
    return found


def edge_density(planes: Planes) -> float:
    """Share of horizontally or vertically neighbouring pixels that differ in class, among neighbours of which at least one is opaque."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    differ = total = 0
    for a, b in ((padded[:, 1:], padded[:, :-1]), (padded[:, :, 1:], padded[:, :, :-1])):
        total += int(((a > 0) | (b > 0)).sum())
        differ += int((a != b).sum())
    return differ / max(total, 1)


def orphan_share(planes: Planes) -> float:
    """Share of opaque pixels whose eight neighbours are all of another class: specks of a single pixel."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)))
    h, w = planes.shape[1:]
    company = np.zeros(planes.shape, bool)
    for dy in range(3):
        for dx in range(3):
            if (dy, dx) != (1, 1):
                company |= padded[:, dy : dy + h, dx : dx + w] == planes
    opaque = planes > 0
    return float((opaque & ~company).sum() / max(opaque.sum(), 1))


def known_patterns(subject: Subject) -> dict[str, NDArray[np.int64]]:
    """group -> sorted codes (training.layers.novelty.patterns) of all 3x3 patterns that the art has."""
    found = {}
    for name, group in subject.groups.items():
        found[name] = np.unique(patterns(group.data.planes.numpy()[known_mask(group)], group.data.classes))
    return found


def strange_share(planes: Planes, known: NDArray[np.int64], classes: int) -> float:
    """Share of 3x3 patterns of `planes` that are not among `known` (sorted codes of training.layers.novelty.patterns)."""
    mine = patterns(planes, classes)
    if not len(mine) or not len(known):
        return float(len(mine) > 0)
    at = np.minimum(np.searchsorted(known, mine), len(known) - 1)
    return float((known[at] != mine).mean())


def strange_floor(group: SubjectGroup) -> float | None:
    """The share that an item has against all other items, mean over items: what honest new art would have. None for a single item."""
    planes, known, classes = group.data.planes.numpy(), known_mask(group), group.data.classes
    own = [np.unique(patterns(planes[i][known[i]], classes)) for i in range(len(planes))]
    floors = [
        strange_share(planes[i][known[i]], np.unique(np.concatenate([p for j, p in enumerate(own) if j != i])), classes)
        for i in range(len(planes))
        if len(planes) > 1
    ]
    return float(np.mean(floors)) if floors else None


def stray_share(pack: Pack, group: SubjectGroup, drawings: Drawings) -> float:
    """Share of opaque pixels in classes beyond those of the item's layer. The product never shows them (it takes the next best class)."""
    limit = np.array([pack.layer(layer).classes for layer, _ in group.data.items])[drawings.item]
    opaque = drawings.planes > 0
    return float((drawings.planes >= limit[:, None, None]).sum() / max(opaque.sum(), 1))


def clarity(pack: Pack, subject: Subject, drawn: Set, known: Mapping[str, NDArray[np.int64]]) -> dict[str, Clarity]:
    """Figures of every group of a set, and under "all" the mean weighted by drawings. `known`: of `known_patterns`."""
    found: dict[str, Clarity] = {}
    for name, x in drawn.items():
        group = subject.groups[name]
        found[name] = Clarity(
            edges=edge_density(x.planes),
            orphans=orphan_share(x.planes),
            strange=strange_share(x.planes, known[name], group.data.classes),
            stray=stray_share(pack, group, x),
        )
    weights = np.array([len(x) for x in drawn.values()], np.float64)
    table = np.array([[c.edges, c.orphans, c.strange, c.stray] for c in found.values()])
    found["all"] = Clarity(*(float(v) for v in weights @ table / weights.sum()))
    return found
