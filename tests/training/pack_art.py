"""A small art pack in the LPC Revised layout, drawn by code: two bodies, a head, hair with a part behind, trousers, shorts, shoes.

Drawn so that the views are known: the body has two drawings (legs together, legs apart) seen from the back, the side and the
front; left is right mirrored; Idle stands one pixel lower than Walk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Frame = NDArray[np.uint8]  # [64, 64, 4] RGBA
Colour = tuple[int, int, int]

RAMPS: dict[str, dict[str, list[Colour]]] = {
    "Skin": {
        "Ivory": [(250, 236, 231), (249, 213, 186), (228, 164, 124), (204, 134, 101), (153, 66, 60), (42, 23, 34)],
        "Brown": [(127, 76, 49), (107, 60, 46), (68, 39, 37), (46, 31, 28), (26, 18, 19), (0, 0, 0)],
    },
    "Eyes": {
        "Blue": [(108, 220, 231), (79, 143, 186), (37, 58, 94)],
        "Green": [(164, 221, 218), (124, 184, 47), (69, 98, 56)],
    },
    "Hair": {
        "Brown": [(127, 76, 49), (107, 60, 46), (96, 52, 41), (68, 39, 37), (46, 31, 28), (26, 18, 19)],
        "Raven": [(72, 65, 82), (52, 48, 67), (41, 37, 58), (27, 25, 43), (15, 18, 24), (0, 0, 0)],
    },
    "Clothing": {
        "Brown": [(127, 76, 49), (107, 60, 46), (68, 39, 37), (46, 31, 28), (26, 18, 19), (0, 0, 0)],
        "Denim": [(79, 137, 157), (58, 90, 114), (37, 58, 94), (23, 32, 56), (15, 18, 24), (0, 0, 0)],
        "Charcoal": [(91, 79, 85), (82, 65, 75), (56, 43, 51), (37, 31, 37), (15, 18, 24), (0, 0, 0)],
    },
    "Metal": {
        "Steel": [(227, 231, 211), (168, 179, 184), (134, 126, 127), (114, 107, 126), (72, 65, 82), (27, 25, 43)]
    },
}
BROWN = RAMPS["Clothing"]["Brown"]
HAIR = RAMPS["Hair"]["Brown"]
WHITE, RIM, BLUE = (255, 255, 255), (24, 80, 111), RAMPS["Eyes"]["Blue"][0]
STRAY = (199, 52, 27)

UP, LEFT, DOWN, RIGHT = range(4)
Painter = Callable[[Frame, int, int], None]  # frame, direction (UP, DOWN or RIGHT), stride (0 or 1)


def box(frame: Frame, x: int, y: int, w: int, h: int, colour: Colour) -> None:
    """Fill a rectangle."""
    frame[y : y + h, x : x + w] = (*colour, 255)


def body(frame: Frame, direction: int, stride: int) -> None:
    """A trunk with two legs; from the side one arm shows that it faces right."""
    box(frame, 26, 30, 12, 14, BROWN[1])
    box(frame, 26, 30, 12, 1, BROWN[5])
    box(frame, 27 - stride, 44, 4, 10, BROWN[2])
    box(frame, 33 + stride, 44, 4, 10, BROWN[3])
    if direction == RIGHT:
        box(frame, 36, 33, 3, 6, BROWN[0])
    if direction == DOWN:
        box(frame, 30, 36, 3, 2, BROWN[0])


def head(frame: Frame, direction: int, stride: int) -> None:
    """A ball with one or two blue eyes."""
    box(frame, 25, 17, 14, 13, BROWN[1])
    box(frame, 25, 17, 3, 3, BROWN[4])
    for x in {DOWN: (28, 34), RIGHT: (35,)}.get(direction, ()):
        box(frame, x, 23, 1, 2, WHITE)
        box(frame, x + 1, 23, 1, 1, BLUE)
        box(frame, x + 1, 24, 1, 1, RAMPS["Eyes"]["Blue"][1])
        box(frame, x + 2, 23, 1, 2, RIM)


def hair(frame: Frame, direction: int, stride: int) -> None:
    """A cap; longer at the back."""
    box(frame, 24, 15, 16, 5, HAIR[0])
    box(frame, 24, 20, 3 if direction == RIGHT else 1, 4, HAIR[2])


def hair_behind(frame: Frame, direction: int, stride: int) -> None:
    """What falls over the back, seen from the front and the side."""
    if direction != UP:
        box(frame, 24, 20, 4 if direction == RIGHT else 16, 12, HAIR[3])


def short_hair(frame: Frame, direction: int, stride: int) -> None:
    """A flat cap."""
    box(frame, 25, 16, 14, 3, HAIR[1])


def trousers(frame: Frame, direction: int, stride: int) -> None:
    """Both legs, in step with the body's."""
    box(frame, 26, 42, 12, 3, BROWN[0])
    box(frame, 27 - stride, 45, 4, 8, BROWN[1])
    box(frame, 33 + stride, 45, 4, 8, BROWN[2])


def shorts(frame: Frame, direction: int, stride: int) -> None:
    """The upper half of the trousers."""
    box(frame, 26, 42, 12, 3, BROWN[0])
    box(frame, 27 - stride, 45, 4, 3, BROWN[1])
    box(frame, 33 + stride, 45, 4, 3, BROWN[2])


def shoes(frame: Frame, direction: int, stride: int) -> None:
    """Two shoes; the sole of one shows in a stride away from the viewer."""
    box(frame, 26 - stride, 52, 5, 3, BROWN[1])
    box(frame, 33 + stride, 52, 5, 3, BROWN[0])
    if direction == UP and stride:
        box(frame, 26 - stride, 54, 5, 1, RAMPS["Clothing"]["Charcoal"][1])
        box(frame, 26 - stride, 53, 5, 1, RAMPS["Clothing"]["Charcoal"][3])


def frame_of(painter: Painter, direction: int, stride: int, drop: int) -> Frame:
    """One frame; left is right mirrored."""
    frame = np.zeros((64, 64, 4), np.uint8)
    painter(frame, RIGHT if direction == LEFT else direction, stride)
    return np.roll(frame[:, ::-1] if direction == LEFT else frame, drop, axis=0)


def sheet(painter: Painter, frames: int, drop: int = 0) -> Frame:
    """A sheet of four rows; every second frame is a stride."""
    rows = [[frame_of(painter, d, f % 2, drop) for f in range(frames)] for d in range(4)]
    return np.concatenate([np.concatenate(row, 1) for row in rows], 0)


def expressions(painter: Painter) -> Frame:
    """Twelve faces under a strip of labels; the last one blushes."""
    picture = sheet(painter, 12)
    picture[:64] = 255
    for column in range(12):  # no strides: a face stands still
        for d in (LEFT, DOWN, RIGHT):
            picture[64 * d : 64 * d + 64, 64 * column : 64 * column + 64] = frame_of(painter, d, 0, 1)
    picture[2 * 64 + 28, 11 * 64 + 30] = (255, 140, 104, 255)
    return picture


def save(path: Path, picture: Frame) -> None:
    """Write a PNG, folders and all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture, "RGBA").save(path)


ITEMS: Mapping[str, Painter] = {
    "Body/Body 01 - Feminine, Thin/Brown": body,
    "Body/Body 02 - Masculine, Thin/Brown": body,
    "Head/Head 01 - Feminine/Brown": head,
    "Hair/Medium 01 - Page/Brown": hair,
    "Hair/Medium 01 - Page/_Behind/Brown": hair_behind,
    "Hair/Short 01 - Buzzcut/Brown": short_hair,
    "Clothing/Feminine, Thin/Legs/Pants 01 - Hose/Brown": trousers,
    "Clothing/Feminine, Thin/Legs/Shorts 01 - Shorts/Brown": shorts,
    "Clothing/Feminine, Thin/Feet/Shoes 01 - Shoes/Brown": shoes,
}

CHARACTER_CREDITS = """

Adult Head - Feminine
-------------------
  ARTIST(S): Ada Painter (Ada), Bo
  SOURCE: somewhere/heads
  SOURCE: elsewhere/heads
  LICENSE: OGA-BY 3.0
  DETAILS: Original by Ada. Edited by Bo.

Body - Feminine, Thin
-------------------
  ARTIST(S): Ada Painter (Ada)
  LICENSE: CC0
  DETAILS: Original by Ada.
  NOTES:
\tWalking Animation - by Bo.
"""
CLOTHING_CREDITS = """
All clothing is based on the body, which was designed by Ada Painter (Ada) and expanded by Cy, and Di.


--- LEGS ---

Pants 01 - Hose
--------------
  ARTIST(S): Bo
  DETAILS: Original by Bo.



--- FEET ---

Shoes 01 - Shoes
--------------
  ARTIST(S): Cy
  LICENSE: OGA-BY 3.0
  DETAILS: Original by Cy.
"""
PACK_CREDITS = """
Hello.

These are the artists:

\tAda Painter (Ada)
\tBo

---
License Note: a note."""


def draw_pack(folder: Path) -> Path:
    """Draw the whole pack into `folder`. Returns it."""
    root = folder / "Characters"
    for path, painter in ITEMS.items():
        save(root / path / "Walk.png", sheet(painter, 8))
        if "Shorts" not in path:
            save(root / path / "Idle.png", sheet(painter, 3, drop=1))
    save(root / "Head/Head 01 - Feminine/Brown/Expressions.png", expressions(head))
    # three frames of trousers that no other pose repeats: what the shorts look like there is unknown
    save(root / "Clothing/Feminine, Thin/Legs/Pants 01 - Hose/Brown/Emotes.png", _emotes())
    save(root / "Clothing/Feminine, Thin/Legs/Pants 01 - Hose/Walk.png", sheet(trousers, 8))  # a base: not art
    save(
        root / "Body/Body 01 - Feminine, Thin/Brown/Legacy - Swing.png", sheet(body, 6)
    )  # an animation that is not used
    ramps = {k: {n: [_unit(c) for c in ramp] for n, ramp in v.items()} for k, v in RAMPS.items()}
    file = root / "_ Guides & Palettes/Color Palettes/Ramps.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(ramps), encoding="utf-8")
    (folder / "Credits.txt").write_text(PACK_CREDITS, encoding="utf-8")
    (root / "Credits.txt").write_text(CHARACTER_CREDITS, encoding="utf-8")
    (root / "Clothing/Credits.txt").write_text(CLOTHING_CREDITS, encoding="utf-8")
    return folder


def _emotes() -> Frame:
    picture = sheet(trousers, 3)
    for d in range(4):
        for f in range(3):
            x = 30 + f if d != LEFT else 63 - 30 - f
            picture[64 * d + 43, 64 * f + x] = (*BROWN[4], 255)
    return picture


def _unit(colour: Colour) -> dict[str, float]:
    return dict(zip("rgba", [c / 255 for c in colour] + [1.0], strict=True))
