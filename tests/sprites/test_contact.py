from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.contact import BACKGROUND, INK, contact_sheet, crowd_sheet
from vcg_bridge.sprites.effects import drop_shadow
from vcg_bridge.sprites.palette import recolour


def test_every_frame_is_on_the_sheet(manifest: Manifest, character: Character) -> None:
    plane, palette = contact_sheet(character, manifest, title="guard-7", scale=1)
    counts = np.bincount(plane.ravel(), minlength=256)
    drawn = sum(np.bincount(f.ravel(), minlength=256) for f in character.frames.values())
    used = np.flatnonzero(drawn)[1:]
    np.testing.assert_array_equal(counts[used], drawn[used])
    assert tuple(palette[0]) == (*BACKGROUND, 255)
    assert (palette[:, 3] == 255).all()
    np.testing.assert_array_equal(palette[used], character.palette[used])
    assert (*INK, 255) in {tuple(c) for c in palette[np.unique(plane)].tolist()}  # the labels


def test_sheets_are_the_same_every_time_and_scale(manifest: Manifest, character: Character) -> None:
    first, second = (contact_sheet(character, manifest, scale=2)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first[::2, ::2], contact_sheet(character, manifest, scale=1)[0])


def test_half_transparent_slots_lie_on_the_background(manifest: Manifest, character: Character) -> None:
    plane, palette = contact_sheet(drop_shadow(character, manifest, colour=(0, 0, 0, 128)), manifest, scale=1)
    assert (plane == 254).any()
    assert palette[254].tolist() == [(c * 127 + 127) // 255 for c in BACKGROUND] + [255]


def test_a_palette_without_free_slots_still_has_text(manifest: Manifest, character: Character) -> None:
    frame = np.arange(256, dtype=np.uint8).reshape(16, 16)
    palette = np.full((256, 4), 255, np.uint8)
    every = Character(character.recipe, {Pose("idle", "down", 0): frame}, palette)
    plane, _ = contact_sheet(every, manifest, title="all", scale=1)
    assert len(np.unique(plane)) == 256


def test_a_crowd_stands_in_columns(manifest: Manifest, character: Character) -> None:
    other = recolour(character, manifest, {"torso": "moss"})
    sheet = crowd_sheet([character, other, character], labels=["a", "b", "c"], columns=2, scale=2, title="three")
    single = crowd_sheet([character], scale=2)
    assert sheet.shape[1] - 16 == 2 * (single.shape[1] - 16)
    assert sheet.dtype == np.uint8
    colours = {tuple(c) for c in sheet.reshape(-1, 3).tolist()}
    moss = {tuple(c) for c in manifest.ramp("cloth", "moss").colours}
    assert colours & moss
    assert INK in colours


def test_a_crowd_shows_the_pose_asked_for_where_it_is(manifest: Manifest, character: Character) -> None:
    climbing = crowd_sheet([character], pose=Pose("climb", "up", 1), scale=1)
    standing = crowd_sheet([character], scale=1)
    assert climbing.shape != standing.shape or (climbing != standing).any()
    missing = crowd_sheet([character], pose=Pose("walk", "down", 99), scale=1)
    np.testing.assert_array_equal(missing, standing)


def test_nothing_to_show(manifest: Manifest, character: Character) -> None:
    with pytest.raises(BadRequest, match="no character"):
        crowd_sheet([])
    with pytest.raises(BadRequest, match="no frame"):
        contact_sheet(replace(character, frames={}), manifest)
