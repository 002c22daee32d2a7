"""Whole characters around one layer: what the adversary sees when it judges a drawing as it is worn.

A scene is everything of a random character that lies under and over the layer in one pose, cut to the layer's window. The art's drawing or
the generator's goes between; so only what the network draws tells a real character from a made one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.layers.data import GroupData
from training.packs.check import place
from training.packs.neutral import Group, Pack, PackItem
from training.packs.overview import choose_look, paint_table

VARIANTS = 4
"""Scenes made for each item in each view."""

Canvas = NDArray[np.float32]  # [4, h, w]: RGB 0..1 premultiplied by alpha, alpha 0 or 1


@dataclass(frozen=True, eq=False)
class Scene:
    """What is around the layer, in the layer's window, unmirrored."""

    below: Canvas
    above: Canvas
    palette: NDArray[np.float32]  # [classes, 3], RGB 0..1


class Scenes:
    """Scenes of one view group, made when first asked for. The same scene for the same (seed, item, view, variant)."""

    def __init__(self, pack: Pack, group_id: str, seed: int) -> None:
        self.pack, self.group, self.seed = pack, pack.group(group_id), seed
        self.groups = {(layer, part): g for g in pack.groups for layer, part in g.members}
        self.rows = {g.id: {key: i for i, key in enumerate(g.items)} for g in pack.groups}
        self.by_key = {(i.layer, i.id): i for i in pack.items}
        self.poses = [self._poses(layer) for layer, _ in self.group.items]
        self.made: dict[tuple[int, int, int], Scene] = {}

    def choose(
        self, data: GroupData, pairs: NDArray[np.int64], drawn: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[list[Scene], list[Scene]]:
        """Scenes for real drawings `pairs` [N, 2] (item, view), and for drawings in the same views by the rules of the items `drawn` [N]."""
        variant = rng.integers(0, VARIANTS, len(pairs)).tolist()
        views = pairs[:, 1].tolist()
        real = [self.scene(i, v, n) for i, v, n in zip(pairs[:, 0].tolist(), views, variant, strict=True)]
        fake = [self.scene(i, v, n) for i, v, n in zip(drawn.tolist(), views, variant, strict=True)]
        return real, fake

    def dress(self, picture: Tensor, scenes: list[Scene]) -> Tensor:
        """Class maps float32 [N, classes, h, w] (one-hot or straight-through) as worn: RGBA -1..1 [N, 4, h, w]."""

        def stack(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(s, name) for s in scenes])).to(picture.device)

        below, above, palette = stack("below"), stack("above"), stack("palette")
        alpha = 1 - picture[:, :1]
        layer = torch.cat([torch.bmm(palette[:, 1:].transpose(1, 2), picture[:, 1:].flatten(2)), alpha.flatten(2)], 1)
        whole = layer.reshape(below.shape) + below * (1 - alpha)
        whole = above + whole * (1 - above[:, 3:])
        return whole * 2 - 1

    def scene(self, row: int, view: int, variant: int) -> Scene:
        """The scene of that number."""
        key = (row, view, variant)
        if key not in self.made:
            self.made[key] = self._make(*key)
        return self.made[key]

    def _make(self, row: int, view: int, variant: int) -> Scene:
        rng = np.random.default_rng([self.seed, row, view, variant])
        pack, (layer_id, item_id) = self.pack, self.group.items[row]
        item = self.by_key[layer_id, item_id]
        part = next(p for layer, p in self.group.members if layer == layer_id)
        items, ramps = self._company(item, rng)
        places = self.poses[row].get(view, [])
        blank = np.zeros((4, self.group.height, self.group.width), np.float32)
        palette = paint_table(pack, item, ramps)[: self.group.classes].astype(np.float32) / 255
        if not places:  # no pose of this layer shows the view: it stands alone
            return Scene(blank, blank, palette)
        animation, direction, frame, x, y, flip = places[int(rng.integers(len(places)))]
        steps = []
        for other in items.values():
            layer = pack.layer(other.layer)
            for p in layer.parts:
                if p.part in other.parts:
                    z = other.z if other.z is not None and p.part == "front" else p.z
                    steps.append((z, layer.id, p.part, other))
        steps.sort(key=lambda s: s[0])
        mine = next(i for i, s in enumerate(steps) if s[1:3] == (layer_id, part))
        size = pack.layer(layer_id).frame_size
        crops = []
        for chosen in (steps[:mine], steps[mine + 1 :]):
            canvas = np.zeros((size, size, 4), np.float32)
            for _, other_layer, other_part, other in chosen:
                self._draw(canvas, other, other_layer, other_part, animation, direction, frame, ramps)
            crops.append(_cut(canvas, x, y, self.group, flip))
        return Scene(crops[0], crops[1], palette)

    def _company(self, item: PackItem, rng: np.random.Generator) -> tuple[dict[str, PackItem], dict[str, str]]:
        """(a random character that wears `item` where it can be seen, its ramps by colour group)."""
        pack = self.pack
        archetype = pack.archetypes[int(rng.integers(len(pack.archetypes)))]
        items: dict[str, PackItem] = {}
        ramps: dict[str, str] = {}
        for _ in range(4):  # until the body fits; bodies take turns
            items, ramps = choose_look(pack, archetype, int(rng.integers(1 << 30)))
            if not item.body or items.get("body", item).body == item.body:
                break
        items = {k: i for k, i in items.items() if item.layer not in i.hides and i.body in ("", item.body or i.body)}
        items = {k: i for k, i in items.items() if k not in item.hides} | {item.layer: item}
        for m in pack.layer(item.layer).materials:
            kinds = [r.id for r in pack.ramps if r.kind == m.kind]
            ramps.setdefault(m.group, kinds[int(rng.integers(len(kinds)))])
        # a layer that hides or lacks something is drawn as the rest of the character allows
        return {k: replace(i, needs=()) for k, i in items.items() if set(i.needs) <= items.keys()}, ramps

    def _draw(
        self,
        canvas: NDArray[np.float32],
        item: PackItem,
        layer_id: str,
        part: str,
        animation: str,
        direction: int,
        frame: int,
        ramps: dict[str, str],
    ) -> None:
        group = self.groups[layer_id, part]
        table = self.pack.poses[f"{layer_id}/{part}"]
        entry = table[animation][direction, frame] if animation in table else None
        row = self.rows[group.id].get((layer_id, item.id))
        if entry is None or row is None:
            return
        size = self.pack.layer(layer_id).frame_size
        plane = place(group, row, entry, size)
        at = (canvas.shape[0] - size) // 2  # negative for a layer larger than this one: its middle is seen
        if at < 0:
            plane, at = plane[-at : -at + canvas.shape[0], -at : -at + canvas.shape[0]], 0
        window = canvas[at : at + plane.shape[0], at : at + plane.shape[1]]
        colours = paint_table(self.pack, item, ramps).astype(np.float32) / 255
        window[plane > 0, :3] = colours[plane[plane > 0]]
        window[plane > 0, 3] = 1.0

    def _poses(self, layer_id: str) -> dict[int, list[tuple[str, int, int, int, int, bool]]]:
        """View -> (animation, direction, frame, x, y, mirrored) of the poses that show it."""
        part = next(p for layer, p in self.group.members if layer == layer_id)
        found: dict[int, list[tuple[str, int, int, int, int, bool]]] = {}
        for animation, rows in self.pack.poses[f"{layer_id}/{part}"].items():
            for d, f in np.ndindex(rows.shape[:2]):
                view, x, y, flip = (int(n) for n in rows[d, f])
                if view >= 0:
                    found.setdefault(view, []).append((animation, d, f, x, y, bool(flip)))
        return found


def _cut(canvas: NDArray[np.float32], x: int, y: int, group: Group, flip: bool) -> Canvas:
    """The window [4, h, w] at (x, y) of a canvas [size, size, 4]; empty beyond its edges."""
    reach = max(group.height, group.width)
    padded = np.pad(canvas, ((reach, reach), (reach, reach), (0, 0)))
    window = padded[y + reach : y + reach + group.height, x + reach : x + reach + group.width]
    window = window[:, ::-1] if flip else window
    return np.ascontiguousarray(window.transpose(2, 0, 1))
