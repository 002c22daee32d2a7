"""Trim, scale, outline and drop shadow. All work on index planes, so colours stay changeable; all are deterministic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.palette import OUTLINE_SLOT, SHADOW_SLOT, claim_slot

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""

MAX_SCALE = 16
SHADOW_RADII = (11, 4)
"""Half width and half height of a standing character's shadow, in pixels of a 64-pixel frame."""


def box_of(plane: Plane) -> Box | None:
    """Smallest box that holds every opaque pixel; None where there is none."""
    left, top, width, height = cv2.boundingRect(plane)
    return (left, top, width, height) if width else None


def common_box(frames: Mapping[Pose, Plane]) -> Box | None:
    """Smallest box that holds every opaque pixel of all these frames, which have one size."""
    union: Plane | None = None
    for plane in frames.values():
        union = plane.copy() if union is None else np.bitwise_or(union, plane, out=union)
    return None if union is None else box_of(union)


def trim(character: Character) -> tuple[Character, dict[str, tuple[int, int]]]:
    """Cuts the empty border off: one box for all frames of one size, so that nothing jitters.

    Returns the character (frames are views of the old ones) and, per animation, the x and y of its frames' top-left
    pixel in the untrimmed frame.
    """
    by_size: dict[tuple[int, ...], dict[Pose, Plane]] = {}
    for pose, plane in character.frames.items():
        by_size.setdefault(plane.shape, {})[pose] = plane
    boxes = {shape: common_box(frames) or (0, 0, 1, 1) for shape, frames in by_size.items()}
    frames, offsets = {}, {}
    for pose, plane in character.frames.items():
        x, y, width, height = boxes[plane.shape]
        frames[pose] = plane[y : y + height, x : x + width]
        offsets[pose.animation] = (x, y)
    return replace(character, frames=frames), offsets


def scaled(image: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """[H, W] or [H, W, C] -> factor times as large, every pixel a square of itself. Raises BadRequest outside 1..16."""
    if not 1 <= factor <= MAX_SCALE:
        raise BadRequest(f"scale must be a whole number from 1 to {MAX_SCALE}, not {factor}")
    return image if factor == 1 else image.repeat(factor, axis=0).repeat(factor, axis=1)


def outline(
    character: Character,
    manifest: Manifest,
    *,
    colour: tuple[int, int, int, int] = (16, 12, 20, 255),
    slot: int = OUTLINE_SLOT,
    corners: bool = False,
) -> Character:
    """A line of one pixel around the silhouette, in a palette slot of its own.

    colour: RGBA. corners: also where the silhouette is touched only diagonally (a heavier line). A line that would fall
    outside the frame is cut off there. Raises BadRequest where the slot is taken by a layer.
    """
    palette = claim_slot(character, manifest, slot, colour)
    shape = cv2.MORPH_RECT if corners else cv2.MORPH_CROSS
    kernel = cv2.getStructuringElement(shape, (3, 3))

    def add(_: Pose, plane: Plane) -> Plane:
        grown = cv2.dilate((plane > 0).view(np.uint8), kernel)
        return np.where((plane == 0) & (grown > 0), np.uint8(slot), plane)

    return Character(character.recipe, _each(character, add), palette)


def drop_shadow(
    character: Character,
    manifest: Manifest,
    *,
    colour: tuple[int, int, int, int] = (0, 0, 0, 96),
    slot: int = SHADOW_SLOT,
    offset: tuple[int, int] | None = None,
) -> Character:
    """A shadow under everything, in a palette slot of its own (half transparent unless `colour`, RGBA, says otherwise).

    Without an offset: an ellipse on the ground between the feet, at the same place in every frame, jumps included. With
    one, (x, y) in pixels: the silhouette itself, moved by it. Raises BadRequest where the slot is taken by a layer.
    """
    palette = claim_slot(character, manifest, slot, colour)
    feet = ground(character) if offset is None else 0

    def add(_: Pose, plane: Plane) -> Plane:
        if offset is None:
            shade = _ellipse(plane.shape[0], feet, manifest.frame_size)
        else:
            shade = _moved(plane > 0, *offset)
        return np.where((plane == 0) & shade, np.uint8(slot), plane)

    return Character(character.recipe, _each(character, add), palette)


def ground(character: Character) -> int:
    """Where the character stands: rows from the middle of its frames down to the last row of its feet.

    Taken from its calmest frame: facing down, the first of an animation that stands or walks, else any.
    """

    def calm(pose: Pose) -> tuple[bool, bool, bool]:
        return pose.animation not in ("idle", "walk"), pose.direction != "down", pose.frame != 0

    pose = min(character.frames, key=calm)  # the first of equals: the manifest's order
    plane = character.frames[pose]
    box = box_of(plane)
    lowest = box[1] + box[3] - 1 if box else plane.shape[0] - 1
    return int(lowest) - int(plane.shape[0]) // 2


def _each(character: Character, change: Callable[[Pose, Plane], Plane]) -> dict[Pose, Plane]:
    return {pose: change(pose, plane) for pose, plane in character.frames.items()}


def _moved(mask: NDArray[np.bool_], right: int, down: int) -> NDArray[np.bool_]:
    height, width = mask.shape
    result = np.zeros_like(mask)
    if abs(right) < width and abs(down) < height:
        result[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = mask[
            max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
        ]
    return result


def _ellipse(size: int, feet: int, frame_size: int) -> NDArray[np.bool_]:
    """bool [size, size]: centred in x, its middle a little above the lowest row of the feet."""
    across, along = (max(1, radius * frame_size // 64) for radius in SHADOW_RADII)
    y, x = np.mgrid[0:size, 0:size]
    dx, dy = 2 * x - (size - 1), 2 * (y - size // 2 - feet + along // 2)  # doubled: the centre lies between two pixels
    inside: NDArray[np.bool_] = (dx * along) ** 2 + (dy * across) ** 2 <= (2 * across * along) ** 2
    return inside
