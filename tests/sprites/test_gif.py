from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.sprites.conftest import recipe_of
from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites import gif
from vcg_bridge.sprites.effects import drop_shadow
from vcg_bridge.sprites.gif import HOLD_MS, LEAST_MS, animation_gif, combined_gif
from vcg_bridge.sprites.palette import rgba


def frames_of(data: bytes) -> list[tuple[np.ndarray, int]]:
    """RGBA picture and milliseconds of every frame, as a viewer shows them."""
    image = Image.open(io.BytesIO(data))
    shown = []
    for i in range(image.n_frames):
        image.seek(i)
        shown.append((np.asarray(image.convert("RGBA")), int(image.info["duration"])))
    return shown


def test_each_frame_shows_all_directions_and_nothing_of_the_one_before(
    manifest: Manifest, character: Character
) -> None:
    shown = frames_of(animation_gif(character, manifest, "walk", scale=1))
    assert len(shown) == 3
    for i, (picture, _) in enumerate(shown):
        cells = np.split(picture, 4, axis=1)
        for cell, direction in zip(cells, ("up", "left", "down", "right"), strict=True):
            frame = rgba(character.frames[Pose("walk", direction, i)], character.palette)
            assert np.count_nonzero(cell[..., 3]) == np.count_nonzero(frame[..., 3])
            colours = {tuple(c) for c in cell[cell[..., 3] > 0].tolist()}
            assert colours == {tuple(c) for c in frame[frame[..., 3] > 0].tolist()}


def test_timing_is_that_of_the_animation(manifest: Manifest, character: Character) -> None:
    times = [ms for _, ms in frames_of(animation_gif(character, manifest, "walk"))]
    assert times == [120, 130, 120] or sum(times) in (370, 380)  # 8 fps: 125 ms, GIF counts in 10 ms
    assert all(abs(ms - 125) <= 10 for ms in times)


def test_scale_multiplies_the_size(manifest: Manifest, character: Character) -> None:
    small, large = (Image.open(io.BytesIO(animation_gif(character, manifest, "idle", scale=s))) for s in (1, 3))
    assert large.size == (small.size[0] * 3, small.size[1] * 3)


def test_combined_gif_shows_everything_long_enough(manifest: Manifest, character: Character) -> None:
    data = combined_gif(character, manifest)
    shown = frames_of(data)
    least = sum(LEAST_MS if a.loop else a.frames * 1000 / a.fps + HOLD_MS for a in manifest.animations)
    assert abs(sum(ms for _, ms in shown) - least) < 1500
    assert Image.open(io.BytesIO(data)).info["loop"] == 0
    assert combined_gif(character, manifest) == data
    assert all(picture[..., 3].any() for picture, _ in shown)


def test_shadows_are_left_out_of_gifs(manifest: Manifest, character: Character) -> None:
    shaded = drop_shadow(character, manifest)
    plain, dark = (frames_of(animation_gif(c, manifest, "idle", scale=1)) for c in (character, shaded))
    assert np.count_nonzero(plain[0][0][..., 3]) == np.count_nonzero(dark[0][0][..., 3])
    solid = frames_of(animation_gif(drop_shadow(character, manifest, colour=(9, 9, 9, 200)), manifest, "idle", scale=1))
    assert np.count_nonzero(solid[0][0][..., 3]) > np.count_nonzero(plain[0][0][..., 3])


def test_what_was_not_drawn_cannot_be_shown(manifest: Manifest, character: Character) -> None:
    only = replace(character, frames={p: f for p, f in character.frames.items() if p.animation == "idle"})
    with pytest.raises(BadRequest, match="walk"):
        animation_gif(only, manifest, "walk")
    with pytest.raises(BadRequest, match="no frame"):
        combined_gif(replace(character, frames={}), manifest)


def test_empty_frames_are_no_fault(manifest: Manifest) -> None:
    frames = {Pose("idle", "down", i): np.zeros((32, 32), np.uint8) for i in range(2)}
    nothing = Character(recipe_of({}), frames, np.zeros((256, 4), np.uint8))
    assert combined_gif(nothing, manifest).startswith(b"GIF89a")


PALETTE = np.array([(0, 0, 0, 0), *((i, 255 - i, i // 2, 9 if i % 50 == 7 else 255) for i in range(1, 256))], np.uint8)
"""Some colours are nearly clear: they are left out."""


@st.composite
def shown(draw: st.DrawFn) -> tuple[list[np.ndarray], list[int]]:
    """A few pictures of one size, some of them more than once, each for its time."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    slots = st.sampled_from([0, 0, 0, 1, 7, 8, 57, 255])
    picture = st.lists(slots, min_size=height * width, max_size=height * width)
    pictures = [np.array(p, np.uint8).reshape(height, width) for p in draw(st.lists(picture, min_size=1, max_size=4))]
    order = draw(st.lists(st.sampled_from(range(len(pictures))), min_size=1, max_size=8))
    times = draw(st.lists(st.integers(2, 200), min_size=len(order), max_size=len(order)))
    return [pictures[i] for i in order], [10 * t for t in times]


@settings(max_examples=150, deadline=None)
@given(shown(), st.integers(1, 2))
def test_repeated_pictures_are_the_bytes_that_pillow_would_write(
    what: tuple[list[np.ndarray], list[int]], scale: int
) -> None:
    planes, times = what
    visible = np.where(PALETTE[:, 3] >= 128, np.arange(256), 0).astype(np.uint8)
    assert gif._gif(planes, PALETTE, times, scale) == gif._saved([visible[p] for p in planes], PALETTE, times, scale)
