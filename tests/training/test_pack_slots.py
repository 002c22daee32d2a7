"""Slots: which ramps an item is drawn with, and what becomes of pixels that are in none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.packs.rules import Cleaning, LayerRule
from training.packs.sheets import CLEAR, Art, Codes
from training.packs.slots import class_colours, classify, classify_frame, item_colours, layer_slots
from vcg_bridge.contract.errors import PackError
from vcg_bridge.contract.manifest import Material, Ramp

CLOTH = Ramp("brown", "cloth", "Brown", ((90, 60, 30), (60, 40, 20), (30, 20, 10)))
BLUE = Ramp("blue", "cloth", "Blue", ((90, 90, 200), (60, 60, 150), (30, 30, 100)))
STEEL = Ramp("steel", "metal", "Steel", ((220, 220, 220), (160, 160, 160), (100, 100, 100)))
BRASS = Ramp("brass", "metal", "Brass", ((250, 240, 200), (200, 150, 60), (100, 70, 40)))
RAMPS = (CLOTH, BLUE, STEEL, BRASS)
LAYER = LayerRule("coat", "Coat", ("*",), "cloth", 30, also=("metal",))
CLEANING = Cleaning()


def codes(*colours: tuple[int, int, int]) -> list[int]:
    return [r << 16 | g << 8 | b for r, g, b in colours]


def art(frames: list[Codes], layer: LayerRule = LAYER, colour: str = "Brown") -> Art:
    return Art("coat-01", layer, "Coat 01", "Clothing/Coat 01", "", colour, {"front": {"walk": np.stack(frames)[None]}})


def blank() -> Codes:
    return np.full((12, 12), CLEAR, np.int32)


def coat(*extra: tuple[int, int, int, int]) -> Codes:
    """A block of the first ramp; extra: (y, x, height, colour code) columns."""
    frame = blank()
    frame[2:8, 2:8] = np.resize(codes(*CLOTH.colours), (6, 6))
    for y, x, height, value in extra:
        frame[y : y + height, x] = value
    return frame


def test_the_colour_folder_names_the_first_ramp_and_a_second_one_is_found() -> None:
    light, middle = codes(*STEEL.colours[:2])
    found = item_colours(art([coat((3, 3, 2, light), (3, 4, 2, middle))] * 3), RAMPS, CLEANING)
    assert {g: r.id for g, r in found.ramps.items()} == {"coat": "brown", "coat-metal": "steel"}
    assert not found.fixed


def test_one_colour_of_another_ramp_is_a_fixed_colour() -> None:
    (light,) = codes(STEEL.colours[0])
    found = item_colours(art([coat((3, 3, 2, light))] * 3), RAMPS, CLEANING)
    assert list(found.ramps) == ["coat"]
    assert list(found.fixed) == [light]


def test_without_a_ramp_of_that_name_the_one_that_explains_most_is_taken() -> None:
    found = item_colours(art([coat()], colour="Walnut"), RAMPS, CLEANING)
    assert found.ramps["coat"].id == "brown"


def test_an_item_in_no_ramp_of_its_kind_is_an_error_that_names_it() -> None:
    frame = blank()
    frame[2:5, 2:5] = 0x123456
    with pytest.raises(PackError, match="Clothing/Coat 01: no cloth ramp has the colours of 'Brown'"):
        item_colours(art([frame]), RAMPS, CLEANING)


def test_classes_of_a_layer_hold_all_its_items() -> None:
    metal = codes(*STEEL.colours)
    buttoned = item_colours(art([coat((3, 3, 2, metal[0]), (3, 4, 2, metal[2]))] * 2), RAMPS, CLEANING)
    patched = item_colours(art([coat((3, 3, 2, 0x112233))] * 2), RAMPS, CLEANING)
    slots = layer_slots(LAYER, [patched, buttoned])
    assert slots.materials == (Material("coat", "cloth", 3), Material("coat-metal", "metal", 3))
    assert slots.fixed == (0x112233,)
    assert class_colours(slots, patched) == dict(zip((1, 2, 3, 7), [*codes(*CLOTH.colours), 0x112233], strict=True))
    assert class_colours(slots, buttoned) == dict(zip(range(1, 7), codes(*CLOTH.colours) + metal, strict=True))


def test_a_rare_colour_is_snapped_when_it_is_attached_and_removed_when_it_floats() -> None:
    frames = [coat() for _ in range(10)]
    frames[4] = coat((4, 4, 1, 0x5B3D1F), (10, 10, 2, 0xC7341B))  # nearly the first shade; a red scrap
    item = art(frames)
    found = item_colours(item, RAMPS, CLEANING)
    planes, log = classify(item, layer_slots(LAYER, [found]), found, CLEANING)
    assert planes["front"]["walk"][0, 4, 4, 4] == 1
    assert not planes["front"]["walk"][0, 4, 10:].any()
    assert [(c.direction, c.frame, c.removed, c.snapped) for c in log] == [(0, 4, 2, 1)]


def test_a_rare_colour_that_the_rules_keep_is_art() -> None:
    frames = [coat() for _ in range(10)]
    frames[4] = coat((4, 4, 1, 0xC7341B))
    item = art(frames, replace(LAYER, keep=(0xC7341B,)))
    found = item_colours(item, RAMPS, CLEANING)
    slots = layer_slots(item.layer, [found])
    planes, log = classify(item, slots, found, CLEANING)
    assert slots.fixed == (0xC7341B,)
    assert planes["front"]["walk"][0, 4, 4, 4] == 4
    assert not log


def test_an_alias_is_read_as_its_shade_and_logged() -> None:
    frames = [coat() for _ in range(10)]
    frames[0] = coat((2, 2, 1, 0xFEFEFE))
    item = art(frames, replace(LAYER, aliases={0xFEFEFE: 3}))
    found = item_colours(item, RAMPS, CLEANING)
    planes, log = classify(item, layer_slots(item.layer, [found]), found, CLEANING)
    assert planes["front"]["walk"][0, 0, 2, 2] == 3
    assert [(c.removed, c.snapped) for c in log] == [(0, 1)]


def test_what_hangs_on_to_a_floating_scrap_goes_with_it() -> None:
    frame = coat((10, 10, 1, 0xC7341B))
    frame[11, 11] = codes(CLOTH.colours[0])[0]
    lookup = dict(zip(codes(*CLOTH.colours), (1, 2, 3), strict=True))
    out, removed, snapped = classify_frame(frame, lookup, lookup, {}, CLEANING)
    assert (removed, snapped) == (2, 0)
    assert not out[9:, 9:].any()


def test_snapping_uses_only_colours_that_the_item_has() -> None:
    """The ramp's unused shade is nearer, and wrong."""
    frames = [blank() for _ in range(10)]
    for frame in frames:
        frame[2:8, 2:8] = codes(CLOTH.colours[0])[0]
        frame[2:8, 2] = codes(CLOTH.colours[2])[0]
    frames[0][4, 4] = 0x3A2613  # nearest: the middle shade
    item = art(frames)
    found = item_colours(item, RAMPS, CLEANING)
    planes, _ = classify(item, layer_slots(LAYER, [found]), found, CLEANING)
    assert planes["front"]["walk"][0, 0, 4, 4] == 3
