"""Reading art from a plain folder: layers of items (or whole characters), sheets of all animations or one file per animation.

    <layer>/<item>.png                  a sheet of all animations: their rows stacked as pack.yaml says
    <layer>/<item>/<animation>.png      one file per animation
    <layer>/behind/...                  the same two, for the part that is drawn behind
    <layer>/<body>/...                  the same, for items that fit only that body (and <layer>/<body>/behind/...)

Flat art is one layer whose folder is the pack's. One bad picture does not stop the others: it is left out and listed.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from training.packs.pack_yaml import YAML_FILE, FolderLayer, FolderRules
from training.packs.rules import LayerRule
from training.packs.sheets import CLEAR, Art, Codes, fingerprint, slug
from training.packs.slots import code
from vcg_bridge.contract.errors import PackError, near
from vcg_bridge.contract.manifest import PARTS

PICTURES = (".png", ".webp", ".bmp", ".gif", ".tga", ".jpg", ".jpeg")
BEHIND = "behind"
NO_ART = (
    "pack.yaml",
    "credits.csv",
    "credits.txt",
    "licence.txt",
    "license.txt",
    "readme.md",
    "readme.txt",
    "thumbs.db",
)
MOST_PIXELS = 1 << 26  # of one picture


@dataclass(frozen=True)
class Skipped:
    """A file that was left out."""

    file: str  # relative to the pack, "/" between names
    kind: str  # "corrupt", "wrong size", "empty", "duplicate", "no animation", "no front"
    why: str


@dataclass(frozen=True)
class FolderArt:
    """What a folder holds."""

    arts: tuple[Art, ...]
    size: int  # pixels of a square frame
    skipped: tuple[Skipped, ...]
    other: tuple[str, ...]  # files and folders that are no art of any layer
    faint: Mapping[str, tuple[int, int]]  # file -> partly transparent pixels: dropped (under half), kept (made opaque)
    opaque: tuple[str, ...]  # pictures without a transparent pixel: their background is a colour


class _Bad(Exception):
    """Why a picture is left out."""

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind, self.why = kind, why


def layer_rule(layer: FolderLayer, size: int) -> LayerRule:
    """The part of a layer's rules that all kinds of packs share."""
    return LayerRule(
        layer.id, layer.title, (layer.folder,), "", layer.z, behind_z=layer.behind_z, required=layer.required, frame_size=size
    )  # fmt: skip


def scan_folder(folder: Path, rules: FolderRules, strict: bool, progress: Callable[[str], None]) -> FolderArt:
    """All items of the folder, layer by layer, by name.

    Raises PackError when a layer's folder or its art is missing, when nothing can be read, and, if `strict`, for the first
    picture that would be left out.
    """
    return _Scan(folder, rules, strict, progress).run()


class _Scan:
    """One reading of a folder, and what it met on the way."""

    def __init__(self, folder: Path, rules: FolderRules, strict: bool, progress: Callable[[str], None]) -> None:
        self.folder, self.rules, self.strict, self.progress = folder, rules, strict, progress
        self.skipped: list[Skipped] = []
        self.other: list[str] = []
        self.faint: dict[str, tuple[int, int]] = {}
        self.opaque: list[str] = []
        self.read: dict[Path, Codes] = {}

    def run(self) -> FolderArt:
        found = [(layer, self._items(layer)) for layer in self.rules.layers]
        for layer, items in found:
            self._read_all(layer, items)
        if not self.read:
            self._nothing_left()
        width, height = self.rules.frame or self._common_size()
        size = max(width, height)
        arts: list[Art] = []
        for layer, items in found:
            rule = layer_rule(layer, size)
            mine = [a for key in sorted(items) if (a := self._art(rule, key, items[key], (width, height)))]
            mine = self._without_duplicates(mine)
            if not mine and (layer.required or items):
                self._nothing_left(f"the layer {layer.id!r}")
            if not mine:
                raise PackError(
                    f"no pictures for the layer {layer.id!r} in {self._place(layer)}",
                    hint=f"put them there, or take the layer out of {YAML_FILE}",
                )
            arts += mine
        if not self.rules.flat:
            self._list_folders()
        return FolderArt(tuple(arts), size, tuple(self.skipped), tuple(self.other), self.faint, tuple(self.opaque))

    # what is where

    def _place(self, layer: FolderLayer) -> Path:
        return self.folder if layer.folder == "." else self.folder / layer.folder

    def _items(self, layer: FolderLayer) -> dict[tuple[str, str], dict[str, dict[str, Path]]]:
        """(body, item name) -> part -> animation id ("" for a sheet of all) -> file."""
        place = self._place(layer)
        if not place.is_dir():
            have = [p.name for p in sorted(self.folder.iterdir()) if p.is_dir()]
            raise PackError(
                f"there is no folder {layer.folder!r} in {self.folder} for the layer {layer.id!r}",
                hint=near(layer.folder, have) or f"it has {', '.join(have[:12]) or 'no folder'}",
            )
        items: dict[tuple[str, str], dict[str, dict[str, Path]]] = {}
        for body in ("", *self.rules.bodies):
            base = place / body if body else place
            for part, where in (("front", base), ("behind", base / BEHIND)):
                for name, files in self._in(where, layer):
                    items.setdefault((body, name), {})[part] = files
        return items

    def _in(self, place: Path, layer: FolderLayer) -> Iterator[tuple[str, dict[str, Path]]]:
        """(item name, animation -> file) of one folder."""
        if not place.is_dir():
            return
        names: dict[str, Path] = {}
        for path in sorted(place.iterdir()):
            if path.name.startswith(".") or any(fnmatch.fnmatchcase(path.name, p) for p in self.rules.skip):
                continue
            if path.is_dir():
                if path.name == BEHIND or path.name in self.rules.bodies:
                    continue
                files = self._animations(path)
                name = path.name
            elif path.suffix.lower() in PICTURES:
                files, name = {"": path}, path.stem
            else:
                files, name = {}, ""
            if not files or not slug(name):
                if path.name.lower() not in NO_ART:
                    self.other.append(self._name(path))
                continue
            if slug(name) in names:
                self._skip(path, "duplicate", f"has the name of {self._name(names[slug(name)])}")
                continue
            names[slug(name)] = path
            yield name, files

    def _animations(self, folder: Path) -> dict[str, Path]:
        known = {x.id for x in self.rules.strips}
        files: dict[str, Path] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() not in PICTURES or path.name.startswith("."):
                continue
            name = slug(path.stem)
            if name not in known:
                self._skip(path, "no animation", near(name, known) or f"there is {', '.join(sorted(known))}")
            elif name in files:
                self._skip(path, "duplicate", f"is {name!r}, as {files[name].name} is")
            else:
                files[name] = path
        return files

    def _list_folders(self) -> None:
        used = {Path(x.folder).parts[0] for x in self.rules.layers}
        for path in sorted(self.folder.iterdir()):
            if path.name not in used and path.name.lower() not in NO_ART and not path.name.startswith("."):
                self.other.append(self._name(path))

    # pictures

    def _read_all(self, layer: FolderLayer, items: Mapping[tuple[str, str], dict[str, dict[str, Path]]]) -> None:
        for (_, name), parts in sorted(items.items()):
            self.progress(f"{layer.id}: {name}")
            for path in (p for files in parts.values() for p in files.values()):
                try:
                    self.read[path] = self._codes(path)
                except _Bad as bad:
                    self._skip(path, bad.kind, bad.why)

    def _codes(self, path: Path) -> Codes:
        """Colour codes [h, w] of a picture."""
        try:
            with Image.open(path) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise _Bad("wrong size", f"has {image.width}x{image.height} pixels; {MOST_PIXELS} is the most")
                rgba = np.asarray(image.convert("RGBA")).astype(np.int32)
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise _Bad("corrupt", f"cannot be read: {error}".replace(str(path), path.name)) from error
        codes: Codes = rgba[..., 0] << 16 | rgba[..., 1] << 8 | rgba[..., 2]
        alpha = rgba[..., 3]
        codes[alpha < 128] = CLEAR
        if self.rules.background is not None:
            codes[codes == code(self.rules.background)] = CLEAR
        half = int(((alpha > 0) & (alpha < 128)).sum()), int(((alpha >= 128) & (alpha < 255)).sum())
        if any(half):
            self.faint[self._name(path)] = half
        if (codes == CLEAR).all():
            raise _Bad("empty", "nothing is drawn in it")
        if (codes != CLEAR).all():
            self.opaque.append(self._name(path))
        return codes

    def _common_size(self) -> tuple[int, int]:
        """(width, height) of a frame where pack.yaml does not say: what most pictures, cut into their frames, have."""
        if len(self.rules.strips) > 1 or self.rules.strips[0].frames > 1 or len(self.rules.strips[0].rows) > 1:
            raise PackError(
                f"{self.folder / YAML_FILE}: with animations the frame size must be said",
                hint="add `frame: 32`, in pixels",
            )
        shapes = [c.shape for c in self.read.values()]
        height, width = max(sorted(set(shapes)), key=shapes.count)
        if not 8 <= max(width, height) <= 512:
            raise PackError(
                f"most pictures of {self.folder} are {width}x{height} pixels; frames of 8 to 512 are possible",
                hint=f"if they are sheets, say `frame` and `animations` in {YAML_FILE}",
            )
        return width, height

    def _art(
        self, rule: LayerRule, key: tuple[str, str], parts: Mapping[str, Mapping[str, Path]], frame: tuple[int, int]
    ) -> Art | None:
        body, name = key
        sheets: dict[str, dict[str, Codes]] = {}
        for part in PARTS:
            for animation, path in parts.get(part, {}).items():
                if path not in self.read:
                    continue
                try:
                    cut = self._cut(self.read[path], animation, frame)
                except _Bad as bad:
                    self._skip(path, bad.kind, bad.why)
                    continue
                sheets.setdefault(part, {}).update(cut)
        if not sheets:
            return None
        if "front" not in sheets:
            path = next(iter(parts["behind"].values()))
            self._skip(path, "no front", "is a part behind, and its item has no picture in front")
            return None
        item = slug(name)[:50].strip("-")
        place = "/".join(x for x in (rule.folders[0], body, name) if x and x != ".")
        return Art(f"{item}.{body}" if body else item, rule, name, place, body, "", sheets)

    def _cut(self, codes: Codes, animation: str, frame: tuple[int, int]) -> dict[str, Codes]:
        """animation -> [directions, frames, size, size]; an animation in which nothing is drawn is left out."""
        width, height = frame
        h, w = codes.shape
        by_id = {x.id: x for x in self.rules.strips}
        if w % width or h % height:
            raise _Bad("wrong size", f"is {w}x{h} pixels, no multiple of the frame's {width}x{height}")
        cells = codes.reshape(h // height, height, w // width, width).swapaxes(1, 2)  # [rows, columns, height, width]
        rows, columns = cells.shape[:2]
        if animation:
            strip = by_id[animation]
            if (rows, columns) != (len(strip.rows), strip.frames):
                raise _Bad(
                    "wrong size",
                    f"is {columns} x {rows} frames of {width}x{height}, {animation!r} is {strip.frames} x {len(strip.rows)}",
                )
            strips = [replace(strip, row=0)]
        else:
            strips = [x for x in self.rules.strips if x.row + len(x.rows) <= rows and x.frames <= columns]
        seen = np.zeros((rows, columns), np.bool_)
        cut: dict[str, Codes] = {}
        for x in strips:
            seen[x.row : x.row + len(x.rows), : x.frames] = True
            order = [x.row + x.rows.index(d) for d in x.directions]
            frames = cells[order][:, : x.frames]
            if (frames != CLEAR).any():
                cut[x.id] = _square(frames)
        stray = np.argwhere((cells != CLEAR).any((2, 3)) & ~seen)
        if len(stray):
            row, column = stray[0].tolist()
            raise _Bad(
                "wrong size",
                f"is {columns} x {rows} frames of {width}x{height}, and in row {row}, column {column} (from 0) is art that no "
                f"animation takes: {', '.join(f'{x.id} {x.frames} x {len(x.rows)}' for x in self.rules.strips)}",
            )
        if not cut:
            raise _Bad("empty", "nothing is drawn in the frames of any animation")
        return cut

    def _without_duplicates(self, arts: list[Art]) -> list[Art]:
        seen: dict[tuple[str, bytes], Art] = {}
        kept = []
        for art in arts:
            key = art.body, fingerprint(art.sheets)
            if key in seen:
                other = seen[key]
                self._skip(self.folder / art.folder, "duplicate", f"has the same pixels as {other.folder}")
                continue
            seen[key] = art
            kept.append(art)
        return kept

    # what goes wrong

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _skip(self, path: Path, kind: str, why: str) -> None:
        if self.strict:
            raise PackError(f"{path}: {kind}: {why}", hint="without --strict it is left out and listed")
        self.skipped.append(Skipped(self._name(path), kind, why))

    def _nothing_left(self, of: str = "") -> None:
        said = "; ".join(f"{x.file}: {x.why}" for x in self.skipped[:3])
        more = f" and {len(self.skipped) - 3} more" if len(self.skipped) > 3 else ""
        if not self.skipped:
            raise PackError(
                f"no pictures{f' for {of}' if of else ''} in {self.folder}: looked for {', '.join(PICTURES[:3])} ...",
                hint="see docs/train-your-own.md for the folders that are understood",
            )
        raise PackError(
            f"nothing can be read{f' for {of}' if of else ''} in {self.folder}: {said}{more}",
            hint=f"is the frame size right? {YAML_FILE} says it"
            if (self.folder / YAML_FILE).is_file()
            else f"art in layers, and sheets, need a {YAML_FILE}: docs/train-your-own.md",
        )


def _square(frames: Codes) -> Codes:
    """[..., height, width] -> [..., size, size]: centred, and standing on the lower edge."""
    height, width = frames.shape[-2:]
    size = max(height, width)
    left = (size - width) // 2
    pad = [(0, 0)] * (frames.ndim - 2) + [(size - height, 0), (left, size - width - left)]
    return np.ascontiguousarray(np.pad(frames, pad, constant_values=CLEAR))
