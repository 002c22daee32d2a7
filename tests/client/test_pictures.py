"""Where frames lie in a picture: grids, trimmed rectangles, and strips that lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scripts.make_golden import PALETTE, RECIPE, SAMPLES
from vcg_bridge.client import Gatherer, Picture
from vcg_bridge.contract.character import Pose
from vcg_bridge.contract.errors import BadRequest, ProtocolError
from vcg_bridge.contract.messages import Chunk


def golden(name: str, **fields: Any) -> Picture:
    sample = SAMPLES[name]
    assert isinstance(sample.message, Chunk)
    assert sample.blob is not None
    return Picture(replace(sample.message, **fields), sample.blob, RECIPE, PALETTE)


def test_trimmed_frames_are_put_back_in_their_place() -> None:
    picture = golden("chunk_sheet")
    image, frames = picture.pixels(), picture.frames()
    assert {pose.animation for pose in frames} == {"walk", "emotes"}
    middle = frames[Pose("walk", "down", 1)]  # rect 8, 0, 7 x 8, not moved
    assert middle.shape == (8, 8)
    np.testing.assert_array_equal(middle[:, :7], image[0:8, 8:15])
    assert not middle[:, 7].any()
    last = frames[Pose("walk", "down", 2)]  # shares the picture of the first, one pixel to the right
    np.testing.assert_array_equal(last[:, 1:7], image[0:8, 0:6])
    np.testing.assert_array_equal(last, frames[Pose("walk", "down", 0)])
    np.testing.assert_array_equal(frames[Pose("emotes", "down", 0)], image[8:20, 20:32])


def test_rgba_pictures_have_four_channels() -> None:
    picture = golden("chunk_normal")
    assert picture.pixels().shape == (8, 8, 4)
    assert picture.pixels()[0, 0].tolist() == [128, 128, 255, 255]


def test_a_png_has_no_plain_pixels() -> None:
    with pytest.raises(BadRequest, match="png picture has no plain pixels"):
        golden("chunk_gzip", format="png").pixels()


@pytest.mark.parametrize(
    "change",
    [
        {"rects": (0, 0, 25, 8, 0, 0) * 12},
        {"rects": (0, 25, 8, 8, 0, 0) * 12},
        {"rects": (0, 0, 8, 8, 1, 0) * 12},
        {"rects": (0, 0, 8, 8, 0, 0)},
        {"rects": (0,) * 71},
        {"frames": 4},
        {"frame_height": 9},
        {"directions": ("up", "left", "down", "right", "up")},
    ],
)
def test_strips_that_lie_are_refused(change: dict[str, Any]) -> None:
    strip = golden("chunk_gzip").chunk.strips[0]
    picture = golden("chunk_gzip", strips=(replace(strip, **change),))
    with pytest.raises(ProtocolError, match="strip 'walk'"):
        picture.frames()


def test_a_character_needs_index_planes() -> None:
    gatherer = Gatherer()
    assert gatherer.add(golden("chunk_gzip")) is None
    generated = gatherer.add(golden("chunk_normal", last=True))
    assert generated is not None
    assert len(generated.character().frames) == 12
    rgba = gatherer.add(golden("chunk_normal", kind="animation", last=True))
    assert rgba is not None
    with pytest.raises(BadRequest, match="r8"):
        rgba.character()
