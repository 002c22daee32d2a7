"""A pack whose drawings are a formula: hats with a brim, a band and a feather. So there is a perfect generator of new hats, and worse ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.evaluation.subject import Subject, SubjectGroup
from training.layers.data import group_data
from training.layers.exactness import Draw
from training.packs.neutral import Group, Pack, PackItem, PackLayer, PackPart, load_pack, save_pack
from vcg_bridge.contract.manifest import Animation, Archetype, LayerOdds, Material, Ramp

ITEMS, VIEWS, SIZE = 12, 16, 24
SHADES = ((240, 220, 200), (180, 120, 80), (60, 30, 20))


def hat(code: NDArray[np.float64], view: int) -> NDArray[np.uint8]:
    """uint8 [SIZE, SIZE]. code: brim, height, band, feather, each -0.5..0.5. Views lean and squeeze the hat."""
    brim, height, band, feather = np.clip(code[:4] + 0.5, 0, 1)
    plane = np.zeros((SIZE, SIZE), np.uint8)
    lean, squeeze = view % 4 - 1, view // 4
    middle, base = 12 + lean, 19
    wide, tall = 4 + round(5 * brim) - squeeze // 2, 4 + round(9 * height)
    plane[base - tall : base, middle - 4 : middle + 4] = 1
    plane[base - tall, middle - 4 : middle + 4] = 3
    plane[base - 1 - round(3 * band) : base, middle - 4 : middle + 4] = 2
    plane[base : base + 2, middle - wide : middle + wide] = 3
    for k in range(round(6 * feather)):
        plane[base - 2 - k, middle + 4 + k // 2] = 2
    return plane


def codes(items: int = ITEMS) -> Tensor:
    """float32 [items, 4]: hats that lie close enough for what is between them to be a hat of the same kind."""
    steps = np.stack([(np.arange(items) * k % items) / (items - 1) for k in (1, 5, 7, 11)], 1)
    return torch.from_numpy(0.5 * (steps - 0.5)).float()


def perfect(code: Tensor, views: Tensor) -> NDArray[np.uint8]:
    """The formula as a generator."""
    pairs = zip(code.double().numpy(), views.tolist(), strict=True)
    return np.stack([hat(c, v) for c, v in pairs])


def make_pack(folder: Path) -> Path:
    """Write the pack and return its folder."""
    art = np.stack([[hat(c, v) for v in range(VIEWS)] for c in codes().double().numpy()])
    names = [f"hat-{k}" for k in range(ITEMS)]
    colours = {"hat": "brown"}
    group = Group(
        id="hat", members=(("hat", "front"),), items=tuple(("hat", x) for x in names), planes=art,
        known=np.ones((ITEMS, VIEWS), bool), poses_per_view=np.ones(VIEWS, np.int32), classes=4,
    )  # fmt: skip
    pack = Pack(
        name="hats", title="Hats", licence="CC0", attribution="Hats", source="", frame_size=32,
        animations=(Animation("walk", "Walk", 4, 8.0, True, ("down",)),),
        layers=(PackLayer("hat", "Hat", True, 32, (Material("hat", "cloth", 3),), 0, (PackPart("front", 1, "hat"),)),),
        items=tuple(PackItem(x, "hat", x, "hat", "", colours, (), ("front",), ("walk",), ()) for x in names),
        ramps=(Ramp("brown", "cloth", "Brown", SHADES),), archetypes=(Archetype("any", "Any", "", {"hat": LayerOdds(1.0, dict.fromkeys(names, 1.0))}, {}),), credits=(), groups=(group,),
        poses={"hat/front": {"walk": np.zeros((1, 4, 4), np.int16)}}, report={},
    )  # fmt: skip
    save_pack(pack, folder)
    return folder


def subject_of(folder: Path, draw: Draw = perfect) -> Subject:
    """A subject that draws with `draw`."""
    data = group_data(load_pack(folder), "hat", 0)
    return Subject("bundle", "hats", "0" * 64, {"hat": SubjectGroup(data, codes(), draw)}, ())
