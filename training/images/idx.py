"""Reader of IDX, the file format of MNIST and its relatives: a magic number, big-endian sizes, bytes."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vcg_bridge.contract.errors import PackError

UNSIGNED_BYTE = 8
LARGEST = 2**31
"""Bytes that a file may hold: what a header claims is not believed beyond it."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes, gzip-compressed or not. PackError for whatever is wrong with the file."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(4)
            if len(head) < 4 or head[:2] != b"\0\0":
                raise PackError(
                    f"{path} is no IDX file", hint="it starts with two zero bytes, a type and a number of dimensions"
                )
            kind, dimensions = head[2], head[3]
            if kind != UNSIGNED_BYTE:
                raise PackError(f"{path} holds values of type {kind:#x}", hint="only unsigned bytes, 0x8, are read")
            sizes = file.read(4 * dimensions)
            if len(sizes) < 4 * dimensions or not dimensions:
                raise PackError(f"{path} ends within its header", hint="download it again")
            shape = struct.unpack(f">{dimensions}I", sizes)
            count = prod(shape)
            if count > LARGEST or dimensions > 8:
                raise PackError(f"{path} claims {count} bytes in {dimensions} dimensions", hint="the file is damaged")
            data = file.read(count + 1)  # one more, to see whether the file goes on
    except (OSError, EOFError, zlib.error) as error:
        raise PackError(f"cannot read {path}: {error}", hint="download it again") from error
    if len(data) != count:
        more = "more" if len(data) > count else f"only {len(data)}"
        raise PackError(f"{path} claims {count} bytes of data and has {more}", hint="download it again")
    return np.frombuffer(data, np.uint8).reshape(shape)


def read_pair(images: Path, labels: Path | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Pictures [N, height, width] and labels [N], which must fit each other. Raises PackError."""
    pictures = read_idx(images)
    if pictures.ndim != 3 or not pictures.size:
        raise PackError(f"{images} has shape {pictures.shape}", hint="pictures have three dimensions, none of them 0")
    if labels is None:
        return pictures, None
    numbers = read_idx(labels)
    if numbers.shape != pictures.shape[:1]:
        raise PackError(
            f"{labels} has shape {numbers.shape}, but {images} has {len(pictures)} pictures",
            hint="labels of another set?",
        )
    return pictures, numbers


def find_idx(folder: Path, part: str) -> tuple[Path, Path | None] | None:
    """Files of pictures and labels of a part ("train", "t10k") of a folder, by the names that MNIST and its relatives use."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and part in p.name and "ubyte" in p.name)
    images = [p for p in files if "images" in p.name and "idx3" in p.name]
    labels = [p for p in files if "labels" in p.name and "idx1" in p.name]
    return (images[0], labels[0] if labels else None) if images else None
