"""Layers to characters: parts over one another in drawing order, local classes to palette slots."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character, Drawing, DrawnPart, Placed, Plane, Pose
from vcg_bridge.contract.errors import InternalError
from vcg_bridge.contract.manifest import DIRECTIONS, PARTS, Manifest
from vcg_bridge.sprites.clean import clean, spared
from vcg_bridge.sprites.palette import palette_of
from vcg_bridge.sprites.stencils import Stencil, StencilCache


def compose(
    manifest: Manifest, drawing: Drawing, *, cleaned: bool = True, stencils: StencilCache | None = None
) -> Character:
    """Puts the drawn parts over one another, in every pose that any of them has.

    Frames are uint8 [S, S] planes of palette slots; S is the same for all frames of an animation: the manifest's
    frame size, or that of the largest oversize part (a sword) that the character shows anywhere in that animation,
    drawn or not: a preview frame has the size that the whole animation has. Smaller parts are centred. Poses come in
    the manifest's order. cleaned: takes out specks and pinholes of the drawing (sprites.clean) first.
    stencils: what earlier characters of the same bundle, cleaned alike, have in common with this one.
    """
    sizes = canvas_sizes(manifest, drawing)
    frames = _blank_frames(manifest, drawing, sizes)
    ranks = {layer.id: i for i, layer in enumerate(manifest.layers)}
    for part in sorted(drawing.parts, key=lambda p: (p.z, ranks[p.layer], PARTS.index(p.part))):
        made = _stencils(manifest, part, cleaned, stencils)
        for pose, placed in part.placed.items():
            inset = (sizes[pose.animation] - part.frame_size) // 2
            _paste(frames[pose], *made[id(placed.classes)], placed.x + inset, placed.y + inset)
    return Character(drawing.recipe, frames, palette_of(manifest, drawing.recipe))


def canvas_sizes(manifest: Manifest, drawing: Drawing) -> dict[str, int]:
    """Animation id -> edge of its square frames in pixels, for every animation of the manifest."""
    sizes = {animation.id: manifest.frame_size for animation in manifest.animations}
    for part in drawing.parts:
        if part.frame_size > manifest.frame_size:
            for animation in _shown_in(manifest, part):
                sizes[animation] = max(sizes[animation], part.frame_size)
    return sizes


def pose_order(manifest: Manifest, poses: Iterable[Pose]) -> list[Pose]:
    """The poses in the manifest's order: animations, then up, left, down, right, then frames."""
    ranks = {animation.id: i for i, animation in enumerate(manifest.animations)}
    return sorted(poses, key=lambda p: (ranks[p.animation], DIRECTIONS.index(p.direction), p.frame))


def _blank_frames(manifest: Manifest, drawing: Drawing, sizes: dict[str, int]) -> dict[Pose, Plane]:
    poses = pose_order(manifest, {pose for part in drawing.parts for pose in part.placed})
    blocks = {  # one allocation for all frames of one size
        size: iter(np.zeros((sum(sizes[p.animation] == size for p in poses), size, size), np.uint8))
        for size in set(sizes.values())
    }
    return {pose: next(blocks[sizes[pose.animation]]) for pose in poses}


def _stencils(manifest: Manifest, part: DrawnPart, cleaned: bool, cache: StencilCache | None) -> dict[int, Stencil]:
    """id of a class plane -> its stencil. Poses share views, and each view is worked on once."""
    layer = manifest.layer(part.layer)
    base = manifest.slot_base[part.layer]
    to_slot = np.concatenate([[0], np.arange(base, base + layer.classes - 1)]).astype(np.uint8)
    table: dict[int, Stencil] = {}
    by_shape: dict[tuple[int, ...], dict[int, tuple[Pose, Placed]]] = {}
    for pose, placed in part.placed.items():
        if id(placed.classes) in table:
            continue
        known = cache.get(part.layer, part.part, placed.classes) if cache is not None else None
        if known is not None:
            table[id(placed.classes)] = known
            continue
        by_shape.setdefault(placed.classes.shape, {}).setdefault(id(placed.classes), (pose, placed))
    for shape, views in by_shape.items():
        planes = np.stack([placed.classes for _, placed in views.values()])  # [N, h, w]
        if planes.max(initial=0) >= layer.classes:
            raise InternalError(f"layer {part.layer!r} was drawn with class {planes.max()}, it has {layer.classes}")
        if cleaned and 0 not in shape:
            planes = clean(planes, spared(manifest, part, list(views.values())))
        slots, opaque = to_slot[planes], planes > 0
        for i, (key, (_, placed)) in enumerate(views.items()):
            if cache is None:
                table[key] = slots[i], opaque[i]
            else:  # memory of its own, or one view in the cache would hold them all
                table[key] = slots[i].copy(), opaque[i].copy()
                cache.put(part.layer, part.part, placed.classes, table[key])
    return table


def _paste(canvas: Plane, slots: Plane, opaque: NDArray[np.bool_], x: int, y: int) -> None:
    height, width = slots.shape
    if x < 0 or y < 0 or x + width > canvas.shape[1] or y + height > canvas.shape[0]:
        left, top = max(-x, 0), max(-y, 0)
        right, bottom = min(width, canvas.shape[1] - x), min(height, canvas.shape[0] - y)
        if left >= right or top >= bottom:
            return
        slots, opaque = slots[top:bottom, left:right], opaque[top:bottom, left:right]
        x, y, height, width = x + left, y + top, bottom - top, right - left
    np.copyto(canvas[y : y + height, x : x + width], slots, where=opaque)


def _shown_in(manifest: Manifest, part: DrawnPart) -> set[str]:
    """Animations in which the part shows anything, drawn or not."""
    table = next(t for t in manifest.layer(part.layer).parts if t.part == part.part)
    return {animation for animation, poses in table.poses.items() if (poses[..., 0] >= 0).any()}
