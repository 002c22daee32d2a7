"""Animated GIFs to look at a character: all directions side by side, with the timing of the animation.

GIF knows no half transparency: slots below half opacity (drop shadows) are left out, the others are opaque. Its clock
ticks in hundredths of a second: frame times are rounded so that the animation as a whole keeps its length.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import ceil

import numpy as np
from PIL import Image

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.compose import pose_order
from vcg_bridge.sprites.effects import box_of, scaled
from vcg_bridge.sprites.palette import Palette

BORDER = 2  # pixels around the figures, before scaling
LEAST_MS = 1600  # a looping animation is repeated in the combined GIF until it has run this long
HOLD_MS = 500  # and one that does not loop rests on its last frame
_TICK = 10  # milliseconds


def animation_gif(character: Character, manifest: Manifest, animation: str, *, scale: int = 2) -> bytes:
    """One animation, once around; plays for ever."""
    poses = [p for p in pose_order(manifest, character.frames) if p.animation == animation]
    if not poses:
        raise BadRequest(f"the character was not drawn in the animation {animation!r}")
    return _gif(_pictures(character, [_steps(poses)])[0], character.palette, _times(manifest, animation, poses), scale)


def combined_gif(character: Character, manifest: Manifest, *, scale: int = 2) -> bytes:
    """All animations one after another, each long enough to be seen."""
    poses = pose_order(manifest, character.frames)
    if not poses:
        raise BadRequest("there is no frame to show", hint="ask for at least one animation")
    names = list(dict.fromkeys(p.animation for p in poses))
    groups = [[p for p in poses if p.animation == name] for name in names]
    pictures, times = [], []
    for name, group, drawn in zip(names, groups, _pictures(character, [_steps(g) for g in groups]), strict=True):
        once = _times(manifest, name, group)
        if manifest.animation(name).loop:
            repeats = ceil(LEAST_MS / sum(once))
            pictures += drawn * repeats
            times += once * repeats
        else:
            pictures += drawn
            times += [*once[:-1], once[-1] + HOLD_MS]
    return _gif(pictures, character.palette, times, scale)


def _steps(poses: Sequence[Pose]) -> list[list[Pose]]:
    """Per frame number the poses that are shown side by side."""
    frames = sorted({p.frame for p in poses})
    return [[p for p in poses if p.frame == frame] for frame in frames]


def _times(manifest: Manifest, animation: str, poses: Sequence[Pose]) -> list[int]:
    """Milliseconds per frame, whole ticks; their sum is within a tick of the animation's length."""
    count = len({p.frame for p in poses})
    ends = [round((i + 1) * 1000 / manifest.animation(animation).fps / _TICK) for i in range(count)]
    return [max(2, end - start) * _TICK for start, end in zip([0, *ends], ends, strict=False)]


def _pictures(character: Character, groups: list[list[list[Pose]]]) -> list[list[Plane]]:
    """Index planes of one size for all steps of all groups.

    Figures stand on the same line everywhere; within a group (an animation) they have the same distance from each other.
    """
    edge = max(character.frames[pose].shape[0] for steps in groups for step in steps for pose in step)
    unions = [_union(character, [pose for step in steps for pose in step], edge) for steps in groups]
    _, top, _, height = box_of(np.bitwise_or.reduce(unions)) or (0, 0, edge, edge)
    boxes = [box_of(union) or (0, 0, edge, edge) for union in unions]
    widths = [
        max(len(step) for step in steps) * (box[2] + 2 * BORDER) for steps, box in zip(groups, boxes, strict=True)
    ]
    result = []
    for steps, (left, _, width, _), taken in zip(groups, boxes, widths, strict=True):
        drawn = []
        for step in steps:
            picture = np.zeros((height + 2 * BORDER, max(widths)), np.uint8)
            start = (max(widths) - taken) // 2 + (taken - len(step) * (width + 2 * BORDER)) // 2
            for i, pose in enumerate(step):
                cell = _union(character, [pose], edge)[top : top + height, left : left + width]
                x = start + i * (width + 2 * BORDER) + BORDER
                picture[BORDER : BORDER + height, x : x + width] = cell
            drawn.append(picture)
        result.append(drawn)
    return result


def _union(character: Character, poses: Sequence[Pose], edge: int) -> Plane:
    """Frames over one another, all centred in a square of that edge."""
    result = np.zeros((edge, edge), np.uint8)
    for pose in poses:
        plane = character.frames[pose]
        start = (edge - plane.shape[0]) // 2
        inner = result[start : start + plane.shape[0], start : start + plane.shape[1]]
        np.copyto(inner, plane, where=plane > 0)
    return result


def _gif(planes: Sequence[Plane], palette: Palette, times_ms: Sequence[int], scale: int) -> bytes:
    visible = np.where(palette[:, 3] >= 128, np.arange(256), 0).astype(np.uint8)
    colours = palette[:, :3].tobytes()
    images = []
    for plane in planes:
        image = Image.fromarray(scaled(visible[plane], scale))  # mode L
        image.putpalette(colours)  # makes it mode P: the same bytes are now slots
        images.append(image)
    file = io.BytesIO()
    images[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=list(times_ms),
        loop=0,
        disposal=2,  # clear each frame before the next: figures must not leave trails
        transparency=0,
        background=0,
        optimize=False,
    )
    return file.getvalue()
