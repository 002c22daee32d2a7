"""Frames on a pipe between two of our own processes: how many bytes there are, then the bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO

LENGTH = struct.Struct(">I")
"""Before every frame: how many bytes it has."""


def framed(data: bytes) -> bytes:
    """A frame as it goes over a pipe."""
    return LENGTH.pack(len(data)) + data


def read_frame(stream: BinaryIO) -> bytes:
    """The next frame. Raises EOFError at the end of the stream."""
    return _read_exactly(stream, LENGTH.unpack(_read_exactly(stream, LENGTH.size))[0])


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def frames_of(data: bytes) -> Iterable[bytes]:
    """The frames in `data`, which ends with the last of them."""
    at = 0
    while at < len(data):
        (size,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size + size
        yield data[at - size : at]
