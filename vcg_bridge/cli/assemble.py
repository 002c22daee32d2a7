"""Chunks from the server back into a character, ready to be written."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Character, Plane, Pose
from vcg_bridge.contract.errors import ProtocolError
from vcg_bridge.contract.messages import Chunk
from vcg_bridge.contract.recipe import Recipe


class Assembly:
    """One character of a job as its chunks come in.

    `recipe` and `palette` are known from the first chunk on; `character()` when all chunks are in.
    """

    def __init__(self) -> None:
        self.recipe: Recipe | None = None
        self.palette: NDArray[np.uint8] | None = None
        self._frames: dict[Pose, Plane] = {}

    def add(self, chunk: Chunk, pixels: bytes) -> None:
        """Take a chunk and its decoded pixels (`r8`). Raises ProtocolError where it is not what was asked for."""
        if chunk.recipe is not None:
            self.recipe = chunk.recipe
        if chunk.palette:
            self.palette = np.frombuffer(chunk.palette, np.uint8).reshape(256, 4)
        if chunk.kind != "animation":
            return
        if chunk.format != "r8" or len(pixels) != chunk.width * chunk.height:
            raise ProtocolError(f"animation {chunk.name!r}: {len(pixels)} bytes of {chunk.format}, r8 was asked for")
        picture = np.frombuffer(pixels, np.uint8).reshape(chunk.height, chunk.width)  # [H, W]
        for strip in chunk.strips:
            for row, direction in enumerate(strip.directions):
                top = strip.y + row * strip.frame_height
                for frame in range(strip.frames):
                    left = strip.x + frame * strip.frame_width
                    plane = picture[top : top + strip.frame_height, left : left + strip.frame_width]
                    if plane.shape != (strip.frame_height, strip.frame_width):
                        raise ProtocolError(f"animation {chunk.name!r}: a frame lies outside of its picture")
                    self._frames[Pose(strip.animation, direction, frame)] = plane

    def character(self) -> Character:
        """The whole character. Raises ProtocolError where something is missing."""
        if self.recipe is None or self.palette is None or not self._frames:
            raise ProtocolError("the server sent a character without recipe, palette or frames")
        frames: Mapping[Pose, Plane] = self._frames
        return Character(self.recipe, frames, self.palette)
