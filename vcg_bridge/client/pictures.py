"""What a job yields: decoded pictures, and the characters that are gathered from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vcg_bridge.contract.errors import BadRequest, ProtocolError
from vcg_bridge.contract.messages import Chunk, Strip
from vcg_bridge.contract.recipe import Recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vcg_bridge.contract.character import Character, Pose

BYTES_PER_PIXEL = {"r8": 1, "rgba8": 4}


@dataclass(frozen=True)
class Picture:
    """One chunk, decoded and checked."""

    chunk: Chunk
    data: bytes = field(repr=False)  # pixels, or a PNG file
    recipe: Recipe  # of its character
    palette: bytes = field(repr=False)  # of its character: 256 x RGBA

    @property
    def kind(self) -> str:
        """preview, animation, sheet or normal."""
        return self.chunk.kind

    @property
    def name(self) -> str:
        """Id of the animation; "sheet" for a sheet."""
        return self.chunk.name

    @property
    def character(self) -> int:
        """Which character of the job, from 0."""
        return self.chunk.character

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 [H, W] palette slots (r8) or [H, W, 4] RGBA (rgba8), read-only. Raises BadRequest for a PNG."""
        import numpy as np

        if self.chunk.format not in BYTES_PER_PIXEL:
            raise BadRequest(f"a {self.chunk.format} picture has no plain pixels", hint='ask for output.format "r8"')
        shape = (self.chunk.height, self.chunk.width, BYTES_PER_PIXEL[self.chunk.format])
        image = np.frombuffer(self.data, np.uint8).reshape(shape)
        return image[:, :, 0] if shape[2] == 1 else image

    def frames(self) -> dict[Pose, NDArray[np.uint8]]:
        """Each whole frame, uint8 [h, w] or [h, w, 4]. Raises ProtocolError where a strip lies outside the picture."""
        from vcg_bridge.contract.character import Pose

        image = self.pixels()
        found = {}
        for strip in self.chunk.strips:
            for i, place in enumerate(places(strip, self.chunk.width, self.chunk.height)):
                pose = Pose(strip.animation, strip.directions[i // strip.frames], i % strip.frames)
                found[pose] = _cut(image, strip, place)
        return found


Place = tuple[int, int, int, int, int, int]
"""x, y, width, height in the picture; left, top in the whole frame."""


def places(strip: Strip, width: int, height: int) -> Iterator[Place]:
    """Where each frame of a strip lies in a picture of that size, all frames of the first direction first."""
    frame_width, frame_height = strip.frame_width, strip.frame_height
    count = strip.frames * len(strip.directions)
    if strip.rects and len(strip.rects) != 6 * count:
        raise ProtocolError(f"strip {strip.animation!r} has {len(strip.rects)} numbers for {count} frames")
    for i in range(count):
        if strip.rects:
            x, y, w, h, left, top = strip.rects[6 * i : 6 * i + 6]
        else:
            row, column = divmod(i, strip.frames)
            x, y, w, h, left, top = column * frame_width, row * frame_height, frame_width, frame_height, 0, 0
        if x + w > width or y + h > height or left + w > frame_width or top + h > frame_height:
            raise ProtocolError(f"strip {strip.animation!r}: frame {i} lies outside of its picture")
        yield x, y, w, h, left, top


def _cut(image: NDArray[np.uint8], strip: Strip, place: Place) -> NDArray[np.uint8]:
    import numpy as np

    x, y, w, h, left, top = place
    part = image[y : y + h, x : x + w]
    if (w, h) == (strip.frame_width, strip.frame_height):
        return part
    frame = np.zeros((strip.frame_height, strip.frame_width, *image.shape[2:]), np.uint8)
    frame[top : top + h, left : left + w] = part
    return frame


@dataclass(frozen=True)
class Generated:
    """One complete character of a job."""

    index: int  # within the job
    recipe: Recipe
    palette: bytes = field(repr=False)  # 256 x RGBA
    pictures: tuple[Picture, ...]  # in the order they came
    credits: tuple[str, ...]  # lines to ship with it

    def character(self) -> Character:
        """All its frames as index planes. Raises BadRequest unless r8 was asked for."""
        import numpy as np

        from vcg_bridge.contract.character import Character

        frames: dict[Pose, NDArray[np.uint8]] = {}
        for picture in self.pictures:
            if picture.kind in ("animation", "sheet"):
                if picture.chunk.format != "r8":
                    raise BadRequest("only r8 pictures are index planes", hint='ask for output.format "r8"')
                frames |= picture.frames()
        return Character(self.recipe, frames, np.frombuffer(self.palette, np.uint8).reshape(256, 4))


class Gatherer:
    """Collects the pictures of a job into characters."""

    def __init__(self) -> None:
        self._pictures: list[Picture] = []

    def add(self, picture: Picture) -> Generated | None:
        """The character that this picture completes."""
        self._pictures.append(picture)
        if not picture.chunk.last:
            return None
        pictures, self._pictures = tuple(self._pictures), []
        return Generated(picture.character, picture.recipe, picture.palette, pictures, picture.chunk.credits)
