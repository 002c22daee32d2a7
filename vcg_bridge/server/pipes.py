"""Processes of our own: how they are started, and the frames on the pipe between two of them (how many bytes, then the bytes)."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

LENGTH = struct.Struct(">I")
"""Before every frame: how many bytes it has."""


def python() -> list[str]:
    """How Python is started: to import from where we do, not from the folder it happens to be in, which may hold a queue.py."""
    try:
        here = str(Path.cwd())
    except OSError:  # it was removed
        here = ""
    return [sys.executable] if {"", here} & set(sys.path) else [sys.executable, "-P"]


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
