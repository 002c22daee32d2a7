from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.sprites.conftest import ITEMS, recipe_of
from vcg_bridge.contract.character import Character
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.effects import outline
from vcg_bridge.sprites.palette import OUTLINE_SLOT, palette_of, recolour, slots


def test_ramps_colour_the_shades_and_items_the_fixed_slots(manifest: Manifest) -> None:
    palette = palette_of(manifest, recipe_of(ITEMS))
    base = manifest.slot_base["torso"]
    wine = manifest.ramp("cloth", "wine").colours
    assert palette[base : base + 4].tolist() == [[*c, 255] for c in wine]
    coat = manifest.item("torso", "coat-01.m")
    assert palette[base + 4 : base + 6].tolist() == [[*c, 255] for c in coat.fixed]
    assert palette[0].tolist() == [0, 0, 0, 0]


def test_layers_that_are_not_worn_have_no_colours(manifest: Manifest) -> None:
    palette = palette_of(manifest, recipe_of({"body": "body-01-slim"}))
    worn = {s.index for s in slots(manifest) if s.layer == "body"}
    assert {int(i) for i in np.flatnonzero(palette.any(axis=1))} == worn


def test_a_fixed_slot_the_item_does_not_use_takes_its_outline(manifest: Manifest) -> None:
    palette = palette_of(manifest, recipe_of({"torso": "shirt-01-plain.m"}))
    base = manifest.slot_base["torso"] + 4
    assert palette[base + 1].tolist() == palette[base].tolist() == [40, 20, 30, 255]
    hood = palette_of(manifest, recipe_of({"helm": "hood-01"}))  # no fixed colours at all: the darkest shade
    base = manifest.slot_base["helm"]
    assert hood[base + 4].tolist() == hood[base + 3].tolist()


def test_a_missing_ramp_is_the_artists_own(manifest: Manifest) -> None:
    own = palette_of(manifest, recipe_of(ITEMS, {}))
    base = manifest.slot_base["torso"]
    assert own[base, :3].tolist() == list(manifest.ramp("cloth", "denim").colours[0])


def test_slots_have_names_and_cover_the_bundle(manifest: Manifest) -> None:
    found = slots(manifest)
    assert [s.index for s in found] == list(range(1, len(found) + 1))
    names = [s.name for s in found]
    assert names[:5] == ["body/skin/0", "body/skin/1", "body/skin/2", "body/skin/3", "body/fixed/0"]
    assert len(set(names)) == len(names)


def test_recolouring_changes_only_the_palette_and_the_recipe(manifest: Manifest, character: Character) -> None:
    blonde = recolour(character, manifest, {"hair": "blonde"})
    assert blonde.frames is character.frames
    assert blonde.recipe == replace(character.recipe, ramps={**character.recipe.ramps, "hair": "blonde"})
    changed = {
        s.layer for s in slots(manifest) if not np.array_equal(blonde.palette[s.index], character.palette[s.index])
    }
    assert changed == {"hair"}
    np.testing.assert_array_equal(blonde.palette, palette_of(manifest, blonde.recipe))
    back = recolour(blonde, manifest, {"hair": "raven"})
    np.testing.assert_array_equal(back.palette, character.palette)


def test_recolouring_keeps_what_effects_added(manifest: Manifest, character: Character) -> None:
    lined = outline(character, manifest, colour=(1, 2, 3, 255))
    assert recolour(lined, manifest, {"hair": "ginger"}).palette[OUTLINE_SLOT].tolist() == [1, 2, 3, 255]


def test_unknown_names_are_refused_with_near_ones(manifest: Manifest, character: Character) -> None:
    with pytest.raises(BadRequest, match=r"hare.*hair"):
        recolour(character, manifest, {"hare": "raven"})
    with pytest.raises(BadRequest, match=r"ravn.*raven"):
        recolour(character, manifest, {"hair": "ravn"})
    with pytest.raises(BadRequest, match=r"'helm'.*it has: skin, hair, torso, sword"):
        recolour(character, manifest, {"helm": "steel"})  # exists, but is not worn
