"""The sprites on the bundle that is shipped: real layers, drawn by its networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vcg_bridge.contract.character import Drawing, Pose
from vcg_bridge.contract.manifest import CLEANING_RULES
from vcg_bridge.generators.bundle import Bundle, open_bundle
from vcg_bridge.generators.design import DesignSpec, design
from vcg_bridge.generators.generator import Generator, all_poses
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.credits import credit_lines, read_credits
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.palette import OUTLINE_SLOT, SHADOW_SLOT, slots
from vcg_bridge.sprites.writer import WriteOptions, write_character


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle()


@pytest.fixture(scope="module")
def generator(bundle: Bundle) -> Iterator[Generator]:
    with Generator(bundle, device="cpu", threads=2) as generator:
        yield generator


@pytest.fixture(scope="module")
def guard(generator: Generator) -> Drawing:
    """A guard with his sword out, in four animations."""
    manifest = generator.manifest
    recipe = design(manifest, DesignSpec(seed=7, archetype="guard", items={"sword": "sword-01-arming-sword"}))
    return generator.draw(recipe, all_poses(manifest, ["walk", "idle", "climb", "combat-slash"]))


def test_a_guard_is_complete_and_drawn_in_his_own_colours(bundle: Bundle, guard: Drawing) -> None:
    character = compose(bundle.manifest, guard)
    assert len(character.frames) == 32 + 12 + 6 + 28
    assert character.frames[Pose("walk", "down", 0)].shape == (64, 64)
    assert character.frames[Pose("combat-slash", "down", 0)].shape == (128, 128)
    for plane in character.frames.values():
        assert (character.palette[plane[plane > 0], 3] == 255).all()  # no slot without a colour
        assert np.count_nonzero(plane) > 300


def test_items_of_the_pack_need_no_cleaning_and_mixtures_are_left_without_specks(generator: Generator) -> None:
    manifest = generator.manifest
    for table in (part for layer in manifest.layers for part in layer.parts):
        assert set(table.cleaning) == set(CLEANING_RULES)
    poses = all_poses(manifest, ["idle"])
    for novelty in (0.0, 1.0):
        recipes = [design(manifest, DesignSpec(seed=seed, novelty=novelty)) for seed in range(4)]
        for drawing in generator.draw_many([(recipe, poses) for recipe in recipes]):
            cleaned, raw = compose(manifest, drawing), compose(manifest, drawing, cleaned=False)
            changed = sum(np.count_nonzero(cleaned.frames[p] != raw.frames[p]) for p in poses)
            assert changed <= (3 if novelty == 0 else 60 * len(poses))


def test_slots_leave_room_for_effects(bundle: Bundle) -> None:
    assert len(slots(bundle.manifest)) < SHADOW_SLOT < OUTLINE_SLOT


def test_every_item_has_its_credits(bundle: Bundle) -> None:
    credits = read_credits(bundle.folder)
    for item in bundle.manifest.items:
        assert item.credits
        assert all(credits[key].artists and credits[key].licence for key in item.credits)


def test_an_npc_in_a_folder(bundle: Bundle, guard: Drawing, tmp_path: Path) -> None:
    character = compose(bundle.manifest, guard)
    lines = credit_lines(bundle.manifest, guard.recipe, read_credits(bundle.folder))
    for layout in ("rows", "lpc", "packed"):
        sheet = lay_out(layout, character, bundle.manifest)
        for frame in sheet.frames:
            cut = sheet.plane[frame.y : frame.y + frame.h, frame.x : frame.x + frame.w]
            assert np.count_nonzero(cut) == np.count_nonzero(character.frames[frame.pose])
    paths = write_character(
        tmp_path, "guard-7", character, bundle.manifest, WriteOptions(shadow=(0, 0, 0, 96)), credits=lines
    )
    assert all(path.stat().st_size > 200 for path in paths)
    assert "Eliza Wyatt" in (tmp_path / "CREDITS.txt").read_text(encoding="utf-8")
