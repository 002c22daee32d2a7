"""Checks that a neutral pack says exactly what the art says. They run on every `prepare`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.packs.neutral import Group, Pack
from training.packs.sheets import CLEAR, Codes, fingerprint
from training.packs.slots import Drawn, code, rgb_planes
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import Ramp


@dataclass(frozen=True)
class Checked:
    """How much was compared. Every comparison was exact, or `check_pack` had raised."""

    frames: int  # frames rebuilt from views and compared with the art
    pixels: int  # opaque pixels in them
    cleaned_pixels: int  # of the art's pixels, those that differ, each of them listed as cleaned
    recolourings: int  # (item, material, ramp) compared
    shared_colours: tuple[
        str, ...
    ]  # colours that two materials of an item share: a recolouring by colour could not tell them apart


def check_pack(pack: Pack, drawn: tuple[Drawn, ...]) -> Checked:
    """Rebuild every frame and try every recolouring. Raises PackError naming the first frame or item that is not exact."""
    groups = {(layer, part): g for g in pack.groups for layer, part in g.members}
    rows = {g.id: {key: i for i, key in enumerate(g.items)} for g in pack.groups}
    frames = pixels = cleaned_pixels = recolourings = 0
    shared: list[str] = []
    for d in drawn:
        key = (d.art.layer.id, d.art.id)
        listed = {(c.part, c.animation, c.direction, c.frame): c.removed + c.snapped for c in d.cleaned}
        paint = _paint_table(d.classes)
        for part, animations in d.planes.items():
            group = groups[key[0], part]
            table = pack.poses[f"{key[0]}/{part}"]
            for animation, planes in animations.items():
                for r, f in np.ndindex(planes.shape[:2]):
                    where = f"{key[0]}/{key[1]}, {part}, {animation}, row {r}, frame {f}"
                    rebuilt = place(group, rows[group.id][key], table[animation][r, f], planes.shape[2])
                    if not np.array_equal(rebuilt, planes[r, f]):
                        raise PackError(f"views do not rebuild the art: {where}", hint=_OUR_FAULT)
                    wrong = int((paint[rebuilt] != d.art.sheets[part][animation][r, f]).sum())
                    if wrong != listed.get((part, animation, r, f), 0):
                        raise PackError(
                            f"{wrong} pixels of {where} changed, and cleaning does not say so", hint=_OUR_FAULT
                        )
                    frames += 1
                    pixels += int((rebuilt > 0).sum())
                    cleaned_pixels += wrong
        done, common = _check_recolouring(pack, d)
        recolourings += done
        shared += common
    return Checked(frames, pixels, cleaned_pixels, recolourings, tuple(dict.fromkeys(shared)))


def duplicates(drawn: tuple[Drawn, ...]) -> list[str]:
    """Items of a layer and body that are drawn exactly alike: "hair/b is hair/a". They are kept."""
    seen: dict[tuple[str, str, bytes], str] = {}
    found = []
    for d in drawn:
        key = d.art.layer.id, d.art.body, fingerprint(d.art.sheets)
        name = f"{d.art.layer.id}/{d.art.id}"
        if seen.setdefault(key, name) != name:
            found.append(f"{name} is {seen[key]}")
    return found


_OUR_FAULT = "this is a fault of the pack reader, not of the art: please report it with the name of the pack"


def place(group: Group, row: int, entry: NDArray[np.int16], size: int) -> NDArray[np.uint8]:
    """uint8 [size, size]: a view of the item in `row` of its group, placed as a pose table entry says."""
    out = np.zeros((size, size), np.uint8)
    view, x, y, flip = (int(v) for v in entry)
    if view < 0:
        return out
    window = group.planes[row, view]
    window = window[:, ::-1] if flip else window
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + group.width, size), min(y + group.height, size)
    out[y0:y1, x0:x1] = window[y0 - y : y1 - y, x0 - x : x1 - x]
    return out


def _paint_table(classes: Mapping[int, int]) -> Codes:
    """[256]: class -> colour code."""
    table = np.full(256, CLEAR, np.int32)
    for c, value in classes.items():
        table[c] = value
    return table


def _check_recolouring(pack: Pack, d: Drawn) -> tuple[int, list[str]]:
    """(recolourings compared, colours shared by two materials). By slot and, as artists do it, by colour: both must agree."""
    layer = pack.layer(d.art.layer.id)
    # a recolouring treats all pixels of a class alike: one of each is enough
    planes = np.unique(np.concatenate([np.unique(p) for part in d.planes.values() for p in part.values()]))
    planes = planes[planes > 0]
    paint = _paint_table(d.classes)
    first_of = {v: c for c, v in sorted(d.classes.items(), reverse=True)}
    shared = [
        f"{layer.id}/{d.art.id}: {v:06x}" for c, v in d.classes.items() if first_of[v] != c and v in d.colours.used
    ]
    done, base = 0, 1
    for m in layer.materials:
        ramp = d.colours.ramps.get(m.group)
        slots = range(base, base + m.shades)
        base += m.shades
        if ramp is None:
            continue
        mine = (planes >= slots.start) & (planes < slots.stop)
        original = paint[planes]
        for other in pack.ramps:
            if other.kind != m.kind:
                continue
            _check_ramp(other, m.shades)
            recoloured = paint.copy()
            recoloured[slots.start : slots.start + len(other.colours)] = [code(c) for c in other.colours]
            by_slot = recoloured[planes]
            swap = {code(a): code(b) for a, b in zip(ramp.colours, other.colours, strict=True)}
            by_colour = original.copy()
            for a, b in swap.items():
                if first_of[a] in slots:
                    by_colour[original == a] = b
            back = {b: a for a, b in swap.items()}
            undone = np.array([back.get(int(v), CLEAR) for v in by_slot[mine]]) if mine.any() else original[mine]
            if not np.array_equal(by_slot, by_colour) or not np.array_equal(undone, original[mine]):
                raise PackError(
                    f"recolouring {layer.id}/{d.art.id} from {ramp.title!r} to {other.title!r} ({m.kind}) is not exact",
                    hint="do two shades of the ramp have one colour?",
                )
            done += 1
    return done, shared


def _check_ramp(ramp: Ramp, shades: int) -> None:
    if len(ramp.colours) != shades or len(set(ramp.colours)) != shades:
        raise PackError(
            f"{ramp.kind} ramp {ramp.title!r} has {len(set(ramp.colours))} different colours, the items of its kind have {shades}",
            hint="all ramps of a kind must have as many shades, all different",
        )


def rgb_image(codes: Codes, background: tuple[int, int, int]) -> NDArray[np.uint8]:
    """uint8 [..., 3] RGB of colour codes."""
    image = np.stack(rgb_planes(codes), -1)
    image[codes == CLEAR] = background
    return image.astype(np.uint8)
