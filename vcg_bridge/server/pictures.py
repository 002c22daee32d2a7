"""From a composed character to the pictures of its chunks: strips, sheets, normal maps, in the format asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.errors import LimitError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.messages import Output, Strip
from vcg_bridge.server.jobs import Part, bytes_per_pixel, check_bytes
from vcg_bridge.sprites.effects import drop_shadow, outline, scaled
from vcg_bridge.sprites.layout import MAX_EDGE, lay_out
from vcg_bridge.sprites.normals import FLAT, normal_map, relief_of
from vcg_bridge.sprites.palette import Palette, rgba
from vcg_bridge.sprites.png import indexed_png, png
from vcg_bridge.sprites.sheet import Sheet, paint, scale_sheet

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """The pixels of a chunk, before its codec."""

    format: str  # r8, rgba8, png
    width: int
    height: int
    data: bytes
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class Dressed:
    """A character with the effects of an output."""

    shown: Character  # outline and shadow included
    solid: Character  # without the shadow, which lies on the ground and takes no light


def anchor_pose(manifest: Manifest) -> Pose:
    """The pose whose feet say where an ellipse of shadow lies, whichever poses are drawn: calm and facing down."""
    calm = [a for a in manifest.animations if a.id in ("idle", "walk")] or list(manifest.animations)
    return Pose(calm[0].id, "down" if "down" in calm[0].directions else calm[0].directions[0], 0)


def wanted_poses(manifest: Manifest, parts: Iterable[Part], output: Output) -> tuple[Pose, ...]:
    """The poses to draw for those chunks."""
    anchor = [anchor_pose(manifest)] if output.shadow is not None and output.shadow_offset is None else []
    return tuple(dict.fromkeys([*anchor, *(pose for part in parts for pose in part.poses)]))


def dress(character: Character, manifest: Manifest, output: Output) -> Dressed:
    """The character with the effects asked for. Raises BadRequest where a palette slot for one is taken."""
    if output.outline is not None:
        character = outline(character, manifest, colour=output.outline)
    if output.shadow is None:
        return Dressed(character, character)
    anchor = anchor_pose(manifest)
    frames = character.frames
    if anchor in frames:  # first of equals: so every chunk of a character has the same shadow
        frames = {anchor: frames[anchor], **frames}
    ordered = replace(character, frames=frames)
    shown = drop_shadow(ordered, manifest, colour=output.shadow, offset=output.shadow_offset)
    return Dressed(shown, replace(character, palette=shown.palette))


def picture_of(
    dressed: Dressed, manifest: Manifest, part: Part, output: Output, sizes: Mapping[str, int], blob_bytes: int
) -> Picture:
    """The picture of one chunk. sizes: animation -> edge of its frames.

    Raises LimitError where it would be larger than blob_bytes or than textures may be, BadRequest for a bad layout.
    """
    if part.name == "sheet" and part.kind in ("sheet", "normal"):
        return _sheet_picture(dressed, manifest, part, output, sizes, blob_bytes)
    edge, scale = sizes[part.poses[0].animation], output.scale
    animation = manifest.animation(part.name)
    single = part.kind == "preview"
    directions = (part.poses[0].direction,) if single else animation.directions
    columns = 1 if single else animation.frames
    width, height = columns * edge * scale, len(directions) * edge * scale
    _check(part.name, width, height, output.format, part.kind == "normal", blob_bytes)
    frames: Mapping[Pose, Pixels]
    if part.kind == "normal":
        frames = _normals(dressed.solid, manifest, part.poses)
        blank = np.broadcast_to(np.array(FLAT, np.uint8), (edge, edge, 3))
    else:
        frames, blank = dressed.shown.frames, np.zeros((edge, edge), np.uint8)
    picture = np.empty((len(directions), edge, columns, edge, *blank.shape[2:]), np.uint8)
    for i, pose in enumerate(part.poses):
        picture[i // columns, :, i % columns] = frames.get(pose, blank)
    strip = Strip(animation.id, directions, columns, edge * scale, edge * scale, float(animation.fps), animation.loop)
    pixels = scaled(picture.reshape(len(directions) * edge, columns * edge, *blank.shape[2:]), scale)
    return _encoded(pixels, dressed.shown.palette, output.format, (strip,))


def _sheet_picture(
    dressed: Dressed, manifest: Manifest, part: Part, output: Output, sizes: Mapping[str, int], blob_bytes: int
) -> Picture:
    sheet = lay_out(
        output.layout, _only(dressed.shown, part.poses, sizes), manifest,
        padding=output.padding, extrude=output.extrude, power_of_two=output.power_of_two, trim=output.trim,
    )  # fmt: skip
    height, width = (edge * output.scale for edge in sheet.plane.shape)
    _check(part.name, width, height, output.format, part.kind == "normal", blob_bytes)
    sheet = scale_sheet(sheet, output.scale)
    strips = _strips(sheet, manifest)
    if part.kind == "normal":
        pixels = paint(sheet, _normals(dressed.solid, manifest, part.poses), FLAT)
        return _encoded(pixels, sheet.palette, output.format, strips)
    return _encoded(sheet.plane, sheet.palette, output.format, strips)


def _only(character: Character, poses: Iterable[Pose], sizes: Mapping[str, int]) -> Character:
    """The character in those poses; one in which nothing shows is an empty frame."""
    blanks = {edge: np.zeros((edge, edge), np.uint8) for edge in set(sizes.values())}
    frames = {p: character.frames[p] if p in character.frames else blanks[sizes[p.animation]] for p in poses}
    return replace(character, frames=frames)


def _normals(character: Character, manifest: Manifest, poses: Iterable[Pose]) -> dict[Pose, Pixels]:
    relief = relief_of(manifest, character.palette)
    return {p: normal_map(character.frames[p], relief) for p in poses if p in character.frames}


def _strips(sheet: Sheet, manifest: Manifest) -> tuple[Strip, ...]:
    rects: dict[str, list[int]] = {}
    edges: dict[str, tuple[int, int]] = {}
    for f in sheet.frames:
        rects.setdefault(f.pose.animation, []).extend((f.x, f.y, f.w, f.h, f.source_x, f.source_y))
        edges[f.pose.animation] = (f.source_w, f.source_h)
    strips = []
    for name, numbers in rects.items():
        a = manifest.animation(name)
        strips.append(Strip(name, a.directions, a.frames, *edges[name], float(a.fps), a.loop, tuple(numbers)))
    return tuple(strips)


def _check(name: str, width: int, height: int, format: str, normal: bool, blob_bytes: int) -> None:
    check_bytes(name, width * height * bytes_per_pixel(format, normal=normal), blob_bytes)
    if max(width, height) > MAX_EDGE:
        raise LimitError(
            f"{name!r} would be {width}x{height} pixels; engines take at most {MAX_EDGE}",
            hint="use a smaller scale, fewer animations, or kind animations",
        )


def _encoded(pixels: Pixels, palette: Palette, format: str, strips: tuple[Strip, ...]) -> Picture:
    """pixels: uint8 [H, W] slots, or [H, W, 3] of a normal map."""
    height, width = pixels.shape[:2]
    normal = pixels.ndim == 3
    if format == "png":
        data = png(pixels) if normal else indexed_png(pixels, palette)
        return Picture("png", width, height, data, strips)
    if normal:
        opaque = np.full((height, width, 4), 255, np.uint8)
        opaque[..., :3] = pixels
        return Picture("rgba8", width, height, opaque.tobytes(), strips)
    data = pixels.tobytes() if format == "r8" else rgba(pixels, palette).tobytes()
    return Picture(format, width, height, data, strips)
