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
    """The same bytes as if Pillow was given all planes, but each different picture is compressed once: loops repeat theirs."""
    visible = np.where(palette[:, 3] >= 128, np.arange(256), 0).astype(np.uint8)
    pictures = [visible[plane] for plane in planes]
    keys = [picture.tobytes() for picture in pictures]
    different = dict(zip(keys, pictures, strict=True))
    numbers = {key: number for number, key in enumerate(different)}
    once = list(different.values())
    # Pillow writes a second header before a frame that is empty.
    if len(once) in (1, len(planes)) or not all(picture.any() for picture in once):
        return _saved(pictures, palette, times_ms, scale)
    # The first picture of a GIF is whole, every other one cut to what it shows: so the first is there once more.
    head, frames = _taken_apart(_saved([*once, once[0]], palette, [_TICK] * (len(once) + 1), scale))
    shown: list[tuple[int, int]] = []  # number of the picture, milliseconds; equal neighbours are one
    for key, ms in zip(keys, times_ms, strict=True):
        if shown and shown[-1][0] == numbers[key]:
            shown[-1] = numbers[key], shown[-1][1] + ms
        else:
            shown.append((numbers[key], ms))
    parts = [head]
    for i, (number, ms) in enumerate(shown):
        frame = frames[number if i == 0 or number else -1]
        parts += frame[:_DELAY], (ms // _TICK).to_bytes(2, "little"), frame[_DELAY + 2 :]
    return b"".join(parts) + _END


def _saved(pictures: Sequence[Plane], palette: Palette, times_ms: Sequence[int], scale: int) -> bytes:
    """As Pillow writes it. pictures: 0 is transparent."""
    colours = palette[:, :3].tobytes()
    images = []
    for picture in pictures:
        image = Image.fromarray(scaled(picture, scale))  # mode L
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


_DELAY = 4
"""Where a frame's two bytes of time are: behind the label, the length and the flags of its graphic control extension."""

_END = b";"


def _taken_apart(gif: bytes) -> tuple[bytes, list[bytes]]:
    """What stands before the frames, and each frame: its graphic control extension and its image.

    All frames are cleared before the next one (disposal 2), so what one holds does not depend on the one before it.
    """
    at = 13 + _table_size(gif[10])
    start = 0
    frames: list[bytes] = []
    while gif[at : at + 1] != _END:
        if gif[at : at + 2] == b"!\xf9":
            start = at
            if not frames:
                head = gif[:at]
        image = gif[at : at + 1] == b","
        at = _behind_blocks(gif, at + 11 + _table_size(gif[at + 9]) if image else at + 2)
        if image:
            frames.append(gif[start:at])
    return head, frames


def _table_size(flags: int) -> int:
    """Bytes of the colour table that a header or an image with these flags has."""
    return 3 << (flags & 7) + 1 if flags & 128 else 0


def _behind_blocks(gif: bytes, at: int) -> int:
    """Where a chain of data blocks, each with its length before it, ends."""
    while gif[at]:
        at += gif[at] + 1
    return at + 1
