"""PNG files. Index values are the palette slots, so a file can be recoloured without drawing it again.

Equal pictures give equal bytes with the same Pillow (builds with another zlib compress to other bytes; the pixels are the same).
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from vcg_bridge.contract.character import Plane
from vcg_bridge.sprites.palette import Palette

LEVEL = 6

EIGHT_BITS = 17
"""Colours from which Pillow writes eight bits a pixel: a reader then finds a slot in every byte."""


def indexed_png(plane: Plane, palette: Palette, text: Mapping[str, str] | None = None) -> bytes:
    """An 8-bit palette PNG with transparency (tRNS).

    plane: uint8 [H, W]. palette: uint8 [256, 4]; written up to the last colour that is set or used. text: keyword ->
    text, written as iTXt (UTF-8); keywords are 1 to 79 characters of Latin-1.
    """
    coloured = np.flatnonzero(palette.any(axis=1))
    count = max(1 + int(coloured[-1] if coloured.size else 0), 1 + int(plane.max(initial=0)), EIGHT_BITS)
    picture = Image.fromarray(plane)  # mode L; the palette makes it P without touching a value
    picture.putpalette(palette[:count, :3].tobytes())
    alpha = palette[:count, 3]
    clear = np.flatnonzero(alpha < 255)
    transparency = alpha[: int(clear[-1]) + 1].tobytes() if clear.size else None
    return _saved(picture, text, transparency)


def png(image: NDArray[np.uint8], text: Mapping[str, str] | None = None) -> bytes:
    """uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA -> PNG."""
    return _saved(Image.fromarray(np.ascontiguousarray(image)), text)


def _saved(picture: Image.Image, text: Mapping[str, str] | None, transparency: bytes | None = None) -> bytes:
    info = PngInfo()
    for keyword, value in (text or {}).items():
        info.add_itxt(keyword, value)
    options = {} if transparency is None else {"transparency": transparency}
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=LEVEL, pnginfo=info, **options)
    return out.getvalue()
