"""Art of one's own, drawn by code: robots in layers with a jetpack behind, and whole plants as flat art."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Colour = tuple[int, int, int]
Frame = NDArray[np.uint8]  # [h, w, 4] RGBA

SIZE = 32
RED: Sequence[Colour] = ((240, 130, 110), (200, 70, 60), (130, 35, 45))
BLUE: Sequence[Colour] = ((130, 180, 240), (70, 120, 200), (40, 70, 135))
GREEN: Sequence[Colour] = ((160, 220, 110), (90, 165, 70), (45, 105, 60))
STEEL: Sequence[Colour] = ((215, 220, 225), (160, 168, 178), (100, 108, 120))
INK: Colour = (28, 24, 36)
LAMP: Colour = (255, 230, 90)
UP, LEFT, DOWN, RIGHT = range(4)
Painter = Callable[[Frame, int, int], None]  # frame, direction, step 0..3

ROBOTS_YAML = """\
name: robots
title: Little Robots
licence: CC0 1.0
credits: [Ada Painter, Bo Pixel]
frame: 32
animations:
  idle: {frames: 2, fps: 2}
  walk: {frames: 4, fps: 8}
layers: [chassis, head, gear]
"""


def block(frame: Frame, x: int, y: int, w: int, h: int, ramp: Sequence[Colour]) -> None:
    """A box lit from above, with an outline."""
    frame[y : y + h, x : x + w] = (*INK, 255)
    frame[y + 1 : y + h - 1, x + 1 : x + w - 1] = (*ramp[1], 255)
    frame[y + 1 : y + 3, x + 1 : x + w - 1] = (*ramp[0], 255)
    frame[y + h - 3 : y + h - 1, x + 1 : x + w - 1] = (*ramp[2], 255)


def chassis(width: int, height: int, ramp: Sequence[Colour]) -> Painter:
    """A trunk on two legs that step."""

    def paint(frame: Frame, direction: int, step: int) -> None:
        lift = (0, 2, 0, -2)[step]
        for x, up in ((12, max(lift, 0)), (17, max(-lift, 0))):
            block(frame, x, 23 - up, 4, 7, STEEL)
        block(frame, 16 - width // 2, 23 - height, width, height, ramp)
        if direction == DOWN:
            frame[18:20, 15:17] = (*LAMP, 255)
        if direction in (LEFT, RIGHT):
            x = 11 if direction == LEFT else 19
            frame[17:20, x : x + 2] = (*INK, 255)

    return paint


def head(kind: str, ramp: Sequence[Colour]) -> Painter:
    """A head with eyes where it looks."""

    def paint(frame: Frame, direction: int, step: int) -> None:
        y = 4 + step % 2
        w = {"box": 12, "dome": 10, "visor": 14}[kind]
        block(frame, 16 - w // 2, y, w, 8, ramp)
        if kind == "dome":
            frame[y, [16 - w // 2, 16 + w // 2 - 1]] = 0
        if kind == "visor" and direction != UP:
            frame[y + 3 : y + 5, 16 - w // 2 + 1 : 16 + w // 2 - 1] = (*INK, 255)
        for x in {DOWN: (13, 18), LEFT: (12,), RIGHT: (19,)}.get(direction, ()):
            frame[y + 3 : y + 5, x] = (*LAMP, 255)

    return paint


def antenna(frame: Frame, direction: int, step: int) -> None:
    """A rod on the head."""
    frame[0:5, 15 + step % 2] = (*STEEL[1], 255)
    frame[0, 14:18] = (*RED[0], 255)


def jets(frame: Frame, direction: int, step: int) -> None:
    """The straps of a jetpack, in front."""
    if direction != UP:
        frame[14:20, 13] = frame[14:20, 18] = (*BLUE[2], 255)
    else:
        block(frame, 11, 13, 10, 9, BLUE)


def jets_behind(frame: Frame, direction: int, step: int) -> None:
    """The jetpack, behind; nothing of it is seen from behind the back."""
    if direction != UP:
        x = {LEFT: 19, RIGHT: 7}.get(direction, 9)
        block(frame, x, 12, 14 if direction == DOWN else 6, 10, BLUE)


def frame_of(paint: Painter, direction: int, step: int) -> Frame:
    """One frame."""
    frame = np.zeros((SIZE, SIZE, 4), np.uint8)
    paint(frame, direction, step)
    return frame


def rows_of(paint: Painter, frames: int, steps: int, directions: Sequence[int] = range(4)) -> Frame:
    """The rows of one animation: directions down, frames across. steps: how many the painter goes through."""
    rows = [[frame_of(paint, d, f % steps) for f in range(frames)] for d in directions]
    return np.concatenate([np.concatenate(row, 1) for row in rows], 0)


def sheet_of(paint: Painter) -> Frame:
    """A sheet of both animations: idle 2 frames (padded to the width of walk), walk 4."""
    idle = rows_of(paint, 2, 2)
    idle = np.pad(idle, ((0, 0), (0, 2 * SIZE), (0, 0)))
    return np.concatenate([idle, rows_of(paint, 4, 4)], 0)


def save(path: Path, picture: Frame) -> None:
    """Write a PNG, folders and all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture, "RGBA").save(path)


ROBOTS: dict[str, Painter] = {
    "chassis/barrel": chassis(12, 12, RED),
    "chassis/crate": chassis(14, 10, BLUE),
    "chassis/stick": chassis(8, 11, GREEN),
    "head/box": head("box", STEEL),
    "head/dome": head("dome", GREEN),
    "head/visor": head("visor", RED),
    "gear/antenna": antenna,
}


def draw_robots(folder: Path, yaml: str = ROBOTS_YAML) -> Path:
    """The layered pack: a sheet per item, the jetpack as one file per animation."""
    for name, paint in ROBOTS.items():
        save(folder / f"{name}.png", sheet_of(paint))
    for place, paint in (("gear/jetpack", jets), ("gear/behind/jetpack", jets_behind)):
        save(folder / place / "walk.png", rows_of(paint, 4, 4))
        save(folder / place / "idle.png", rows_of(paint, 2, 2))
    (folder / "pack.yaml").write_text(yaml, encoding="utf-8")
    return folder


def plant(leaves: Sequence[Colour], pot: Sequence[Colour], height: int) -> Painter:
    """A plant in a pot that sways; drawn from one side."""

    def paint(frame: Frame, direction: int, step: int) -> None:
        sway = (0, 1, 0, -1)[step]
        frame[24 - height : 24, 15:17] = (*leaves[2], 255)
        for n in range(height // 4):
            y = 24 - height + 4 * n
            x = 16 + sway * (height // 4 - n > 1)
            frame[y : y + 3, x - 5 : x + 5] = (*leaves[1], 255)
            frame[y, x - 4 : x + 3] = (*leaves[0], 255)
            frame[y + 2, x - 5 : x + 5] = (*leaves[2], 255)
        block(frame, 10, 23, 12, 8, pot)

    return paint


YELLOW: Sequence[Colour] = ((250, 235, 120), (220, 180, 60), (160, 115, 35))
PLANTS: dict[str, Painter] = {
    "fern": plant(GREEN, RED, 16),
    "autumn-fern": plant(YELLOW, RED, 16),
    "cactus": plant(GREEN, BLUE, 8),
    "reed": plant(YELLOW, STEEL, 20),
}


def draw_plants(folder: Path) -> Path:
    """Flat art: single frames of whole plants, and no pack.yaml."""
    for name, paint in PLANTS.items():
        save(folder / f"{name}.png", frame_of(paint, DOWN, 0))
    return folder
