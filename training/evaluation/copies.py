"""Is it new: the nearest training drawing of every sample, and what share of samples is a copy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.evaluation.sets import Set, known_mask
from training.evaluation.subject import Subject, SubjectGroup
from training.files import write_with

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Copies:
    """The audit in figures. Shares 0..1."""

    n: int
    copies: float  # samples that equal a training drawing of their layer and view pixel for pixel
    forced: float  # of all samples: copies of a view in which both mixed items are drawn alike, so that nothing else could come
    distance: float  # mean over samples of pixels that differ from the nearest drawing, relative to its opaque pixels
    median: float


@dataclass(frozen=True, eq=False)
class Audit:
    """Nearest training drawing of each sample, in the order of the set."""

    group: tuple[str, ...]  # [n]
    nearest: Ints  # [n] row of the group, -1 where the art shows the layer in no item in this view
    distance: NDArray[np.float64]  # [n] differing pixels / opaque pixels of the nearest drawing
    forced: NDArray[np.bool_]  # [n] both items of the mixture look the same in this view

    def summed(self) -> Copies:
        """The figures."""
        same = self.distance == 0
        return Copies(
            n=len(self.distance),
            copies=float(same.mean()),
            forced=float((same & self.forced).mean()),
            distance=float(self.distance.mean()),
            median=float(np.median(self.distance)),
        )


def nearest(group: SubjectGroup, planes: NDArray[np.uint8], item: Ints, view: Ints) -> tuple[Ints, NDArray[np.float64]]:
    """(rows [n], distances [n]) of the nearest training drawing of the same layer and view. Planes uint8 [n, h, w]."""
    known, layer = known_mask(group), np.array([x for x, _ in group.data.items])
    art = group.data.planes.numpy()
    rows, distances = np.full(len(planes), -1, np.int64), np.ones(len(planes))
    for v in np.unique(view):
        for here in np.unique(layer):
            mine = np.flatnonzero((view == v) & (layer[item] == here))
            candidates = np.flatnonzero(known[:, v] & (layer == here))
            if not len(mine) or not len(candidates):
                continue
            theirs = art[candidates, v]
            differing = np.stack([(planes[mine] != x).sum((1, 2)) for x in theirs], 1)
            relative = differing / np.maximum((theirs > 0).sum((1, 2)), 1)
            best = relative.argmin(1)
            rows[mine], distances[mine] = candidates[best], relative[np.arange(len(mine)), best]
    return rows, distances


def audit(subject: Subject, drawn: Set) -> Audit:
    """Find the nearest training drawing of every sample."""
    names: list[str] = []
    rows, distances, forced = [], [], []
    for name, x in drawn.items():
        group = subject.groups[name]
        found, distance = nearest(group, x.planes, x.item, x.view)
        planes, mixed = group.data.planes.numpy(), np.flatnonzero(x.other >= 0)
        known = known_mask(group)
        alike = np.zeros(len(x), bool)
        both = known[x.item[mixed], x.view[mixed]] & known[x.other[mixed], x.view[mixed]]
        equal = (planes[x.item[mixed], x.view[mixed]] == planes[x.other[mixed], x.view[mixed]]).all((1, 2))
        alike[mixed] = both & equal
        names += [name] * len(x)
        rows.append(found)
        distances.append(distance)
        forced.append(alike)
    return Audit(tuple(names), np.concatenate(rows), np.concatenate(distances), np.concatenate(forced))


def write_audit(path: Path, subject: Subject, drawn: Set, found: Audit) -> None:
    """One JSON line per sample: what was mixed, in which view, and what it is nearest to."""
    lines, at = [], 0
    for name, x in drawn.items():
        items = ["/".join(key) for key in subject.groups[name].data.items]
        for k in range(len(x)):
            lines.append(
                json.dumps(
                    {
                        "sample": at,
                        "group": name,
                        "view": int(x.view[k]),
                        "item": items[x.item[k]],
                        "other": items[x.other[k]] if x.other[k] >= 0 else None,
                        "amount": round(float(x.amount[k]), 4),
                        "nearest": items[found.nearest[at]] if found.nearest[at] >= 0 else None,
                        "distance": round(float(found.distance[at]), 5),
                    }
                )
            )
            at += 1
    write_with(path, lambda temporary: temporary.write_text("\n".join(lines) + "\n", encoding="utf-8") and None)
