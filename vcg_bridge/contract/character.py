"""What travels between the generators (which draw layers) and the sprites (which compose them)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.recipe import Recipe

Plane = NDArray[np.uint8]
"""uint8 [H, W]: one class or slot per pixel, 0 = transparent."""


class Pose(NamedTuple):
    """One drawing position of the body: which frame of which animation, seen from where."""

    animation: str
    direction: str
    frame: int  # 0-based


@dataclass(frozen=True)
class Placed:
    """One drawn view of a layer part, already mirrored, at its place in the layer's own frame."""

    x: int  # pixels from the left edge of the layer's frame; may be negative
    y: int  # pixels from the top edge
    classes: Plane  # uint8 [h, w], classes of the layer: 0 transparent, then shades, then fixed colours


@dataclass(frozen=True)
class DrawnPart:
    """All poses of one part (front or behind) of one layer of one character."""

    layer: str
    part: str  # "front" or "behind"
    z: int  # drawing order, low first
    frame_size: int  # pixels; frames larger than the manifest's are centred on the same point
    placed: Mapping[Pose, Placed]  # poses in which the part shows nothing are left out


@dataclass(frozen=True)
class Drawing:
    """A character as drawn layers, before composition."""

    recipe: Recipe
    parts: tuple[DrawnPart, ...]
    smallest_margin: float  # smallest logit distance between best and second-best class over all pixels drawn
    redrawn: int  # views whose margin was doubtful and were drawn again in double precision


@dataclass(frozen=True)
class Character:
    """A composed character: every frame an index plane, one palette for all of them."""

    recipe: Recipe
    frames: Mapping[Pose, Plane]  # uint8 [H, W], palette slots; all frames of one animation have one size
    palette: NDArray[np.uint8]  # uint8 [256, 4] RGBA, slot -> colour; slot 0 is (0, 0, 0, 0)
