"""Views: which poses show the same drawing, and whether every frame comes back from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from training.packs.check import place
from training.packs.neutral import Group
from training.packs.views import PoseKey, Views, find_views

Frame = NDArray[np.uint8]
SIZE = 24
BOOT = np.array([[1, 0, 0], [1, 2, 0], [1, 2, 3]], np.uint8)
HAT = np.array([[0, 4, 4, 4], [4, 4, 5, 5]], np.uint8)


def frame(*drawings: tuple[Frame, int, int]) -> Frame:
    out = np.zeros((SIZE, SIZE), np.uint8)
    for drawing, x, y in drawings:
        out[y : y + drawing.shape[0], x : x + drawing.shape[1]] = drawing
    return out


def mirrored(picture: Frame) -> Frame:
    return np.ascontiguousarray(picture[:, ::-1])


def poses(n: int) -> list[PoseKey]:
    return [("walk", 0, f) for f in range(n)]


def rebuilt(views: Views, item: int, pose: PoseKey) -> Frame:
    members = tuple(("layer", f"item{i}") for i in range(views.planes.shape[0]))
    group = Group("g", (("layer", "front"),), members, views.planes, views.known, views.poses_per_view, 9)
    return place(group, item, np.array(views.table.get(pose, (-1, 0, 0, 0)), np.int16), SIZE)


def test_a_moved_drawing_is_one_view() -> None:
    keys = poses(3)
    art = [dict(zip(keys, [frame((BOOT, x, y)) for x, y in ((2, 3), (9, 3), (20, 21))], strict=True))]
    views = find_views(art, keys)
    assert views.planes.shape == (1, 1, 4, 4)  # windows are multiples of 4
    assert views.poses_per_view.tolist() == [3]
    for key in keys:
        np.testing.assert_array_equal(rebuilt(views, 0, key), art[0][key])


def test_a_mirrored_drawing_is_one_view_and_the_first_seen_is_not_flipped() -> None:
    keys = poses(2)
    picture = frame((BOOT, 5, 6))
    views = find_views([{keys[0]: picture, keys[1]: mirrored(picture)}], keys)
    assert views.planes.shape[1] == 1
    assert [views.table[k][3] for k in keys] == [0, 1]
    np.testing.assert_array_equal(rebuilt(views, 0, keys[1]), mirrored(picture))


def test_items_must_move_together() -> None:
    keys = poses(2)
    boot, hat = [frame((BOOT, 5, 9)), frame((BOOT, 6, 9))], [frame((HAT, 5, 2)), frame((HAT, 5, 2))]
    art = [dict(zip(keys, f, strict=True)) for f in (boot, hat)]
    assert find_views(art, keys).planes.shape[1] == 2


def test_one_different_pixel_is_another_view() -> None:
    keys = poses(2)
    other = BOOT.copy()
    other[2, 2] = 1
    views = find_views([{keys[0]: frame((BOOT, 5, 9)), keys[1]: frame((other, 5, 9))}], keys)
    assert views.planes.shape[1] == 2


def test_missing_art_is_known_from_another_pose_of_the_view() -> None:
    keys = poses(3)
    boot = dict(zip(keys, [frame((BOOT, x, 9)) for x in (2, 8, 14)], strict=True))
    hat = {keys[1]: frame((HAT, 8, 2))}  # drawn in one pose only
    views = find_views([boot, hat], keys)
    assert views.planes.shape[1] == 1
    assert views.known.all()
    np.testing.assert_array_equal(rebuilt(views, 1, keys[2]), frame((HAT, 14, 2)))


def test_art_that_no_pose_of_the_view_has_is_unknown_and_zero() -> None:
    keys = poses(2)
    other = np.full((3, 3), 7, np.uint8)
    boot = {keys[0]: frame((BOOT, 2, 9)), keys[1]: frame((other, 2, 9))}
    views = find_views([boot, {keys[0]: frame((HAT, 2, 2))}], keys)
    unknown = views.table[keys[1]][0]
    assert views.known[1].tolist() == [v != unknown for v in range(2)]
    assert not views.planes[1, unknown].any()


def test_an_empty_frame_is_art_and_an_empty_pose_shows_nothing() -> None:
    keys = poses(3)
    nothing = frame()
    hat = {keys[0]: frame((HAT, 3, 3)), keys[1]: nothing, keys[2]: nothing}
    boot = {keys[0]: frame((BOOT, 3, 9)), keys[1]: frame((BOOT, 3, 9)), keys[2]: nothing}
    views = find_views([hat, boot], keys)
    assert views.planes.shape[1] == 2  # with and without hat
    assert views.known.all()
    assert keys[2] not in views.table


def test_poses_of_different_items_only_are_not_merged() -> None:
    """Nothing says that two drawings belong to one pose when no item is in both."""
    keys = poses(2)
    views = find_views([{keys[0]: frame((BOOT, 3, 9))}, {keys[1]: frame((HAT, 3, 2))}], keys)
    assert views.planes.shape[1] == 2
    assert views.known.sum() == 2


def test_content_at_the_edges_of_the_frame() -> None:
    keys = poses(2)
    art = [{keys[0]: frame((BOOT, 0, 0)), keys[1]: mirrored(frame((BOOT, 0, 21)))}]
    views = find_views(art, keys)
    assert views.planes.shape[1] == 1
    for key in keys:
        np.testing.assert_array_equal(rebuilt(views, 0, key), art[0][key])


def test_like_lies_over_like_in_the_windows() -> None:
    """A small view is placed where it overlaps the big one, not in a corner."""
    keys = poses(2)
    coat = np.full((12, 8), 1, np.uint8)
    views = find_views([{keys[0]: frame((coat, 4, 4)), keys[1]: frame((coat[:6, :4], 4, 4))}], keys)
    small = views.planes[0, views.table[keys[1]][0]]
    assert small.sum() == 24
    assert small.any(1).sum() == 6


@pytest.mark.parametrize("seed", range(3))
def test_the_same_art_gives_the_same_views(seed: int) -> None:
    rng = np.random.default_rng(seed)
    keys = poses(6)
    art = [
        {k: frame((BOOT if rng.random() < 0.5 else HAT, *rng.integers(0, 18, 2).tolist())) for k in keys}
        for _ in range(2)
    ]
    one, two = find_views(art, keys), find_views(art, keys)
    np.testing.assert_array_equal(one.planes, two.planes)
    assert one.table == two.table


DRAWINGS = [BOOT, HAT, np.array([[6]], np.uint8), np.zeros((1, 1), np.uint8)]


@st.composite
def packs(draw: st.DrawFn) -> list[dict[PoseKey, Frame]]:
    """Items over six poses: drawings moved and mirrored together, some missing."""
    keys = poses(6)
    moves = [(draw(st.integers(0, 8)), draw(st.integers(0, 8)), draw(st.booleans())) for _ in keys]
    items = []
    for _ in range(draw(st.integers(1, 3))):
        x, y = draw(st.integers(0, 8)), draw(st.integers(0, 8))
        frames = {}
        for key, (dx, dy, flip) in zip(keys, moves, strict=True):
            if draw(st.integers(0, 3)):
                picture = frame((DRAWINGS[draw(st.integers(0, 3))], x + dx, y + dy))
                frames[key] = mirrored(picture) if flip else picture
        items.append(frames)
    return items


@settings(max_examples=60, deadline=None)
@given(packs())
def test_every_frame_of_the_art_comes_back(art: list[dict[PoseKey, Frame]]) -> None:
    keys = poses(6)
    if not any(f.any() for frames in art for f in frames.values()):
        return
    views = find_views(art, keys)
    assert views.planes.shape[2] % 4 == 0
    assert views.planes.shape[3] % 4 == 0
    assert views.poses_per_view.sum() == len(views.table)
    assert not views.planes[~views.known].any()
    for item, frames in enumerate(art):
        for key, picture in frames.items():
            np.testing.assert_array_equal(rebuilt(views, item, key), picture)
            if key in views.table:
                assert views.known[item, views.table[key][0]]
