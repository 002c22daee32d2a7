from __future__ import annotations

import numpy as np
import pytest

from tests.sprites.conftest import recipe_of
from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.effects import box_of, drop_shadow, ground, outline, scaled, trim
from vcg_bridge.sprites.palette import OUTLINE_SLOT, SHADOW_SLOT


def figure(*boxes: tuple[int, int, int, int], size: int = 32) -> np.ndarray:
    plane = np.zeros((size, size), np.uint8)
    for x, y, width, height in boxes:
        plane[y : y + height, x : x + width] = 1
    return plane


def of(manifest: Manifest, frames: dict[Pose, np.ndarray]) -> Character:
    return Character(recipe_of({}), frames, np.zeros((256, 4), np.uint8))


STAND, STEP = Pose("idle", "down", 0), Pose("walk", "down", 1)


def test_trimming_keeps_frames_aligned(manifest: Manifest) -> None:
    character = of(manifest, {STEP: figure((5, 4, 3, 3)), STAND: figure((10, 8, 6, 9))})
    trimmed, offsets = trim(character)
    assert offsets == {"walk": (5, 4), "idle": (5, 4)}
    assert {f.shape for f in trimmed.frames.values()} == {(13, 11)}
    for pose, plane in character.frames.items():
        restored = np.zeros_like(plane)
        restored[4:17, 5:16] = trimmed.frames[pose]
        np.testing.assert_array_equal(restored, plane)


def test_trimming_knows_sizes_apart_and_bears_empty_frames(manifest: Manifest) -> None:
    big = Pose("combat-slash", "down", 0)
    character = of(manifest, {STAND: figure(), big: figure((20, 30, 2, 5), size=64)})
    trimmed, offsets = trim(character)
    assert trimmed.frames[STAND].shape == (1, 1)
    assert offsets["combat-slash"] == (20, 30)
    assert trimmed.frames[big].shape == (5, 2)
    assert box_of(figure()) is None


def test_outline_surrounds_the_silhouette(manifest: Manifest) -> None:
    character = of(manifest, {STAND: figure((10, 10, 2, 2))})
    lined = outline(character, manifest, colour=(9, 8, 7, 255))
    plane = lined.frames[STAND]
    assert np.count_nonzero(plane == OUTLINE_SLOT) == 8
    assert plane[9, 9] == 0  # a corner stays open
    assert np.count_nonzero(plane == 1) == 4
    assert lined.palette[OUTLINE_SLOT].tolist() == [9, 8, 7, 255]
    heavy = outline(character, manifest, corners=True)
    assert np.count_nonzero(heavy.frames[STAND] == OUTLINE_SLOT) == 12
    assert not character.palette.any()  # the original is untouched
    assert np.count_nonzero(character.frames[STAND]) == 4


def test_outline_stops_at_the_edge_of_the_frame(manifest: Manifest) -> None:
    plane = outline(of(manifest, {STAND: figure((0, 0, 2, 2))}), manifest).frames[STAND]
    assert np.count_nonzero(plane == OUTLINE_SLOT) == 4


def test_effects_refuse_a_slot_of_a_layer(manifest: Manifest) -> None:
    with pytest.raises(BadRequest, match="slot 3 is not free"):
        outline(of(manifest, {STAND: figure((4, 4, 2, 2))}), manifest, slot=3)


def test_ellipse_lies_at_the_feet_in_every_frame(manifest: Manifest) -> None:
    stand, jump = figure((14, 8, 4, 20)), figure((14, 2, 4, 20))
    character = drop_shadow(of(manifest, {STAND: stand, STEP: jump}), manifest)
    assert ground(character) == 11  # row 27 of 32, from the middle
    shadows = {pose: plane == SHADOW_SLOT for pose, plane in character.frames.items()}
    rows = [r for r, row in enumerate(shadows[STEP]) if row.any()]
    assert rows == [25, 26, 27]
    assert box_of(shadows[STEP].astype(np.uint8)) == (11, 25, 10, 3)
    hidden = shadows[STEP] & (stand > 0)
    np.testing.assert_array_equal(shadows[STAND] | hidden, shadows[STEP])  # same place, behind the feet
    np.testing.assert_array_equal(shadows[STEP], shadows[STEP][:, ::-1])  # and symmetrical


def test_ellipse_is_at_the_same_point_of_oversize_frames(manifest: Manifest) -> None:
    big = Pose("combat-slash", "down", 0)
    character = of(manifest, {STAND: figure((14, 8, 4, 20)), big: figure((30, 24, 4, 20), size=64)})
    frames = drop_shadow(character, manifest).frames
    np.testing.assert_array_equal(frames[big][16:48, 16:48], frames[STAND])


def test_silhouette_shadow_is_moved_and_lies_behind(manifest: Manifest) -> None:
    character = of(manifest, {STAND: figure((10, 10, 3, 3))})
    plane = drop_shadow(character, manifest, colour=(0, 0, 0, 90), offset=(2, -1)).frames[STAND]
    assert np.argwhere(plane == SHADOW_SLOT).tolist() == [
        [9, 12],
        [9, 13],
        [9, 14],
        [10, 13],
        [10, 14],
        [11, 13],
        [11, 14],
    ]
    assert not (drop_shadow(character, manifest, offset=(40, 0)).frames[STAND] == SHADOW_SLOT).any()


def test_outline_and_shadow_go_together(manifest: Manifest, character: Character) -> None:
    both = drop_shadow(outline(character, manifest), manifest)
    for pose, plane in character.frames.items():
        solid = plane > 0
        np.testing.assert_array_equal(both.frames[pose][solid], plane[solid])
    assert both.palette[SHADOW_SLOT, 3] == 96


def test_scaling_makes_squares() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert scaled(image, 2).tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2
    assert scaled(image, 1) is image
    assert scaled(np.zeros((2, 3, 4), np.uint8), 3).shape == (6, 9, 4)
    for factor in (0, 17, -1):
        with pytest.raises(BadRequest, match="1 to 16"):
            scaled(image, factor)


def test_shadow_of_a_character_without_a_visible_pixel(manifest: Manifest) -> None:
    character = of(manifest, {STAND: figure()})
    assert drop_shadow(character, manifest).frames[STAND].any()
