"""Small pictures drawn by code: blobs whose place depends on the label, as IDX files or PNGs."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def idx_bytes(array: NDArray[np.uint8]) -> bytes:
    """An IDX file of unsigned bytes."""
    return struct.pack(f">2x2B{array.ndim}I", 8, array.ndim, *array.shape) + array.tobytes()


def blobs(n: int, side: int = 8, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Gray [n, side, side] with a bright square in the upper left (label 0) or lower right (label 1), and the labels."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.uint8)
    pictures = np.zeros((n, side, side), np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        at = 1 + (side // 2) * label
        picture[at : at + side // 2 - 1, at : at + side // 2 - 1] = rng.integers(180, 256)
    return pictures, labels


def write_mnist(folder: Path, n: int = 200, side: int = 8) -> Path:
    """A folder as MNIST's, compressed."""
    folder.mkdir(parents=True)
    for part, count, seed in (("train", n, 0), ("t10k", n // 4, 1)):
        pictures, labels = blobs(count, side, seed)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(pictures), mtime=0))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels), mtime=0))
    return folder


def write_pngs(folder: Path, n: int = 12, side: int = 8, alpha: bool = False, seed: int = 5) -> Path:
    """Coloured squares, none like another; with `alpha` on transparent ground."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(n):
        picture = np.zeros((side, side, 4), np.uint8)
        picture[..., 3] = 0 if alpha else 255
        picture[1:-1, 1 : 3 + i % 4] = (*rng.integers(20, 256, 3), 255)
        Image.fromarray(picture).save(folder / f"{i:03d}.png")
    return folder
