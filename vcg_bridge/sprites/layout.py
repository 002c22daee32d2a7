"""Ways to lay a character's frames out on one sheet: plain rows, LPC rows, packed.

`rows`    a block per animation, a row per direction (up, left, down, right), a column per frame. Animations with
          oversize frames come last, each block on its own, larger grid.
`lpc`     the sheet that LPC tools and games read, `sprites.lpc`.
`packed`  every frame cut to its picture, equal pictures once, packed densely; padding, extrusion, powers of two.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import numpy as np

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.errors import BadRequest, near
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.compose import pose_order
from vcg_bridge.sprites.effects import Box, box_of, common_box
from vcg_bridge.sprites.lpc import lpc
from vcg_bridge.sprites.sheet import Sheet, SheetFrame, duration_ms, put, whole_frame

MAX_EDGE = 16_384
"""Largest texture that the engines take, in pixels."""


def rows(character: Character, manifest: Manifest) -> Sheet:
    """A block of rows per animation, blocks below one another, cells as large as the animation's frames."""
    poses = pose_order(manifest, character.frames)
    _refuse_nothing(poses)
    edges = {pose.animation: character.frames[pose].shape[0] for pose in poses}
    blocks = sorted(dict.fromkeys(p.animation for p in poses), key=lambda name: edges[name])  # stable: large ones last
    lines = [
        (name, direction)
        for name in blocks
        for direction in dict.fromkeys(p.direction for p in poses if p.animation == name)
    ]
    tops, bottom = {}, 0
    for line in lines:
        tops[line] = bottom
        bottom += edges[line[0]]
    width = max((p.frame + 1) * edges[p.animation] for p in poses)
    return _whole_sheet(
        "rows", character, manifest, width, bottom,
        {p: (p.frame * edges[p.animation], tops[p.animation, p.direction]) for p in poses},
    )  # fmt: skip


def packed(
    character: Character,
    manifest: Manifest,
    *,
    padding: int = 1,
    extrude: int = 0,
    power_of_two: bool = False,
    trim: str = "each",
) -> Sheet:
    """Equal pictures once, on shelves.

    padding: empty pixels between two pictures. extrude: pixels by which a picture's edge is repeated around it, against
    seams when a texture is filtered. power_of_two: width and height are powers of two. trim: "each" frame to its own
    picture, "common" for one box for all frames of one size, "none".
    """
    if not 0 <= padding <= 64 or not 0 <= extrude <= 16:
        raise BadRequest(f"padding must be 0 to 64 and extrude 0 to 16 pixels, not {padding} and {extrude}")
    poses = pose_order(manifest, character.frames)
    _refuse_nothing(poses)
    boxes = _boxes(character, trim)
    pictures: dict[tuple[tuple[int, ...], bytes], Plane] = {}
    shown = {}
    for pose in poses:
        x, y, w, h = boxes[pose]
        picture = character.frames[pose][y : y + h, x : x + w]
        shown[pose] = key = picture.shape, picture.tobytes()
        pictures.setdefault(key, picture)
    border = padding + 2 * extrude
    sizes = [(p.shape[1] + border, p.shape[0] + border) for p in pictures.values()]
    width, height, corners = _smallest(sizes, padding, power_of_two)
    plane = np.zeros((height, width), np.uint8)
    places = {}
    for (key, picture), (x, y) in zip(pictures.items(), corners, strict=True):
        places[key] = x + extrude, y + extrude
        put(plane, picture, *places[key], extrude)
    frames = []
    for pose in poses:
        x, y, w, h = boxes[pose]
        source_h, source_w = character.frames[pose].shape
        ms = duration_ms(manifest, pose.animation)
        frames.append(SheetFrame(pose, *places[shown[pose]], w, h, x, y, source_w, source_h, ms))
    return Sheet("packed", plane, character.palette, tuple(frames), extrude)


def _boxes(character: Character, trim: str) -> dict[Pose, Box]:
    frames = character.frames
    if trim == "none":
        return {pose: (0, 0, plane.shape[1], plane.shape[0]) for pose, plane in frames.items()}
    if trim == "each":
        return {pose: box_of(plane) or (0, 0, 1, 1) for pose, plane in frames.items()}
    if trim == "common":
        shapes = {plane.shape for plane in frames.values()}
        common = {
            s: common_box({pose: plane for pose, plane in frames.items() if plane.shape == s}) or (0, 0, 1, 1)
            for s in shapes
        }
        return {pose: common[plane.shape] for pose, plane in frames.items()}
    raise BadRequest(f"unknown way to trim: {trim!r}", hint='one of "each", "common" and "none"')


def lay_out(
    layout: str,
    character: Character,
    manifest: Manifest,
    *,
    padding: int = 1,
    extrude: int = 0,
    power_of_two: bool = False,
    trim: str = "each",
) -> Sheet:
    """The layout of that name; the options are those of `packed` and say nothing to the others."""
    if layout == "packed":
        return packed(character, manifest, padding=padding, extrude=extrude, power_of_two=power_of_two, trim=trim)
    if layout not in LAYOUTS:
        raise BadRequest(f"unknown layout: {layout!r}", hint=near(layout, LAYOUTS) or f"one of: {', '.join(LAYOUTS)}")
    return LAYOUTS[layout](character, manifest)


LAYOUTS: dict[str, Callable[[Character, Manifest], Sheet]] = {"rows": rows, "lpc": lpc, "packed": packed}


def _whole_sheet(
    layout: str,
    character: Character,
    manifest: Manifest,
    width: int,
    height: int,
    places: dict[Pose, tuple[int, int]],
) -> Sheet:
    _refuse_large(width, height)
    plane = np.zeros((height, width), np.uint8)
    for pose, (x, y) in places.items():
        put(plane, character.frames[pose], x, y)
    frames = tuple(whole_frame(character, manifest, pose, x, y) for pose, (x, y) in places.items())
    return Sheet(layout, plane, character.palette, frames)


def _smallest(sizes: list[tuple[int, int]], padding: int, power_of_two: bool) -> tuple[int, int, list[tuple[int, int]]]:
    """Of several widths the one with the smallest sheet: width, height and the corner of every box, in order."""
    widest, area = max(w for w, _ in sizes), sum(w * h for w, h in sizes)
    start = max(widest, isqrt(area))
    if power_of_two:
        first = max(widest - padding, 1)
        widths = [1 << bits for bits in range((first - 1).bit_length(), 15)]
    else:
        widths = [start + start * extra // 64 for extra in range(0, 20)]
    best: tuple[int, int, int, list[tuple[int, int]]] | None = None
    for width in widths:
        corners, height = _shelves(sizes, width + padding if power_of_two else width, padding)
        used = width if power_of_two else max(x + w for (x, _), (w, _) in zip(corners, sizes, strict=True)) - padding
        if power_of_two:
            height = 1 << (height - 1).bit_length()
        if best is None or (used * height, max(used, height)) < (best[0], max(best[1], best[2])):
            best = used * height, used, height, corners
    assert best is not None  # there is at least one width
    _, width, height, corners = best
    _refuse_large(width, height)
    return width, height, corners


def _shelves(sizes: list[tuple[int, int]], width: int, padding: int) -> tuple[list[tuple[int, int]], int]:
    """Boxes by height on shelves of that width. Returns their corners in the given order, and the height of it all."""
    corners = [(0, 0)] * len(sizes)
    x = y = shelf = 0
    for i in sorted(range(len(sizes)), key=lambda i: (-sizes[i][1], -sizes[i][0], i)):
        w, h = sizes[i]
        if x + w > width:
            x, y = 0, y + shelf
        if x == 0:
            shelf = h
        corners[i] = x, y
        x += w
    return corners, y + shelf - padding


def _refuse_nothing(poses: list[Pose]) -> None:
    if not poses:
        raise BadRequest("there is no frame to lay out", hint="ask for at least one animation")


def _refuse_large(width: int, height: int) -> None:
    if max(width, height) > MAX_EDGE:
        raise BadRequest(
            f"the sheet would be {width}x{height} pixels; engines take {MAX_EDGE} at most",
            hint='choose fewer animations or the "packed" layout',
        )
