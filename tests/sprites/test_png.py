from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.sprites.palette import rgba
from vcg_bridge.sprites.png import indexed_png, png


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))),
    arrays(np.uint8, (256, 4)),
)
def test_an_indexed_png_keeps_slots_and_colours(plane: np.ndarray, palette: np.ndarray) -> None:
    data = indexed_png(plane, palette)
    image = Image.open(io.BytesIO(data))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), plane)
    np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), rgba(plane, palette))


def test_a_character_reads_the_same_in_opencv(character: Character) -> None:
    plane = character.frames[Pose("walk", "down", 0)]
    data = indexed_png(plane, character.palette)
    bgra = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert bgra is not None
    np.testing.assert_array_equal(cv2.cvtColor(bgra, cv2.COLOR_BGRA2RGBA), rgba(plane, character.palette))


def test_the_palette_ends_with_its_last_colour(character: Character) -> None:
    data = indexed_png(character.frames[Pose("walk", "down", 0)], character.palette)
    at = data.index(b"PLTE")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    assert length == 3 * (1 + int(np.flatnonzero(character.palette.any(axis=1))[-1]))
    assert data[data.index(b"tRNS") + 4] == 0


def test_equal_pictures_give_equal_bytes_without_a_date(character: Character) -> None:
    plane = character.frames[Pose("walk", "down", 0)]
    first, second = (indexed_png(plane.copy(), character.palette.copy(), {"Software": "VCG Bridge"}) for _ in range(2))
    assert first == second
    assert b"tIME" not in first


def test_texts_are_kept(character: Character) -> None:
    text = {"Copyright": "Drawn by Søren, 日本", "Software": "VCG Bridge"}
    image = Image.open(io.BytesIO(indexed_png(np.zeros((2, 2), np.uint8), character.palette, text)))
    image.load()
    assert image.info["Copyright"] == text["Copyright"]
    assert image.info["Software"] == "VCG Bridge"


@pytest.mark.parametrize(("shape", "mode"), [((5, 7), "L"), ((5, 7, 3), "RGB"), ((5, 7, 4), "RGBA")])
def test_full_colour(shape: tuple[int, ...], mode: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    image = Image.open(io.BytesIO(png(pixels)))
    assert image.mode == mode
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_few_colours_still_take_a_byte_a_pixel() -> None:
    palette = np.zeros((256, 4), np.uint8)
    palette[1] = 255
    data = indexed_png(np.ones((2, 2), np.uint8), palette)
    assert (data[24], data[25]) == (8, 3)  # IHDR: bit depth, colour type "indexed"
