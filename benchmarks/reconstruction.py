#!/usr/bin/env python3
"""How exactly a bundle redraws the art it was trained on: every item, every pose that the artists drew.

    python benchmarks/reconstruction.py PACK_FOLDER [--bundle NAME_OR_FOLDER] [--json FILE]

PACK_FOLDER is what `python -m training prepare` wrote. Drawn through the installed generator, as a user's character is
(ONNX Runtime, ties redrawn), so this also catches what export or placement would break.

Figures: `slot` is the share of the art's opaque pixels that are drawn in exactly the right palette slot, `alpha` the
share of all pixels of the layer's frame that are rightly opaque or transparent.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from training.packs.neutral import Pack, PackItem, load_pack
from vcg_bridge.contract.character import Pose
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe import Recipe
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator

GOAL_SLOT, GOAL_ALPHA = 0.97, 0.999


@dataclass(frozen=True)
class Count:
    """Pixels of some frames."""

    foreground: int = 0  # opaque in the art
    exact: int = 0  # of those, drawn in the right slot
    pixels: int = 0
    alpha: int = 0  # of those, rightly opaque or transparent

    def __add__(self, other: Count) -> Count:
        return Count(
            self.foreground + other.foreground,
            self.exact + other.exact,
            self.pixels + other.pixels,
            self.alpha + other.alpha,
        )

    @property
    def slot_share(self) -> float:
        return self.exact / max(1, self.foreground)

    @property
    def alpha_share(self) -> float:
        return self.alpha / max(1, self.pixels)


def bare_recipe(manifest: Manifest, layer: str, item_id: str) -> Recipe:
    """A character that wears what it must, what the item needs, and this item."""
    bare: dict[str, str | None] = {x.id: None for x in manifest.layers if not x.required}
    item = manifest.item(layer, item_id)
    for need in item.needs:  # the first item under which it shows
        under = (
            x for x in manifest.items_of(need) if layer not in x.hides and item_id in x.allows.get(layer, (item_id,))
        )
        bare[need] = next(under).id
    return design(manifest, DesignSpec(items={**bare, layer: item_id}))


def art_of(pack: Pack, item: PackItem, part: str) -> dict[Pose, NDArray[np.uint8]]:
    """Pose -> uint8 [S, S] classes in the layer's own frame, for what the artists drew of this item."""
    layer = pack.layer(item.layer)
    group = pack.group(next(p.group for p in layer.parts if p.part == part))
    row = group.items.index((item.layer, item.id))
    frames = {}
    for animation, table in pack.poses[f"{item.layer}/{part}"].items():
        if animation not in item.drawn:
            continue
        directions = next(a.directions for a in pack.animations if a.id == animation)
        for d, direction in enumerate(directions):
            for f, (view, x, y, flip) in enumerate(table[d].tolist()):
                if view >= 0 and not group.known[row, view]:
                    continue
                frame = np.zeros((layer.frame_size, layer.frame_size), np.uint8)
                if view >= 0:
                    plane = group.planes[row, view]
                    paste(frame, plane[:, ::-1] if flip else plane, x, y)
                frames[Pose(animation, direction, f)] = frame
    return frames


def paste(frame: NDArray[np.uint8], plane: NDArray[np.uint8], x: int, y: int) -> None:
    """Write a window into the frame; what falls outside is cut off."""
    h, w = plane.shape
    top, left, bottom, right = max(y, 0), max(x, 0), min(y + h, frame.shape[0]), min(x + w, frame.shape[1])
    if top < bottom and left < right:
        frame[top:bottom, left:right] = plane[top - y : bottom - y, left - x : right - x]


def compare(generator: Generator, pack: Pack, item: PackItem) -> Count:
    """One item, all its parts and poses."""
    art = {part: art_of(pack, item, part) for part in item.parts}
    poses = list(dict.fromkeys(pose for frames in art.values() for pose in frames))
    if not poses:
        return Count()
    drawing = generator.draw(bare_recipe(generator.manifest, item.layer, item.id), poses)
    drawn = {p.part: p for p in drawing.parts if p.layer == item.layer}
    total = Count()
    for part, frames in art.items():
        placed = drawn[part].placed if part in drawn else {}
        for pose, expected in frames.items():
            got = np.zeros_like(expected)
            if pose in placed:
                paste(got, placed[pose].classes, placed[pose].x, placed[pose].y)
            opaque = expected > 0
            total += Count(
                int(opaque.sum()),
                int((opaque & (got == expected)).sum()),
                expected.size,
                int((opaque == (got > 0)).sum()),
            )
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--bundle", default="")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    pack = load_pack(options.pack)
    layers: dict[str, Count] = defaultdict(Count)
    items: dict[str, Count] = {}
    with Generator(open_bundle(options.bundle), device="cpu", threads=2) as generator:
        for item in pack.items:
            count = compare(generator, pack, item)
            items[f"{item.layer}/{item.id}"] = count
            layers[item.layer] += count
    total = sum(layers.values(), Count())
    for name, count in [*layers.items(), ("all", total)]:
        print(
            f"{name:10} slot {count.slot_share:7.2%}   alpha {count.alpha_share:7.3%}   {count.foreground:>10} pixels"
        )
    worst = sorted(items.items(), key=lambda x: x[1].slot_share)[:8]
    print("worst items: " + ", ".join(f"{name} {count.slot_share:.1%}" for name, count in worst))
    goal = total.slot_share >= GOAL_SLOT and total.alpha_share >= GOAL_ALPHA
    print(f"goal (slot {GOAL_SLOT:.0%}, alpha {GOAL_ALPHA:.1%}): {'reached' if goal else 'not reached'}")
    if options.json:
        rows = {
            name: [round(c.slot_share, 6), round(c.alpha_share, 6)]
            for name, c in [("all", total), *layers.items(), *items.items()]
        }
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
