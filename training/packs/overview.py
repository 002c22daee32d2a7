"""One picture of a whole pack: every item, and characters of every archetype."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from training.packs.check import place
from training.packs.neutral import Pack, PackItem
from vcg_bridge.contract.manifest import Archetype

Image = NDArray[np.uint8]

BACKGROUND = (200, 200, 204)
_COLUMNS = 14
_CELL = 96  # pixels, at least: room for a title
_LOOKS = 8  # characters per archetype


def overview(pack: Pack) -> bytes:
    """PNG: the items one by one, then a line of characters per archetype, all standing in the first animation."""
    animation = pack.animations[0]
    front = animation.directions.index("down") if "down" in animation.directions else 0
    size = max(layer.frame_size for layer in pack.layers)
    cells = []
    for item in pack.items:
        cell = _blank(size)
        draw_items(pack, cell, {item.layer: item}, {}, animation.id, front)
        if not (cell != BACKGROUND).any():  # drawn in other poses only: the first of them
            table = pack.poses[f"{item.layer}/front"]
            name = next(a for a in item.drawn if (table[a][..., 0] >= 0).any())
            d, f = np.argwhere(table[name][..., 0] >= 0)[0]
            draw_items(pack, cell, {item.layer: item}, {}, name, int(d), int(f))
        cells.append(_middle(cell, pack.frame_size, item.title))
    lines = [cells[i : i + _COLUMNS] for i in range(0, len(cells), _COLUMNS)]
    for archetype in pack.archetypes:
        line = []
        for n in range(_LOOKS):
            cell = _blank(size)
            items, ramps = choose_look(pack, archetype, n)
            draw_items(pack, cell, items, ramps, animation.id, front)
            line.append(_middle(cell, pack.frame_size, archetype.title if n == 0 else ""))
        if all((look == line[1]).all() for look in line[2:]):  # one character as it is drawn: shown above
            continue
        lines.append(line)
    width = max(len(line) for line in lines)
    blank = np.full_like(lines[0][0], 255)
    rows = [np.concatenate([*line, *[blank] * (width - len(line))], 1) for line in lines]
    done, png = cv2.imencode(".png", np.concatenate(rows, 0)[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    return png.tobytes()


def draw_items(
    pack: Pack,
    canvas: Image,
    items: Mapping[str, PackItem],
    ramps: Mapping[str, str],
    animation: str,
    direction: int,
    frame: int = 0,
) -> None:
    """Draw items (layer -> item) into uint8 [size, size, 3] RGB, in z-order, centred. ramps: colour group -> ramp id."""
    groups = {(layer, part): g for g in pack.groups for layer, part in g.members}
    steps = []
    for layer in pack.layers:
        item = items.get(layer.id)
        for part in layer.parts if item is not None else ():
            if item is not None and part.part in item.parts:
                steps.append(
                    (item.z if item.z is not None and part.part == "front" else part.z, layer, item, part.part)
                )
    for _, layer, item, part_name in sorted(steps, key=lambda s: s[0]):
        group = groups[layer.id, part_name]
        entry = pack.poses[f"{layer.id}/{part_name}"][animation][direction, frame]
        plane = place(group, group.items.index((layer.id, item.id)), entry, layer.frame_size)
        at = (canvas.shape[0] - layer.frame_size) // 2
        window = canvas[at : at + layer.frame_size, at : at + layer.frame_size]
        window[plane > 0] = paint_table(pack, item, ramps)[plane[plane > 0]]


def paint_table(pack: Pack, item: PackItem, ramps: Mapping[str, str]) -> NDArray[np.uint8]:
    """[256, 3] RGB per class."""
    table = np.zeros((256, 3), np.uint8)
    layer = pack.layer(item.layer)
    base = 1
    for m in layer.materials:
        if m.group in item.ramps:
            table[base : base + m.shades] = pack.ramp(m.kind, ramps.get(m.group, item.ramps[m.group])).colours
        base += m.shades
    if item.fixed:
        table[base : base + len(item.fixed)] = item.fixed
    return table


def choose_look(pack: Pack, archetype: Archetype, n: int) -> tuple[dict[str, PackItem], dict[str, str]]:
    """The n-th look of an archetype: (layer -> item, colour group -> ramp). Bodies take turns."""
    rng = np.random.default_rng([zlib.crc32(archetype.id.encode()), n])
    by_id = {(i.layer, i.id): i for i in pack.items}
    bodies = [by_id["body", i] for i in archetype.layers["body"].items] if "body" in archetype.layers else []
    body = bodies[n % len(bodies)].body if bodies else ""
    items: dict[str, PackItem] = {}
    rulers = {i.layer for i in pack.items if i.allows}
    for layer, odds in sorted(archetype.layers.items(), key=lambda x: x[0] not in rulers):
        allowed = [i.allows[layer] for i in items.values() if layer in i.allows]
        fits = [
            (by_id[layer, i], w)
            for i, w in odds.items.items()
            if by_id[layer, i].body in ("", body) and all(i in a for a in allowed)
        ]
        if fits and rng.random() < odds.chance:
            weight = np.array([w for _, w in fits])
            items[layer] = fits[int(rng.choice(len(fits), p=weight / weight.sum()))][0]
    lacking = {item.layer for item in items.values() if not set(item.needs) <= items.keys()}
    for layer in {hidden for item in items.values() for hidden in item.hides} | lacking:
        items.pop(layer, None)
    ramps: dict[str, str] = {}
    for layer_id in items:
        for m in pack.layer(layer_id).materials:
            table = archetype.ramps.get(m.group) or {r.id: 1.0 for r in pack.ramps if r.kind == m.kind}
            weight = np.array(list(table.values()))
            ramps.setdefault(m.group, str(rng.choice(list(table), p=weight / weight.sum())))
    return items, ramps


def _blank(size: int) -> Image:
    return np.full((size, size, 3), BACKGROUND, np.uint8)


def _middle(cell: Image, size: int, title: str) -> Image:
    """The middle of a cell, enlarged a whole number of times, with its title."""
    at = (cell.shape[0] - size) // 2
    x0 = max(0, at - 8)
    picture = cell[at : at + size, x0 : x0 + size + 16] if cell.shape[0] > size else cell
    times = max(2, -(-_CELL // picture.shape[1]))
    picture = np.ascontiguousarray(picture.repeat(times, 0).repeat(times, 1))
    words = title.encode("ascii", "replace").decode()[:28]
    cv2.putText(picture, words, (2, 9), cv2.FONT_HERSHEY_PLAIN, 0.62, (60, 60, 60), 1, cv2.LINE_AA)
    return picture
