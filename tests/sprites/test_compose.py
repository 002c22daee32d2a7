from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.sprites.conftest import draw, recipe_of
from vcg_bridge.contract.character import Drawing, DrawnPart, Placed, Pose
from vcg_bridge.contract.errors import InternalError
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.compose import canvas_sizes, compose, pose_order

POSE = Pose("walk", "down", 0)


def part(layer: str, plane: list[list[int]], x: int, y: int, z: int, name: str = "front", size: int = 32) -> DrawnPart:
    return DrawnPart(layer, name, z, size, {POSE: Placed(x, y, np.array(plane, np.uint8))})


def test_higher_z_covers_and_transparent_does_not(manifest: Manifest) -> None:
    body = part("body", [[1, 1], [1, 1]], 4, 4, z=10)
    torso = part("torso", [[2, 0], [0, 2]], 4, 4, z=20)
    frames = [
        compose(manifest, Drawing(recipe_of({}), parts, 1.0, 0)).frames[POSE]
        for parts in [(body, torso), (torso, body)]
    ]
    skin, cloth = manifest.slot_base["body"], manifest.slot_base["torso"] + 1
    assert frames[0][4:6, 4:6].tolist() == [[cloth, skin], [skin, cloth]]
    np.testing.assert_array_equal(*frames)  # z decides, not the order of the parts
    assert np.count_nonzero(frames[0]) == 4


def test_slots_are_those_of_the_manifest(manifest: Manifest) -> None:
    classes = manifest.layer("helm").classes
    helm = part("helm", [list(range(classes))], 0, 0, z=1)
    frame = compose(manifest, Drawing(recipe_of({}), (helm,), 1.0, 0)).frames[POSE]
    base = manifest.slot_base["helm"]
    assert frame[0, :classes].tolist() == [0, *range(base, base + classes - 1)]


def test_what_lies_outside_the_frame_is_cut_off(manifest: Manifest) -> None:
    plane = np.arange(1, 5, dtype=np.uint8).reshape(2, 2).tolist()
    base = manifest.slot_base["body"]
    for x, y, seen in [
        (-1, -1, {(0, 0): 3}),
        (31, 31, {(31, 31): 0}),
        (-2, 0, {}),
        (0, 32, {}),
        (31, -1, {(31, 0): 2}),
    ]:
        frame = compose(manifest, Drawing(recipe_of({}), (part("body", plane, x, y, 1),), 1.0, 0)).frames[POSE]
        assert {(int(c), int(r)): int(frame[r, c]) - base for r, c in np.argwhere(frame)} == seen


def test_oversize_layers_make_a_larger_centred_canvas(manifest: Manifest, drawing: Drawing) -> None:
    character = compose(manifest, drawing)
    assert {p.animation: f.shape for p, f in character.frames.items()} == {
        "walk": (32, 32), "idle": (32, 32), "climb": (32, 32), "combat-slash": (64, 64),
    }  # fmt: skip
    without = replace(drawing, parts=tuple(p for p in drawing.parts if p.layer != "sword"))
    small = compose(manifest, without).frames[Pose("combat-slash", "down", 0)]
    assert small.shape == (32, 32)
    large = character.frames[Pose("combat-slash", "down", 0)][16:48, 16:48]
    sword = (large >= manifest.slot_base["sword"]) & (large < manifest.slot_base["sword"] + 5)
    np.testing.assert_array_equal(np.where(sword, 0, large), np.where(sword, 0, small))


def test_a_preview_frame_has_the_size_of_its_animation(manifest: Manifest, drawing: Drawing) -> None:
    # The sword is drawn in no pose of this drawing, but shows in the animation: the canvas must not depend on that.
    pose = Pose("combat-slash", "up", 0)
    parts = tuple(
        replace(p, placed={pose: p.placed[pose]} if p.layer != "sword" and pose in p.placed else {})
        for p in drawing.parts
    )
    assert compose(manifest, replace(drawing, parts=parts)).frames[pose].shape == (64, 64)
    assert canvas_sizes(manifest, replace(drawing, parts=parts)) == canvas_sizes(manifest, drawing)


def test_poses_come_in_the_order_of_the_manifest(manifest: Manifest, drawing: Drawing) -> None:
    poses = list(compose(manifest, drawing).frames)
    assert poses[:4] == [Pose("walk", "up", 0), Pose("walk", "up", 1), Pose("walk", "up", 2), Pose("walk", "left", 0)]
    assert pose_order(manifest, reversed(poses)) == poses


def test_same_drawing_same_frames(manifest: Manifest) -> None:
    first, second = compose(manifest, draw(manifest)), compose(manifest, draw(manifest))
    assert all(np.array_equal(first.frames[p], second.frames[p]) for p in first.frames)
    np.testing.assert_array_equal(first.palette, second.palette)


def test_a_class_that_the_layer_has_not_is_a_fault(manifest: Manifest) -> None:
    broken = part("torso", [[manifest.layer("torso").classes]], 0, 0, 1)
    with pytest.raises(InternalError, match=r"torso.*class"):
        compose(manifest, Drawing(recipe_of({}), (broken,), 1.0, 0))


def test_nothing_drawn_is_no_frame(manifest: Manifest) -> None:
    assert compose(manifest, Drawing(recipe_of({}), (), 1.0, 0)).frames == {}
