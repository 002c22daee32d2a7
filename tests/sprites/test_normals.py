from __future__ import annotations

import numpy as np

from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.normals import FLAT, normal_map, normal_maps, relief_of
from vcg_bridge.sprites.palette import recolour

LEVEL = np.zeros(256, np.int32)


def disc(size: int = 33, radius: int = 12) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size]
    return ((x - size // 2) ** 2 + (y - size // 2) ** 2 <= radius**2).astype(np.uint8)


def test_a_disc_bulges_towards_the_viewer_in_opengl_convention() -> None:
    normals = normal_map(disc(), LEVEL).astype(int)
    red, green, blue = np.moveaxis(normals, -1, 0)
    middle = 16
    assert normals[middle, middle].tolist() == list(FLAT)  # the top of the cushion faces the viewer
    assert red[middle, 5] < 100  # X+ is right: the left edge faces left
    assert red[middle, 27] > 155
    assert green[5, middle] > 155  # Y+ is up: the upper edge faces up
    assert green[27, middle] < 100
    assert (blue >= 128).all()


def test_transparent_pixels_are_flat_blue() -> None:
    plane = disc()
    normals = normal_map(plane, LEVEL)
    assert (normals[plane == 0] == FLAT).all()
    assert (normal_map(np.zeros((8, 8), np.uint8), LEVEL) == FLAT).all()


def test_normals_are_unit_vectors_and_symmetrical() -> None:
    normals = normal_map(disc(), LEVEL)
    lengths = np.linalg.norm(normals / 127.5 - 1, axis=-1)
    assert np.abs(lengths - 1).max() < 0.02
    mirrored = normals[:, ::-1].astype(int)
    assert np.abs(mirrored[..., 0] - (255 - normals[..., 0].astype(int))).max() <= 1
    np.testing.assert_array_equal(mirrored[..., 1:], normals[..., 1:])


def test_strength_zero_is_flat() -> None:
    assert (normal_map(disc(), LEVEL, strength=0) == FLAT).all()


def test_light_shades_stand_out(manifest: Manifest, character: Character) -> None:
    relief = relief_of(manifest, character.palette)
    base = manifest.slot_base["hair"]
    assert relief[base] > relief[base + 1] > relief[base + 2] > relief[base + 3] == 0
    assert relief[0] == 0


def test_recolouring_leaves_the_normal_map(manifest: Manifest, character: Character) -> None:
    pose = Pose("walk", "left", 1)
    other = recolour(character, manifest, {"hair": "blonde", "torso": "moss", "skin": "umber"})
    np.testing.assert_array_equal(normal_maps(character, manifest)[pose], normal_maps(other, manifest)[pose])
