"""A folder of PNGs as training pictures. What is left out is listed, with the reason."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vcg_bridge.contract.errors import PackError

ONE_COLOUR = "empty: one colour throughout"


@dataclass(frozen=True, eq=False)
class Folder:
    """The pictures that are left, in order of their names, and what was left out."""

    pictures: NDArray[np.uint8]  # [N, channels, height, width]: gray, RGB or RGBA
    names: tuple[str, ...]  # paths below the folder, "/" between
    labels: tuple[str, ...]  # first folder of each name; empty where pictures lie at the top
    dropped: tuple[tuple[str, str], ...]  # (name, reason)


def read_folder(folder: Path, size: tuple[int, int] | None = None) -> Folder:
    """Read all PNGs below a folder. `size`: (width, height) of the pictures wanted; without it the most common size.

    Left out are files that cannot be decoded, pictures of another size, of one colour throughout, and repetitions. Colours of
    transparent pixels are set to 0. Raises PackError if nothing is left.
    """
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() == ".png" and p.is_file())
    read: dict[str, NDArray[np.uint8]] = {}
    dropped: list[tuple[str, str]] = []
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            read[name] = _rgba(file)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            dropped.append((name, f"corrupt: {error}"))
    sizes = Counter((x.shape[1], x.shape[0]) for x in read.values())
    wanted = size or (max(sizes, key=lambda s: (sizes[s], s)) if sizes else (0, 0))
    kept: dict[str, NDArray[np.uint8]] = {}
    seen: dict[bytes, str] = {}
    for name, picture in read.items():
        have = (picture.shape[1], picture.shape[0])
        key = hashlib.sha256(picture.tobytes()).digest()
        if have != wanted:
            dropped.append((name, f"wrong size: {have[0]}x{have[1]}, not {wanted[0]}x{wanted[1]}"))
        elif (picture == picture[0, 0]).all():
            dropped.append((name, ONE_COLOUR))
        elif key in seen:
            dropped.append((name, f"duplicate of {seen[key]}"))
        else:
            seen[key] = name
            kept[name] = picture
    if not kept:
        found = (
            f"none of the {len(files)} PNG files below {folder} can be used"
            if files
            else f"no PNG files below {folder}"
        )
        raise PackError(
            found, hint=f"{dropped[0][0]}: {dropped[0][1]}" if dropped else "give a folder of PNGs, IDX files or a pack"
        )
    names = tuple(kept)
    groups = tuple(name.split("/")[0] for name in names) if all("/" in name for name in names) else ()
    pictures = np.stack(list(kept.values()))
    return Folder(_fewest_channels(pictures), names, groups, tuple(sorted(dropped)))


def _rgba(file: Path) -> NDArray[np.uint8]:
    """Decode to RGBA [height, width, 4]; transparent pixels become 0 throughout."""
    with Image.open(file) as image:
        image.load()  # decodes all of it: a truncated file raises here
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"{image.mode} pixels; 8 bits a channel are read")
        picture = np.array(image.convert("RGBA"))
    picture[picture[..., 3] == 0] = 0
    return picture


def _fewest_channels(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[N, height, width, 4] -> [N, 1, 3 or 4, height, width]: alpha only where something is transparent, colours only where there are any."""
    if (rgba[..., 3] < 255).any():
        chosen = rgba
    elif (rgba[..., 0] == rgba[..., 1]).all() and (rgba[..., 1] == rgba[..., 2]).all():
        chosen = rgba[..., :1]
    else:
        chosen = rgba[..., :3]
    return np.ascontiguousarray(chosen.transpose(0, 3, 1, 2))
