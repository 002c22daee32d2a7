"""From colours to slots: which ramps an item is drawn with, which colours are fixed, which pixels are faults.

An item's materials are found, not told: the ramp its colour folder names comes first, then any further ramp of an
allowed kind that explains two or more of the remaining colours. What is left and occurs often is a fixed colour of the
item (eye white, sole). What is left and rare is a fault: the art has stray pixels of other layers in some frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.packs.neutral import Colour
from training.packs.rules import Cleaning, LayerRule
from training.packs.sheets import CLEAR, Art, Codes
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import Material, Ramp

Planes = NDArray[np.uint8]


@dataclass(frozen=True)
class ItemColours:
    """The colours of one item: a ramp per colour group, and colours outside of ramps."""

    ramps: Mapping[str, Ramp]  # colour group -> ramp
    fixed: Mapping[int, int]  # colour code -> pixels
    used: frozenset[int]  # all colours that belong to the item and occur in it


@dataclass(frozen=True)
class LayerSlots:
    """Classes of a layer: materials in order, then fixed colours."""

    materials: tuple[Material, ...]
    fixed: tuple[int, ...]  # colour codes, most used first


@dataclass(frozen=True)
class Cleaned:
    """What cleaning changed in one frame."""

    item: str
    part: str
    animation: str
    direction: int
    frame: int
    removed: int  # pixels made transparent
    snapped: int  # pixels given the nearest colour of the item


@dataclass(frozen=True, eq=False)
class Drawn:
    """An item with its frames as classes."""

    art: Art
    colours: ItemColours
    classes: Mapping[int, int]  # class -> colour code
    planes: Mapping[str, Mapping[str, Planes]]  # part -> animation -> uint8 [directions, frames, size, size]
    cleaned: tuple[Cleaned, ...]


def code(colour: Colour) -> int:
    """RGB as 0xRRGGBB."""
    return (colour[0] << 16) | (colour[1] << 8) | colour[2]


def rgb(value: int) -> Colour:
    """0xRRGGBB as RGB."""
    return (value >> 16) & 255, (value >> 8) & 255, value & 255


def item_colours(art: Art, ramps: tuple[Ramp, ...], cleaning: Cleaning) -> ItemColours:
    """The materials and fixed colours of an item. Raises PackError when no ramp of the layer's kind has its colours."""
    pixels, share = _count(art)
    group = art.layer.colour_group
    found = {group: _first_ramp(art, ramps, pixels)}
    regular = {c for c in pixels if share[c] >= cleaning.rare_share or c in art.layer.keep}
    left = regular - _codes(found[group])
    for kind in art.layer.also:
        best = max((r for r in ramps if r.kind == kind), key=lambda r: _explains(r, left, pixels), default=None)
        if best is not None and len(_codes(best) & left) >= 2:
            found[kind if kind == "eyes" else f"{art.layer.id}-{kind}"] = best
            left -= _codes(best)
    return ItemColours(found, {c: pixels[c] for c in left}, frozenset(regular))


def layer_slots(layer: LayerRule, colours: list[ItemColours]) -> LayerSlots:
    """The classes that hold every item of a layer."""
    groups: dict[str, Material] = {}
    for c in colours:
        for group, ramp in c.ramps.items():
            shades = max(len(ramp.colours), groups[group].shades if group in groups else 0)
            groups[group] = Material(group, ramp.kind, shades)
    first = layer.colour_group
    ordered = sorted(groups.values(), key=lambda m: (m.group != first, m.group))
    total: Counter[int] = Counter()
    for c in colours:
        total.update(c.fixed)
    fixed = sorted(total, key=lambda x: (-total[x], x))
    return LayerSlots(tuple(ordered), tuple(fixed))


def class_colours(slots: LayerSlots, colours: ItemColours) -> dict[int, int]:
    """Class -> colour code for one item: its ramps' shades and its fixed colours."""
    table: dict[int, int] = {}
    base = 1
    for m in slots.materials:
        ramp = colours.ramps.get(m.group)
        if ramp is not None:
            table.update({base + i: code(c) for i, c in enumerate(ramp.colours)})
        base += m.shades
    table.update({base + i: c for i, c in enumerate(slots.fixed) if c in colours.fixed})
    return table


def classify(
    art: Art, slots: LayerSlots, colours: ItemColours, cleaning: Cleaning
) -> tuple[dict[str, dict[str, Planes]], list[Cleaned]]:
    """All frames as classes (part -> animation -> uint8 [directions, frames, size, size]), and what had to be cleaned."""
    classes = class_colours(slots, colours)
    lookup: dict[int, int] = {}
    for c in sorted(classes):
        lookup.setdefault(classes[c], c)  # a colour that two materials share belongs to the first
    aliases = {off: shade for off, shade in art.layer.aliases.items() if off not in lookup}
    # only colours the item really uses are near candidates: a ramp may have shades that the artist left out
    near = {c: index for c, index in lookup.items() if c in colours.used}
    planes: dict[str, dict[str, Planes]] = {}
    log: list[Cleaned] = []
    for part, sheets in art.sheets.items():
        planes[part] = {}
        for animation, codes in sheets.items():
            out = np.zeros(codes.shape, np.uint8)
            for d, f in np.ndindex(codes.shape[:2]):
                out[d, f], removed, snapped = classify_frame(codes[d, f], lookup, near, aliases, cleaning)
                if removed or snapped:
                    log.append(Cleaned(art.id, part, animation, d, f, removed, snapped))
            planes[part][animation] = out
    return planes, log


def classify_frame(
    codes: Codes, lookup: Mapping[int, int], near: Mapping[int, int], aliases: Mapping[int, int], cleaning: Cleaning
) -> tuple[Planes, int, int]:
    """(classes [h, w], pixels removed, pixels snapped) of one frame of colour codes [h, w].

    lookup: colour -> class. near: those of them that stray pixels may become. aliases: off-ramp colour -> class.
    """
    out = np.zeros(codes.shape, np.uint8)
    for c, index in lookup.items():
        out[codes == c] = index
    snapped = 0
    for c, index in aliases.items():
        snapped += int((codes == c).sum())
        out[codes == c] = index
    stray = (codes != CLEAR) & (out == 0)
    if not stray.any():
        return out, 0, snapped
    art = out > 0
    around = cv2.filter2D(art.astype(np.float32), -1, np.ones((3, 3), np.float32), borderType=cv2.BORDER_CONSTANT)
    _, islands = cv2.connectedComponents((codes != CLEAR).astype(np.uint8), connectivity=8)
    count, blobs = cv2.connectedComponents(stray.astype(np.uint8), connectivity=8)
    known = np.array([rgb(c) for c in near])
    index_of = np.array(list(near.values()), np.uint8)
    removed = 0
    for n in range(1, count):
        blob = blobs == n
        island = islands == islands[blob][0]
        if int((island & art).sum()) < cleaning.island_pixels:  # a scrap of another layer, and what hangs on to it
            removed += int((island & (codes != CLEAR)).sum())
            out[island] = 0
        elif around[blob].mean() < cleaning.snap_neighbours:
            removed += int(blob.sum())
        else:
            snapped += int(blob.sum())
            away = ((np.stack(rgb_planes(codes[blob]), 1)[:, None] - known[None]) ** 2).sum(2)
            out[blob] = index_of[away.argmin(1)]
    return out, removed, snapped


def rgb_planes(codes: Codes) -> tuple[Codes, Codes, Codes]:
    """Colour codes as red, green and blue arrays."""
    return codes >> 16 & 255, codes >> 8 & 255, codes & 255


def _count(art: Art) -> tuple[Counter[int], dict[int, float]]:
    """(pixels per colour, share of non-empty frames that have the colour)."""
    pixels: Counter[int] = Counter()
    frames: Counter[int] = Counter()
    drawn = 0
    for sheets in art.sheets.values():
        for codes in sheets.values():
            for frame in codes.reshape(-1, codes.shape[2] * codes.shape[3]):
                values, counts = np.unique(frame[frame != CLEAR], return_counts=True)
                drawn += len(values) > 0
                for v, n in zip(values.tolist(), counts.tolist(), strict=True):
                    pixels[v] += n
                    frames[v] += 1
    return pixels, {c: frames[c] / drawn for c in frames}


def _first_ramp(art: Art, ramps: tuple[Ramp, ...], pixels: Counter[int]) -> Ramp:
    kind = art.layer.kind
    candidates = [r for r in ramps if r.kind == kind]
    named = [r for r in candidates if r.title == art.colour]
    best = max(named or candidates, key=lambda r: _explains(r, set(pixels), pixels), default=None)
    if best is None or not (_codes(best) & set(pixels)):
        raise PackError(
            f"{art.folder}: no {kind} ramp has the colours of {art.colour!r}",
            hint="is the item in the right layer of the rules, and the ramp in the ramp file?",
        )
    return best


def _explains(ramp: Ramp, colours: set[int], pixels: Counter[int]) -> tuple[int, int]:
    hit = _codes(ramp) & colours
    return len(hit), sum(pixels[c] for c in hit)


def _codes(ramp: Ramp) -> set[int]:
    return {code(c) for c in ramp.colours}
