"""The palette shaders with a real renderer: what is seen of known slots and colours, in 2D and in 3D."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.godot.conftest import GodotProject
from tests.support.godot import new_project
from tests.support.godot_editor import find_xvfb, virtual_screen

pytestmark = pytest.mark.godot

EDGE = 64


@dataclass(frozen=True)
class Seen:
    """The pictures, uint8 [EDGE, EDGE, 4], and the colours that the frame has."""

    pictures: dict[str, NDArray[np.uint8]]
    expected: NDArray[np.uint8]


@pytest.fixture(scope="module")
def seen(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    xvfb = find_xvfb(godot_template.godot)
    if xvfb is None:
        pytest.skip("no Xvfb: scripts/install_godot.sh --gl brings one, or set XVFB")
    folder = tmp_path_factory.mktemp("shaders")
    project = new_project(folder)
    rng = np.random.default_rng(5)
    slots = rng.integers(0, 256, (2 * EDGE, 2 * EDGE), np.uint8)
    palette = rng.integers(0, 256, (256, 4), np.uint8)
    palette[:, 3] = np.where(np.arange(256) % 5 == 0, 0, 255)
    normals = np.full((2 * EDGE, 2 * EDGE, 4), 255, np.uint8)
    normals[:, :, :3] = (230, 128, 200)  # the left half of every frame looks right, the right half left
    normals[:, np.arange(2 * EDGE) % EDGE >= EDGE // 2, 0] = 25
    job: dict[str, Any] = {"width": 2 * EDGE, "height": 2 * EDGE, "edge": EDGE}
    job |= {"slots": slots.tobytes().hex(), "palette": palette.tobytes().hex(), "normals": normals.tobytes().hex()}
    project.write("job.json", json.dumps(job))
    with virtual_screen(xvfb) as display:
        project.environment = {"DISPLAY": display}
        project.run(
            "--rendering-driver", "opengl3", "--rendering-method", "gl_compatibility", "--audio-driver", "Dummy",
            "--script", "res://tests/shaders_check.gd", "--", "res://job.json", str(folder),
            headless=False, check=False,
        )  # fmt: skip
    pictures = {name: picture(folder / f"{name}.png") for name in ("flat", "tinted", "solid", "lit_left", "lit_right")}
    return Seen(pictures, palette[slots[EDGE:, :EDGE]])


def picture(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.array(image.convert("RGBA"))


def test_a_character_in_2d_is_exact(seen: Seen) -> None:
    opaque = seen.expected[:, :, 3] == 255
    assert np.array_equal(seen.pictures["flat"][:, :, 3] == 255, opaque)
    assert np.array_equal(seen.pictures["flat"][opaque], seen.expected[opaque])
    assert np.array_equal(seen.pictures["tinted"][opaque], seen.expected[opaque] * np.array([1, 0, 1, 1], np.uint8))


def test_a_sprite_in_3d_without_light_has_the_same_colours(seen: Seen) -> None:
    opaque = seen.expected[:, :, 3] == 255
    assert np.array_equal(seen.pictures["solid"][:, :, 3] > 0, opaque)
    found, wanted = (x[opaque][:, :3].astype(int) for x in (seen.pictures["solid"], seen.expected))
    difference = np.abs(found - wanted)
    assert difference[wanted >= 40].max() <= 1, "3D works in linear light: there and back may round"
    assert difference.max() <= 8, "the Compatibility renderer's way back is coarse for dark colours"


def test_a_sprite_in_3d_is_lit_by_its_normal_map(seen: Seen) -> None:
    left, right = (seen.pictures[f"lit_{side}"][:, :, :3].astype(float) for side in ("left", "right"))
    half = EDGE // 2
    # light that travels to the right comes from the left and meets what looks left: the right half
    assert left[:, half:].mean() > 1.5 * left[:, :half].mean()
    assert right[:, :half].mean() > 1.5 * right[:, half:].mean()
