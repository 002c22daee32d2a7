"""Cleaning: takes single wrong pixels out of drawn layers, and never touches a pixel that an artist drew.

Two rules on the class planes of one layer part:

    speck     one or two opaque pixels that touch nothing else, not even diagonally, become transparent
    pinhole   a transparent pixel with eight opaque neighbours takes their most frequent class (of equals the lightest)

Artists draw such pixels too, though seldom: of the 7,234 drawings of LPC Revised 181 have specks (hair, shirts, legs) and
100 have pinholes (crooks of arms, curls). No rule could be used as it is, and whole layers could not be let off without
losing those where errors are most frequent. So a bundle carries places: per part and rule every (view, x, y) where any
item's art has such a pixel (`PartTable.cleaning`; 927 in LPC Revised), and nothing is changed there. For pinholes these are
all pixels of enclosed holes of up to HOLE pixels, since a hole that is drawn a little too small must not be closed for
that. Hence no frame of the art is ever changed: 0 of 7,234, by construction and by measurement. A rule that a part does
not name is off for it: a bundle without this data is not cleaned at all.

What it is for, measured on networks that were trained without an adversary: they draw the pack's own items without specks.
But of 3,000 mixtures of two items (20 to 50% of the second) 686 have specks, 1,452 pixels in all, mostly plumes, eyewear,
feet, helms and hair, and 106 have pinholes. A third rule, for a lone pixel of another shade, was tried and left out: in
hair it put 10 pixels wrong of 12, since there lone shades are the texture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import DrawnPart, Placed, Plane, Pose
from vcg_bridge.contract.manifest import Manifest

Planes = NDArray[np.uint8]
"""uint8 [N, h, w]: class planes of one layer part."""

Mask = NDArray[np.bool_]

HOLE = 9  # pixels

_RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
"""The eight neighbours."""


def clean(planes: Planes, spared: Mapping[str, Mask]) -> Planes:
    """The planes without specks and pinholes.

    spared: rule -> bool [N, h, w], pixels that are as the artist wants them. A rule that is not in it is not applied.
    Returns the same array where there is nothing to do.
    """
    hits = {rule: hit & ~spared[rule] for rule, hit in _hits(planes).items() if rule in spared}
    if not any(hit.any() for hit in hits.values()):
        return planes
    result = planes.copy()
    for rule, hit in hits.items():
        where = np.nonzero(hit)
        if rule == "speck":
            result[where] = 0
        else:
            result[where] = _most_frequent(_neighbours(planes, *where))
    return result


def places(planes: NDArray[np.uint8], known: Mask) -> dict[str, NDArray[np.int16]]:
    """What a bundle carries for one part: rule -> int16 [n, 3] of (view, x, y), sorted.

    planes: uint8 [items, views, h, w], the art. known: bool [items, views], which of it exists.
    """
    found = {}
    drawn = planes.reshape(-1, *planes.shape[2:])
    for rule, hits in (("speck", _hits(drawn)["speck"]), ("pinhole", _small_holes(drawn))):
        hit: Mask = np.logical_or.reduce(hits.reshape(planes.shape) & known[:, :, None, None])
        view, x, y = np.nonzero(hit.transpose(0, 2, 1))
        found[rule] = np.stack([view, x, y], axis=1).astype(np.int16)
    return found


def spared(manifest: Manifest, part: DrawnPart, views: Sequence[tuple[Pose, Placed]]) -> dict[str, Mask]:
    """The places of a part, as masks for `clean`: rule -> bool [N, h, w].

    views: the planes that are to be cleaned, all of one shape, each with a pose that shows it.
    """
    table = next(p for p in manifest.layer(part.layer).parts if p.part == part.part)
    network = manifest.network(table.network)
    shape = views[0][1].classes.shape
    starts = {rule: np.searchsorted(at[:, 0], np.arange(network.views + 1)) for rule, at in table.cleaning.items()}
    masks = {rule: np.zeros((len(views), *shape), np.bool_) for rule in table.cleaning}
    for i, (pose, placed) in enumerate(views if masks else ()):
        row = manifest.animation(pose.animation).directions.index(pose.direction)
        view, left, top, flip = table.poses[pose.animation][row, pose.frame].tolist()
        for rule, mask in masks.items():
            start, end = starts[rule][view : view + 2]
            if start < end:
                x, y = table.cleaning[rule][start:end, 1:].astype(np.int64).T
                x = (network.width - 1 - x if flip else x) + left - placed.x
                y = y + top - placed.y
                inside = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
                mask[i, y[inside], x[inside]] = True
    return masks


def _hits(planes: Planes) -> dict[str, Mask]:
    """Rule -> bool [N, h, w]: the pixels it is about, in one pass over all planes stacked into one tall picture."""
    count, height, width = planes.shape
    tall = np.zeros((count, height + 2, width + 2), np.uint8)
    opaque = planes > 0
    tall[:, 1:-1, 1:-1] = opaque
    touching = _ring(tall, lambda flat: cv2.filter2D(flat, -1, _RING))  # opaque neighbours of every pixel
    alone = opaque & (touching == 0)
    tall[:, 1:-1, 1:-1] = touching * opaque
    paired = (
        opaque & (touching == 1) & (_ring(tall, lambda flat: cv2.dilate(flat, _RING)) == 1)
    )  # its one neighbour has no other
    return {"speck": alone | paired, "pinhole": ~opaque & (touching == 8)}


def _ring(tall: NDArray[np.uint8], work: Callable[[NDArray[np.uint8]], Any]) -> NDArray[np.uint8]:
    """A neighbourhood operation of OpenCV on all planes at once; uint8 [N, h + 2, w + 2] -> [N, h, w]."""
    result: NDArray[np.uint8] = work(tall.reshape(-1, tall.shape[2])).reshape(tall.shape)
    return result[:, 1:-1, 1:-1]


def _small_holes(planes: Planes) -> Mask:
    """bool [N, h, w]: transparent pixels of holes of at most HOLE pixels that lie within a silhouette."""
    result = np.zeros(planes.shape, np.bool_)
    for plane, found in zip(planes, result, strict=True):
        outside = np.pad(plane == 0, 1, constant_values=True).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] <= HOLE
        small[labels[0, 0]] = False  # all around the figure
        found[:] = small[labels[1:-1, 1:-1]] & (plane == 0)
    return result


def _neighbours(planes: Planes, n: NDArray[np.intp], y: NDArray[np.intp], x: NDArray[np.intp]) -> NDArray[np.uint8]:
    """uint8 [8, P]: the eight neighbours of P pixels that do not lie on the edge of their plane."""
    return np.stack([planes[n, y + dy - 1, x + dx - 1] for dy, dx in zip(*np.nonzero(_RING), strict=True)])


def _most_frequent(neighbours: NDArray[np.uint8]) -> Plane:
    """uint8 [8, n] -> uint8 [n]; of equally frequent classes the lowest."""
    classes = np.arange(neighbours.max(initial=0) + 1, dtype=np.uint8)
    counts = (neighbours[None] == classes[:, None, None]).sum(axis=1)  # [classes, n]
    result: Plane = counts.argmax(axis=0).astype(np.uint8)
    return result
