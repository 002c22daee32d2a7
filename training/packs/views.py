"""The distinct drawings of a group of layer parts.

Most poses of a layer repeat a drawing at another place or mirrored. Two poses share a view when every item that the art
shows in both is drawn the same, pixel for pixel, up to one translation that holds for all items and a mirroring. An item
without art in one of them is known from the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Planes = NDArray[np.uint8]
Ints = NDArray[np.int32]
PoseKey = tuple[str, int, int]  # animation, row of the direction, frame

_MISSING, _EMPTY = 0, 1  # drawing ids: the art has no such sheet; the sheet is empty here


@dataclass(frozen=True, eq=False)
class Views:
    """What `find_views` returns."""

    planes: Planes  # [items, views, height, width]
    known: NDArray[np.bool_]  # [items, views]
    poses_per_view: NDArray[np.int32]  # [views]
    table: Mapping[PoseKey, tuple[int, int, int, int]]  # pose -> view, x, y, flip; poses that show nothing are left out


@dataclass(frozen=True, eq=False)
class _Sketch:
    """One orientation of every frame: which drawing, and the top-left of its box. All [poses, items]."""

    drawing: Ints
    x: Ints
    y: Ints


@dataclass(eq=False)
class _View:
    """A view while it grows. Coordinates are those of its first pose."""

    drawing: Ints  # [items]
    x: Ints
    y: Ints
    source: list[tuple[int, int, int, int] | None]  # per item: pose, dx, dy, flip of the frame to copy


def find_views(art: Sequence[Mapping[PoseKey, Planes]], poses: Sequence[PoseKey]) -> Views:
    """Views over all items. art: per item its frames uint8 [size, size] by pose; a pose that is absent has no art."""
    size = next(iter(next(a for a in art if a).values())).shape[0]
    plain, mirrored = _sketches(art, poses, size)
    views: list[_View] = []
    placed: dict[int, tuple[int, int, int, int]] = {}  # pose -> view, dx, dy, flip
    # the poses that show most items first: they make the best reference for the others
    order = sorted(range(len(poses)), key=lambda p: (-int((plain.drawing[p] > _EMPTY).sum()), p))
    for p in order:
        if not (plain.drawing[p] > _EMPTY).any():
            continue
        hit = _best_match(views, plain, mirrored, p)
        if hit is None:
            here = [(p, 0, 0, 0) if d != _MISSING else None for d in plain.drawing[p]]
            views.append(_View(plain.drawing[p].copy(), plain.x[p].copy(), plain.y[p].copy(), here))
            placed[p] = (len(views) - 1, 0, 0, 0)
            continue
        v, dx, dy, flip = hit
        placed[p] = hit
        _learn(views[v], mirrored if flip else plain, p, dx, dy, flip)
    return _draw(art, poses, size, views, placed)


def _sketches(art: Sequence[Mapping[PoseKey, Planes]], poses: Sequence[PoseKey], size: int) -> tuple[_Sketch, _Sketch]:
    shape = (len(poses), len(art))
    both = [_Sketch(np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32)) for _ in range(2)]
    names: dict[tuple[tuple[int, ...], bytes], int] = {}
    for i, frames in enumerate(art):
        for p, pose in enumerate(poses):
            frame = frames.get(pose)
            if frame is None:
                continue
            ys, xs = np.nonzero(frame)
            if not len(xs):
                both[0].drawing[p, i] = both[1].drawing[p, i] = _EMPTY
                continue
            x0, x1, y0, y1 = int(xs.min()), int(xs.max()) + 1, int(ys.min()), int(ys.max()) + 1
            crop = frame[y0:y1, x0:x1]
            for sketch, image, x in ((both[0], crop, x0), (both[1], crop[:, ::-1], size - x1)):
                sketch.drawing[p, i] = names.setdefault((image.shape, image.tobytes()), len(names) + 2)
                sketch.x[p, i], sketch.y[p, i] = x, y0
    return both[0], both[1]


def _best_match(views: list[_View], plain: _Sketch, mirrored: _Sketch, p: int) -> tuple[int, int, int, int] | None:
    """(view, dx, dy, flip) of the view that agrees with pose p on most items, or None."""
    best: tuple[int, int, int, int] | None = None
    most = 0
    for flip, sketch in ((0, plain), (1, mirrored)):
        d, x, y = sketch.drawing[p], sketch.x[p], sketch.y[p]
        for v, view in enumerate(views):
            both = (d != _MISSING) & (view.drawing != _MISSING)
            shown = both & (d != _EMPTY)
            n = int(shown.sum())
            if n <= most or (d != view.drawing)[both].any():
                continue
            dx, dy = (x - view.x)[shown], (y - view.y)[shown]
            if (dx == dx[0]).all() and (dy == dy[0]).all():
                best, most = (v, int(dx[0]), int(dy[0]), flip), n
    return best


def _learn(view: _View, sketch: _Sketch, p: int, dx: int, dy: int, flip: int) -> None:
    """Take over from pose p the items that the view does not know yet."""
    for i in np.flatnonzero((view.drawing == _MISSING) & (sketch.drawing[p] != _MISSING)).tolist():
        view.drawing[i] = sketch.drawing[p, i]
        view.x[i], view.y[i] = sketch.x[p, i] - dx, sketch.y[p, i] - dy
        view.source[i] = (p, dx, dy, flip)


def _draw(
    art: Sequence[Mapping[PoseKey, Planes]],
    poses: Sequence[PoseKey],
    size: int,
    views: list[_View],
    placed: Mapping[int, tuple[int, int, int, int]],
) -> Views:
    """Cut every view out of its source frames, in windows of one size."""
    stacks, corners = [], []
    for view in views:
        stack, x, y = _crop(art, poses, size, view)
        stacks.append(stack)
        corners.append((x, y))
    height = -(-max(s.shape[1] for s in stacks) // 4) * 4
    width = -(-max(s.shape[2] for s in stacks) // 4) * 4
    offsets = _align(stacks, height, width)
    planes = np.zeros((len(art), len(views), height, width), np.uint8)
    for v, (stack, (oy, ox)) in enumerate(zip(stacks, offsets, strict=True)):
        planes[:, v, oy : oy + stack.shape[1], ox : ox + stack.shape[2]] = stack
    known = np.stack([view.drawing != _MISSING for view in views], 1)
    count = np.zeros(len(views), np.int32)
    table: dict[PoseKey, tuple[int, int, int, int]] = {}
    for p in sorted(placed):
        v, dx, dy, flip = placed[p]
        count[v] += 1
        x, y = corners[v][0] - offsets[v][1] + dx, corners[v][1] - offsets[v][0] + dy
        table[poses[p]] = (v, size - x - width if flip else x, y, flip)
    return Views(planes, known, count, table)


def _crop(
    art: Sequence[Mapping[PoseKey, Planes]], poses: Sequence[PoseKey], size: int, view: _View
) -> tuple[Planes, int, int]:
    """(classes [items, h, w] of the union box, x, y of its corner in the first pose's frame)."""
    # dx and dy may move a frame that was drawn elsewhere over the edge of the first pose's: a margin of a frame each side
    canvas = np.zeros((len(art), 3 * size, 3 * size), np.uint8)
    for i, source in enumerate(view.source):
        if source is not None:
            p, dx, dy, flip = source
            frame = art[i][poses[p]]
            canvas[i, size - dy : 2 * size - dy, size - dx : 2 * size - dx] = frame[:, ::-1] if flip else frame
    ys, xs = np.nonzero(canvas.any(0))
    x0, x1, y0, y1 = int(xs.min()), int(xs.max()) + 1, int(ys.min()), int(ys.max()) + 1
    return canvas[:, y0:y1, x0:x1], x0 - size, y0 - size


def _align(stacks: Sequence[Planes], height: int, width: int) -> list[tuple[int, int]]:
    """(y, x) of every stack in its window, so that like lies over like: a network then shares what it learns.

    The biggest stack is centred; each next one goes where it overlaps best with the mean of those before.
    """
    mean = np.zeros((height, width), np.float64)
    offsets: list[tuple[int, int]] = [(0, 0)] * len(stacks)
    order = sorted(range(len(stacks)), key=lambda v: (-stacks[v].shape[1] * stacks[v].shape[2], v))
    for v in order:
        cover = (stacks[v] > 0).mean(0)
        h, w = cover.shape
        centre = ((height - h) / 2, (width - w) / 2)
        best = max(
            ((y, x) for y in range(height - h + 1) for x in range(width - w + 1)),
            key=lambda at: (
                round(float((mean[at[0] : at[0] + h, at[1] : at[1] + w] * cover).sum()), 6),
                -abs(at[0] - centre[0]) - abs(at[1] - centre[1]),
                at,
            ),
        )
        offsets[v] = best
        mean[best[0] : best[0] + h, best[1] : best[1] + w] += cover
    return offsets
