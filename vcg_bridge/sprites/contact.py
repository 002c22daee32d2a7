"""Pictures for people: a contact sheet of one character (all animations, all directions) and of many characters."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.compose import pose_order
from vcg_bridge.sprites.effects import Box, box_of, scaled
from vcg_bridge.sprites.palette import Palette, rgba

BACKGROUND = (58, 62, 74)
STRIPE = (68, 73, 87)  # every other direction, so that rows are easy to follow
INK = (222, 226, 235)
BORDER = 1  # pixels around each frame
MARGIN = 8
LINE = 13  # height of a line of text
GLYPH = 6  # width of a letter
_FONT = ImageFont.load_default_imagefont()  # a bitmap inside Pillow: the same pixels on every machine


def contact_sheet(
    character: Character, manifest: Manifest, *, title: str = "", scale: int = 2
) -> tuple[Plane, Palette]:
    """Every frame, in blocks of one animation: a title, a row per direction, a column per frame. An indexed picture."""
    poses = pose_order(manifest, character.frames)
    if not poses:
        raise BadRequest("there is no frame to show", hint="ask for at least one animation")
    palette, stripe, ink = _ink(character)
    names = list(dict.fromkeys(p.animation for p in poses))
    blocks = [
        _block(character, manifest, name, [p for p in poses if p.animation == name], stripe, ink) for name in names
    ]
    return scaled(_arrange(blocks, title, ink), scale), palette


def crowd_sheet(
    characters: Sequence[Character],
    *,
    labels: Sequence[str] = (),
    title: str = "",
    columns: int = 8,
    scale: int = 3,
    pose: Pose | None = None,
) -> NDArray[np.uint8]:
    """Many characters, one frame of each: that pose where it was drawn, else the calmest that faces the viewer.

    labels: a line under each character. Returns uint8 [H, W, 3] RGB.
    """
    if not characters:
        raise BadRequest("there is no character to show")
    pictures = []
    for character in characters:
        shown = pose if pose in character.frames else min(character.frames, key=_calm)
        assert shown is not None
        pictures.append(rgba(character.frames[shown], character.palette))
    edge = max(picture.shape[0] for picture in pictures)
    pictures = [_centred(picture, edge) for picture in pictures]
    x, y, width, height = _union([box for p in pictures if (box := box_of(p[..., 3]))]) or (0, 0, edge, edge)
    longest = max((len(label) for label in labels), default=0)
    cell_w = max((width + 4) * scale, min(longest, 40) * GLYPH + 6)
    cell_h = (height + 4) * scale + (LINE if labels else 0)
    columns = max(1, min(columns, len(pictures)))
    top = MARGIN + (LINE + MARGIN if title else 0)
    sheet = np.empty(
        (top + MARGIN + ceil(len(pictures) / columns) * cell_h, 2 * MARGIN + columns * cell_w, 3), np.uint8
    )
    sheet[:] = BACKGROUND
    _write(sheet, MARGIN, MARGIN, title, INK)
    for i, picture in enumerate(pictures):
        left, line = MARGIN + i % columns * cell_w, top + i // columns * cell_h
        cut = scaled(picture[y : y + height, x : x + width], scale)
        _blend(sheet, cut, left + (cell_w - cut.shape[1]) // 2, line + 2 * scale)
        if i < len(labels):
            text = labels[i][: cell_w // GLYPH]
            _write(sheet, left + (cell_w - len(text) * GLYPH) // 2, line + cell_h - LINE, text, INK)
    return sheet


def _ink(character: Character) -> tuple[Palette, int, int]:
    """The character's palette on the background, and two slots that its frames leave free: for stripes, for text."""
    used = np.zeros(256, np.bool_)
    for plane in character.frames.values():
        used[plane] = True
    used[0] = True
    palette = _over(character.palette, BACKGROUND)
    free = np.flatnonzero(~used)[::-1]
    if len(free) < 2:  # every slot is in use: no stripes, and text in the lightest colour there is
        return palette, 0, int(palette[1:, :3].sum(axis=1).argmax()) + 1
    stripe, ink = int(free[0]), int(free[1])
    palette[stripe] = (*STRIPE, 255)
    palette[ink] = (*INK, 255)
    return palette, stripe, ink


def _over(colours: NDArray[np.uint8], background: tuple[int, int, int]) -> NDArray[np.uint8]:
    """RGBA [..., 4] over a colour, opaque. Whole numbers, rounded to the nearest."""
    alpha = colours[..., 3:].astype(np.uint32)
    result = np.full_like(colours, 255)
    result[..., :3] = (colours[..., :3] * alpha + np.array(background, np.uint32) * (255 - alpha) + 127) // 255
    return result


def _block(character: Character, manifest: Manifest, name: str, poses: list[Pose], stripe: int, ink: int) -> Plane:
    planes = {pose: character.frames[pose] for pose in poses}
    x, y, width, height = _union([box for p in planes.values() if (box := box_of(p))]) or (0, 0, 1, 1)
    directions = list(dict.fromkeys(p.direction for p in poses))
    cell_w, cell_h = width + 2 * BORDER, height + 2 * BORDER
    right = (max(p.frame for p in poses) + 1) * cell_w
    animation = manifest.animation(name)
    text = f"{name} {animation.fps:g} fps{'' if animation.loop else ', once'}"
    block = np.zeros((LINE + len(directions) * cell_h, max(right, GLYPH * len(text))), np.uint8)
    for row in range(1, len(directions), 2):
        block[LINE + row * cell_h : LINE + (row + 1) * cell_h, :right] = stripe
    for pose, plane in planes.items():
        left, top = pose.frame * cell_w + BORDER, LINE + directions.index(pose.direction) * cell_h + BORDER
        cut = plane[y : y + height, x : x + width]
        np.copyto(block[top : top + height, left : left + width], cut, where=cut > 0)
    _write(block, 0, 0, text, ink)
    return block


def _arrange(blocks: list[Plane], title: str, ink: int) -> Plane:
    """Blocks on shelves in a picture of about 4 : 3; each on the first shelf that has room for it."""
    area = sum((b.shape[0] + MARGIN) * (b.shape[1] + MARGIN) for b in blocks)
    width = max(max(b.shape[1] for b in blocks), int((area * 4 / 3) ** 0.5))
    shelves: list[list[int]] = []  # top, height, width used
    places = []
    for block in blocks:
        height, needed = block.shape
        shelf = next((s for s in shelves if s[1] >= height and s[2] + needed <= width), None)
        if shelf is None:
            shelf = [shelves[-1][0] + shelves[-1][1] + MARGIN if shelves else 0, height, 0]
            shelves.append(shelf)
        places.append((shelf[2], shelf[0]))
        shelf[2] += needed + MARGIN
    right, bottom = max(s[2] for s in shelves) - MARGIN, shelves[-1][0] + shelves[-1][1]
    top = MARGIN + (LINE + MARGIN if title else 0)
    sheet = np.zeros((top + bottom + MARGIN, max(right, GLYPH * len(title)) + 2 * MARGIN), np.uint8)
    for (x, y), block in zip(places, blocks, strict=True):
        sheet[top + y : top + y + block.shape[0], MARGIN + x : MARGIN + x + block.shape[1]] = block
    _write(sheet, MARGIN, MARGIN, title, ink)
    return sheet


def _blend(target: NDArray[np.uint8], image: NDArray[np.uint8], x: int, y: int) -> None:
    """RGBA over the background of an RGB picture."""
    target[y : y + image.shape[0], x : x + image.shape[1]] = _over(image, BACKGROUND)[..., :3]


def _calm(pose: Pose) -> tuple[bool, bool, int]:
    return pose.direction != "down", pose.animation != "idle", pose.frame


def _centred(image: NDArray[np.uint8], edge: int) -> NDArray[np.uint8]:
    if image.shape[0] == edge:
        return image
    result = np.zeros((edge, edge, *image.shape[2:]), np.uint8)
    start = (edge - image.shape[0]) // 2
    result[start : start + image.shape[0], start : start + image.shape[1]] = image
    return result


def _union(boxes: Sequence[Box]) -> Box | None:
    if not boxes:
        return None
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    return left, top, max(b[0] + b[2] for b in boxes) - left, max(b[1] + b[3] for b in boxes) - top


def _write(target: NDArray[np.uint8], x: int, y: int, text: str, colour: int | tuple[int, int, int]) -> None:
    """One line of Latin-1 text in that slot or RGB colour; what does not fit is cut off."""
    if not text:
        return
    letters = _FONT.getmask(text.encode("latin-1", "replace").decode("latin-1"), mode="L")
    width, height = letters.size
    mask = np.frombuffer(bytes(letters), np.uint8).reshape(height, width) > 127
    mask = mask[: target.shape[0] - y, : target.shape[1] - x]
    target[y : y + mask.shape[0], x : x + mask.shape[1]][mask] = colour
