from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from tests.sprites.conftest import recipe_of
from vcg_bridge.contract.character import Drawing, DrawnPart, Placed, Pose
from vcg_bridge.contract.manifest import CLEANING_RULES, Manifest
from vcg_bridge.sprites.clean import clean, places
from vcg_bridge.sprites.compose import compose


def plane(*rows: str) -> NDArray[np.uint8]:
    """`.` transparent, digits classes; one plane [1, h, w]."""
    return np.array([[0 if c == "." else int(c) for c in row] for row in rows], np.uint8)[None]


def nothing_spared(planes: NDArray[np.uint8]) -> dict[str, NDArray[np.bool_]]:
    return {rule: np.zeros(planes.shape, np.bool_) for rule in CLEANING_RULES}


def cleaned(*rows: str) -> list[str]:
    planes = plane(*rows)
    result = clean(planes, nothing_spared(planes))[0]
    return ["".join("." if c == 0 else str(c) for c in row) for row in result]


def test_specks_of_one_and_two_pixels_go() -> None:
    assert cleaned(
        "3....2",
        "......",
        ".1...1",
        "1....1",
        "......",
        "222...",
        "222..4",
    ) == [
        "......",
        "......",
        "......",
        "......",
        "......",
        "222...",
        "222...",
    ]


def test_what_hangs_together_stays() -> None:
    # three in a row, a diagonal thread, a pixel that touches the figure by a corner
    rows = ("111...", "......", "1....2", ".1....", "..1.11", "......")
    kept = ("111...", "......", "1.....", ".1....", "..1...", "......")
    assert cleaned(*rows) == list(kept)
    touching = ("1....", ".22..", ".22..", ".....")
    assert cleaned(*touching) == list(touching)


def test_pinholes_take_the_most_frequent_class_of_their_neighbours() -> None:
    assert cleaned("112", "1.2", "112") == ["112", "112", "112"]
    assert cleaned("122", "2.1", "211") == ["122", "211", "211"]  # of equals the lightest
    open_corner = ("11.", "1.1", "111")
    assert cleaned(*open_corner) == list(open_corner)
    two = ("1111", "1..1", "1111")
    assert cleaned(*two) == list(two)


def test_the_edge_of_the_window_counts_as_transparent() -> None:
    corner = ("11.", "11.", "...")
    assert cleaned(*corner) == list(corner)
    assert cleaned("..1", "...", "...") == ["...", "...", "..."]


def test_planes_of_a_stack_do_not_touch_each_other() -> None:
    stack = np.concatenate([plane("...", "...", ".1."), plane(".1.", "...", "...")])
    assert not clean(stack, nothing_spared(stack)).any()
    assert clean(stack, {}) is stack  # no rule, no work


@settings(max_examples=60, deadline=None)
@given(
    art=arrays(np.uint8, (3, 4, 9, 11), elements=st.sampled_from([0, 0, 0, 1, 2])),
    known=arrays(np.bool_, (3, 4)),
)
def test_no_drawing_of_the_art_is_ever_changed(art: NDArray[np.uint8], known: NDArray[np.bool_]) -> None:
    found = places(art, known)
    for item, view in np.argwhere(known):
        planes = art[item, view][None]
        spared = nothing_spared(planes)
        for rule, mask in spared.items():
            at = found[rule][found[rule][:, 0] == view]
            mask[0, at[:, 2], at[:, 1]] = True
        np.testing.assert_array_equal(clean(planes, spared), planes)


def test_places_are_sorted_and_leave_unknown_drawings_out() -> None:
    art = np.stack([np.stack([plane("1..", "...", "..1")[0], plane("...", ".1.", "...")[0]])] * 2)
    assert places(art, np.array([[True, False], [False, False]]))["speck"].tolist() == [[0, 0, 0], [0, 2, 2]]
    every = places(art, np.ones((2, 2), np.bool_))
    assert every["speck"].tolist() == [[0, 0, 0], [0, 2, 2], [1, 1, 1]]
    assert every["speck"].dtype == np.int16


def test_a_small_hole_of_the_art_is_spared_though_drawn_smaller() -> None:
    art = plane("11111", "1..11", "11111")
    found = places(art[None], np.ones((1, 1), np.bool_))
    assert found["pinhole"].tolist() == [[0, 1, 1], [0, 2, 1]]


def test_compose_cleans_but_spares_the_places_of_the_manifest_mirrored_too(manifest: Manifest) -> None:
    width = manifest.network("body").width
    view = np.zeros((24, 16), np.uint8)
    view[10:20, 4:12] = 1
    view[2, 3] = 2  # the artist's
    view[2, 13] = 2  # an error
    table = manifest.layer("body").parts[0]
    rows = manifest.animation("walk").directions
    number, x, y, flip = table.poses["walk"][rows.index("right"), 0].tolist()
    assert flip == 0
    assert table.poses["walk"][rows.index("left"), 0].tolist() == [number, x - 1, y, 1]
    ruled = replace(table, cleaning={"speck": np.array([[number, 3, 2]], np.int16)})
    body = replace(manifest.layer("body"), parts=(ruled,))
    careful = replace(manifest, layers=(body, *manifest.layers[1:]))
    mirrored = np.ascontiguousarray(view[:, ::-1])
    right, left = Pose("walk", "right", 0), Pose("walk", "left", 0)
    part = DrawnPart("body", "front", 10, 32, {right: Placed(x, y, view), left: Placed(x - 1, y, mirrored)})
    drawing = Drawing(recipe_of({}), (part,), 1.0, 0)
    frames = compose(careful, drawing).frames
    specks = {pose: [(int(c), int(r)) for r, c in np.argwhere(frame[: y + 10])] for pose, frame in frames.items()}
    assert specks == {right: [(x + 3, y + 2)], left: [(x - 1 + width - 1 - 3, y + 2)]}
    assert np.count_nonzero(compose(careful, drawing, cleaned=False).frames[right][: y + 10]) == 2
    assert np.count_nonzero(compose(manifest, drawing).frames[right][: y + 10]) == 2  # a bundle without places
