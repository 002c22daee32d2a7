"""PNG files, written here and not by a library: an exact palette, nothing that depends on time or place.

Equal pictures give equal bytes with the same zlib (Python's own; some builds use zlib-ng, whose compressed bytes differ
while the pixels do not).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.character import Plane
from vcg_bridge.sprites.palette import Palette

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _INDEXED, _RGBA = 0, 2, 3, 6  # colour types of the format
LEVEL = 6


def indexed_png(plane: Plane, palette: Palette, text: Mapping[str, str] | None = None) -> bytes:
    """An 8-bit palette PNG with transparency (tRNS). Its index values are the slots, so it can be recoloured.

    plane: uint8 [H, W]. palette: uint8 [256, 4]; written up to the last colour that is set or used. text: keyword ->
    text, written as iTXt (UTF-8); keywords are 1 to 79 characters of Latin-1.
    """
    coloured = np.flatnonzero(palette.any(axis=1))
    count = 1 + max(int(coloured[-1]) if coloured.size else 0, int(plane.max(initial=0)))
    chunks = [(b"PLTE", palette[:count, :3].tobytes())]
    alpha = palette[:count, 3]
    if (alpha < 255).any():
        chunks.append((b"tRNS", alpha[: int(np.flatnonzero(alpha < 255)[-1]) + 1].tobytes()))
    return _png(plane, _INDEXED, [*chunks, *_texts(text)])


def png(image: NDArray[np.uint8], text: Mapping[str, str] | None = None) -> bytes:
    """uint8 [H, W] grey, [H, W, 3] RGB or [H, W, 4] RGBA -> PNG."""
    channels = image.shape[2] if image.ndim == 3 else 1
    return _png(image, {1: _GREY, 3: _RGB, 4: _RGBA}[channels], _texts(text))


def _png(image: NDArray[np.uint8], kind: int, chunks: list[tuple[bytes, bytes]]) -> bytes:
    height, width = image.shape[:2]
    lines = np.zeros((height, 1 + image.size // max(height, 1)), np.uint8)  # a filter byte (0: none), then the row
    lines[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(lines.tobytes(), LEVEL)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _texts(text: Mapping[str, str] | None) -> list[tuple[bytes, bytes]]:
    return [
        (b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + value.encode("utf-8"))
        for keyword, value in (text or {}).items()
    ]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
