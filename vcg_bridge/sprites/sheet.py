"""A sheet: many frames on one index plane, and where each of them lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.effects import scaled
from vcg_bridge.sprites.palette import Palette


@dataclass(frozen=True)
class SheetFrame:
    """Where one frame lies. Pixels of the sheet; a trimmed frame says what was cut off."""

    pose: Pose
    x: int
    y: int
    w: int
    h: int
    source_x: int  # place of the rectangle in the untrimmed frame
    source_y: int
    source_w: int  # size of the untrimmed frame
    source_h: int
    duration_ms: int

    @property
    def trimmed(self) -> bool:
        """Whether anything was cut off."""
        return (self.w, self.h) != (self.source_w, self.source_h)


@dataclass(frozen=True)
class Sheet:
    """All frames of one character, in the manifest's order. Frames with the same picture may share a place."""

    layout: str  # "rows", "lpc" or "packed"
    plane: Plane  # uint8 [H, W]
    palette: Palette
    frames: tuple[SheetFrame, ...]
    extrude: int = 0  # pixels by which every frame's edge is repeated around it
    scale: int = 1
    extra: tuple[tuple[Pose, int, int], ...] = ()  # further copies: pose, x, y; cells that LPC tools read (sheets.lpc)


@dataclass(frozen=True)
class Clip:
    """One animation seen from one side: consecutive frames of a sheet."""

    animation: str
    direction: str
    first: int  # index into Sheet.frames
    frames: tuple[SheetFrame, ...]
    fps: float
    loop: bool

    @property
    def name(self) -> str:
        """`walk_down`: what game code plays."""
        return f"{self.animation}_{self.direction}"


def clips(sheet: Sheet, manifest: Manifest) -> Iterator[Clip]:
    """The clips of a sheet in the order of its frames."""
    first = 0
    for (animation_id, direction), group in groupby(sheet.frames, lambda f: (f.pose.animation, f.pose.direction)):
        frames = tuple(group)
        animation = manifest.animation(animation_id)
        yield Clip(animation_id, direction, first, frames, animation.fps, animation.loop)
        first += len(frames)


def duration_ms(manifest: Manifest, animation_id: str) -> int:
    """How long one frame of the animation is shown, to the nearest millisecond."""
    return max(1, round(1000 / manifest.animation(animation_id).fps))


def scale_sheet(sheet: Sheet, factor: int) -> Sheet:
    """The whole sheet, padding included, a whole number of times as large (1..16)."""
    if factor == 1:
        return sheet
    frames = tuple(
        replace(
            f, x=f.x * factor, y=f.y * factor, w=f.w * factor, h=f.h * factor,
            source_x=f.source_x * factor, source_y=f.source_y * factor,
            source_w=f.source_w * factor, source_h=f.source_h * factor,
        )
        for f in sheet.frames
    )  # fmt: skip
    return replace(
        sheet,
        plane=scaled(sheet.plane, factor),
        frames=frames,
        extrude=sheet.extrude * factor,
        scale=sheet.scale * factor,
        extra=tuple((pose, x * factor, y * factor) for pose, x, y in sheet.extra),
    )


def paint(
    sheet: Sheet, images: Mapping[Pose, NDArray[np.uint8]], background: tuple[int, ...] = (0,)
) -> NDArray[np.uint8]:
    """A picture of the sheet's size with each pose's image where its frame lies: a normal map, a mask.

    images: uint8 [h, w] or [h, w, C] of the untrimmed and unscaled frames' size.
    """
    channels = next(iter(images.values())).shape[2:] if images else ()
    result = np.empty((*sheet.plane.shape, *channels), np.uint8)
    result[:] = np.array(background, np.uint8) if channels else background[0]
    places = [(f.pose, f.x, f.y, f.w, f.h, f.source_x, f.source_y) for f in sheet.frames]
    edges = {f.pose: (f.source_w, f.source_h) for f in sheet.frames}
    places += [(pose, x, y, *edges[pose], 0, 0) for pose, x, y in sheet.extra]
    for pose, x, y, w, h, source_x, source_y in places:
        if pose in images:
            image = scaled(images[pose], sheet.scale)
            put(result, image[source_y : source_y + h, source_x : source_x + w], x, y, sheet.extrude)
    return result


def put(target: NDArray[np.uint8], image: NDArray[np.uint8], x: int, y: int, extrude: int = 0) -> None:
    """Writes an image, its edges repeated `extrude` pixels outwards, so that its own top-left pixel is at x, y."""
    if extrude:
        image = np.pad(image, [(extrude, extrude)] * 2 + [(0, 0)] * (image.ndim - 2), mode="edge")
    target[y - extrude : y - extrude + image.shape[0], x - extrude : x - extrude + image.shape[1]] = image


def whole_frame(character: Character, manifest: Manifest, pose: Pose, x: int, y: int) -> SheetFrame:
    """The description of an untrimmed frame at x, y."""
    height, width = character.frames[pose].shape
    return SheetFrame(pose, x, y, width, height, 0, 0, width, height, duration_ms(manifest, pose.animation))
