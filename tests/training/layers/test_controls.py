"""Controls: directions that mean something are found and named; others are not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.training.layers.made import HEIGHTS, blocks
from training.layers.controls import find_controls, strip
from training.packs.neutral import Pack, PackItem, PackLayer
from vcg_bridge.contract.manifest import CODE_SCALE, Material

pytestmark = pytest.mark.training
Z = 6
LENGTH, NOTHING = 2, 4  # numbers of the code that the drawing depends on, and does not


def coats(pack: Pack) -> Pack:
    """The pack with a layer of coats, which `blocks` draws."""
    layer = PackLayer("coat", "Coat", False, 64, (Material("coat", "cloth", 2),), 0, ())
    cloth = next(r.id for r in pack.ramps if r.kind == "cloth")
    items = tuple(
        PackItem(f"coat-{h:02}", "coat", f"Coat {h}", "coat", "", {"coat": cloth}, (), ("front",), (), ())
        for h in HEIGHTS
    )
    return dataclasses.replace(pack, layers=(*pack.layers, layer), items=(*pack.items, *items))


def draw(codes: torch.Tensor, views: torch.Tensor) -> np.ndarray:
    """Blocks whose length is 8 rows and 2 more for each unit of one number of the code."""
    planes = np.zeros((len(codes), 16, 16), np.uint8)
    for n, (code, view) in enumerate(zip(codes.tolist(), views.tolist(), strict=True)):
        height = int(np.clip(round(8 + 2 * code[LENGTH]), 1, 14))
        planes[n, 1 : 1 + height, 2 : 6 + view] = 1
        planes[n, height, 2 : 6 + view] = 2
    return planes


def codes() -> torch.Tensor:
    table = torch.zeros(len(HEIGHTS), Z)
    table[:, LENGTH] = (torch.tensor(HEIGHTS) - 8) / 2
    return table


def weights(amplified: int) -> torch.Tensor:
    """A first layer [hidden, z + more] that reads one number of the code far louder than the others."""
    first = 0.01 * torch.randn(12, Z + 3, generator=torch.Generator().manual_seed(1))
    first[:, amplified] += torch.linspace(-1, 1, 12) * 5
    return first


def test_a_direction_that_lengthens_every_item_is_called_length_and_points_to_longer(layer_pack: Pack) -> None:
    pack, data = coats(layer_pack), blocks()
    found = {x.control.id: x for x in find_controls(pack, data, weights(LENGTH), codes(), draw)}
    assert set(found) <= {"length", "fullness"}
    assert found  # the block grows in length and size alike: one of the two names, not both
    control = next(iter(found.values())).control
    assert control.layer == "coat"
    names = [f"coat-{h:02}" for h in HEIGHTS]
    assert list(control.items) in (names, names[1:])  # the shortest cannot get much shorter without vanishing
    direction = np.array(control.direction)
    assert abs(direction[LENGTH]) == abs(direction).max()
    assert direction[LENGTH] > 0
    moved = codes() + torch.tensor(control.direction) / CODE_SCALE
    tall = (draw(moved, torch.zeros(len(HEIGHTS), dtype=torch.int64)) > 0).any(2).sum(1)
    assert (tall > np.array(HEIGHTS)).all()
    picture = strip(pack, data, next(iter(found.values())), codes(), draw)
    assert picture.shape[2] == 3
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 3


def test_a_loud_direction_that_changes_nothing_gets_no_name(layer_pack: Pack) -> None:
    assert not find_controls(
        coats(layer_pack), blocks(), weights(NOTHING)[:, [0, 1, 4, 3, 4, 5, 6, 7, 8]], codes(), still
    )


def still(codes: torch.Tensor, views: torch.Tensor) -> np.ndarray:
    """A draw that ignores the code."""
    return draw(torch.zeros_like(codes), views)
