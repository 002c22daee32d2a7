"""Reading art in the LPC Revised folder layout: item folders, their sheets, frames as colour codes."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from training.packs.rules import LayerRule, Rules, SheetRule
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import PARTS

CLEAR = -1
"""Colour code of a transparent pixel; others are 0xRRGGBB."""

Codes = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Art:
    """An item as drawn: all its sheets in one colour."""

    id: str
    layer: LayerRule
    title: str
    folder: str  # relative to the pack's root, "/" between names
    body: str
    colour: str  # name of the colour folder
    sheets: Mapping[str, Mapping[str, Codes]]  # part -> animation -> [directions, frames, size, size]

    def poses(self) -> tuple[str, ...]:
        """Animations that some part has a sheet of, in no order that matters."""
        return tuple(sorted({a for part in self.sheets.values() for a in part}))


@dataclass(frozen=True)
class Found:
    """What a scan met besides items."""

    ignored: tuple[str, ...]  # item folders that no layer takes
    uncoloured: tuple[str, ...]  # folders with sheets that are in no colour folder: the artists' bases and guides
    unused_sheets: tuple[str, ...]  # file names that are no animation, with how often
    faint: Mapping[str, tuple[int, int]]  # file -> partly transparent pixels: dropped (under half), kept (made opaque)


def slug(title: str) -> str:
    """Lower-case words joined by "-": "Short 04 - Cowlick" -> "short-04-cowlick"."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def fingerprint(sheets: Mapping[str, Mapping[str, Codes]]) -> bytes:
    """Bytes that two items share only if every frame of every part is the same."""
    return b"".join(
        f"{part}/{animation}/{sheet.shape}".encode() + sheet.tobytes()
        for part in sorted(sheets)
        for animation, sheet in sorted(sheets[part].items())
    )


def scan(
    pack: Path, rules: Rules, ramp_names: frozenset[str], progress: Callable[[str], None]
) -> tuple[tuple[Art, ...], Found]:
    """All items of the pack in rule order, then by name.

    Raises PackError for a folder without the layout, an unreadable picture and a sheet of a wrong size.
    """
    root = pack / rules.root
    if not root.is_dir():
        raise PackError(f"{pack} is no {rules.title} folder: no folder {rules.root!r} in it", hint=rules.source)
    titles = {sheet.title: sheet for sheet in rules.sheets}
    folders: dict[tuple[str, str], dict[str, dict[str, Path]]] = {}  # (item folder, part) -> colour -> title -> file
    unused: dict[str, int] = {}
    bases: dict[str, None] = {}
    for here, names, files in os.walk(root):
        names[:] = sorted(n for n in names if not _any_match(n, rules.skip))
        at = Path(here)
        part = "behind" if at.parent.name in rules.behind else "front"
        item = at.parent.parent if part == "behind" else at.parent
        for file in sorted(files):
            if not file.endswith(".png"):
                continue
            if at.name not in ramp_names:
                bases[at.relative_to(root).as_posix()] = None
                continue
            if file[:-4] not in titles:
                unused[file] = unused.get(file, 0) + 1
                continue
            colours = folders.setdefault((item.relative_to(root).as_posix(), part), {})
            colours.setdefault(at.name, {})[file[:-4]] = at / file
    if not folders:
        raise PackError(
            f"no sheets under {root}: looked for <kind>/.../<item>/<colour>/<animation>.png",
            hint=rules.source,
        )
    arts: list[Art] = []
    ignored: list[str] = []
    faint: dict[str, tuple[int, int]] = {}
    for folder in sorted({f for f, _ in folders}):
        layer = next((x for x in rules.layers if _any_match(folder, x.folders)), None)
        front = folders.get((folder, "front"), {})
        if layer is None or not front:
            ignored.append(folder)
            continue
        progress(folder)
        colour = next((c for c in rules.colours if c in front), sorted(front)[0])
        sheets: dict[str, dict[str, Codes]] = {}
        for part in PARTS:
            for name, path in folders.get((folder, part), {}).get(colour, {}).items():
                codes, half = _read_sheet(path, titles[name], layer.frame_size)
                sheets.setdefault(part, {})[titles[name].id] = codes
                if any(half):
                    faint[path.relative_to(pack).as_posix()] = half
        sheets = {part: found for part, found in sheets.items() if any((c != CLEAR).any() for c in found.values())}
        if not sheets:
            raise PackError(
                f"{folder}: nothing is drawn in its {colour} sheets", hint="remove the folder, or fetch it again"
            )
        title = Path(folder).name
        body = next((b for b in rules.bodies if b.folder in folder.split("/")), None)
        arts.append(
            Art(
                id=slug(title) + (f".{body.suffix}" if body else ""),
                layer=layer,
                title=title,
                folder=folder,
                body=body.id if body else "",
                colour=colour,
                sheets=sheets,
            )
        )
    order = {x.id: i for i, x in enumerate(rules.layers)}
    arts.sort(key=lambda a: (order[a.layer.id], a.id))
    unused_sheets = tuple(f"{k} ({n})" for k, n in sorted(unused.items()))
    return tuple(arts), Found(tuple(ignored), tuple(bases), unused_sheets, faint)


def _any_match(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, p) for p in patterns)


def _read_sheet(file: Path, sheet: SheetRule, size: int) -> tuple[Codes, tuple[int, int]]:
    """(codes [directions, frames, size, size], partly transparent pixels dropped and kept)."""
    try:
        with Image.open(file) as image:
            rgba = np.asarray(image.convert("RGBA")).astype(np.int32)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise PackError(f"cannot read {file}: {error}", hint="fetch the file again") from error
    height, width = rgba.shape[:2]
    rows = len(sheet.rows)
    codes = rgba[..., 0] << 16 | rgba[..., 1] << 8 | rgba[..., 2]
    codes[rgba[..., 3] < 128] = CLEAR
    # some one-row sheets are saved with empty rows below
    if width != sheet.frames * size or height < rows * size or height % size or (codes[rows * size :] != CLEAR).any():
        raise PackError(
            f"{file} is {width}x{height}, expected {sheet.frames * size}x{rows * size} "
            f"({sheet.frames} frames in {rows} rows of {size}x{size})",
            hint="the rules say how many frames and rows each animation has",
        )
    frames = codes[: rows * size].reshape(rows, size, sheet.frames, size).swapaxes(1, 2)
    kept = [i for i, row in enumerate(sheet.rows) if row]
    alpha = rgba[: rows * size, :, 3].reshape(rows, -1)[kept]
    half = int(((alpha > 0) & (alpha < 128)).sum()), int(((alpha >= 128) & (alpha < 255)).sum())
    return np.ascontiguousarray(frames[kept]), half
