from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.sprites.conftest import recipe_of
from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.contract.manifest import DIRECTIONS, Animation, Manifest
from vcg_bridge.sprites.layout import lay_out, packed, rows
from vcg_bridge.sprites.lpc import lpc
from vcg_bridge.sprites.normals import FLAT, normal_maps
from vcg_bridge.sprites.sheet import Sheet, clips, paint, scale_sheet

ULPC = {  # name: (frames, loop, directions), as LPC Revised has them
    "walk": 8, "run": 8, "idle": 3, "jump": 6, "climb": 6, "combat-idle": 2, "combat-slash": 7, "combat-halfslash": 6,
    "combat-backslash": 12, "emotes": 3, "sitting": 3, "expressions": 12,
}  # fmt: skip


def check(sheet: Sheet, character: Character) -> None:
    """Every frame is on the sheet, whole, where the sheet says, and nothing overlaps."""
    assert [f.pose for f in sheet.frames] == list(character.frames)
    cells: dict[tuple[int, int, int, int], bytes] = {}
    for frame in sheet.frames:
        plane = character.frames[frame.pose].repeat(sheet.scale, axis=0).repeat(sheet.scale, axis=1)
        restored = np.zeros_like(plane)
        cut = sheet.plane[frame.y : frame.y + frame.h, frame.x : frame.x + frame.w]
        restored[frame.source_y : frame.source_y + frame.h, frame.source_x : frame.source_x + frame.w] = cut
        np.testing.assert_array_equal(restored, plane)
        assert (frame.source_h, frame.source_w) == plane.shape
        cells[frame.x, frame.y, frame.w, frame.h] = cut.tobytes()
    covered = np.zeros(sheet.plane.shape, np.int32)
    for x, y, w, h in cells:
        covered[y - sheet.extrude : y + h + sheet.extrude, x - sheet.extrude : x + w + sheet.extrude] += 1
    assert covered.max() == 1


def full(manifest: Manifest, size: int = 32) -> tuple[Character, Manifest]:
    """A character in all animations of LPC Revised; every frame has a picture of its own."""
    animations = tuple(
        Animation(name, name, count, 10.0, True, ("up",) if name == "climb" else DIRECTIONS)
        for name, count in ULPC.items()
    )
    frames = {}
    for animation in animations:
        for direction in animation.directions:
            for frame in range(animation.frames):
                number = len(frames) + 1
                plane = np.zeros((size, size), np.uint8)
                plane[8, 8], plane[9, 9], plane[20:30, 10:20] = number % 200 + 1, number // 200 + 1, 3
                frames[Pose(animation.id, direction, frame)] = plane
    character = Character(recipe_of({}), frames, np.zeros((256, 4), np.uint8))
    return character, replace(manifest, animations=animations)


def test_rows_are_directions_and_columns_frames(manifest: Manifest, character: Character) -> None:
    sheet = rows(character, manifest)
    check(sheet, character)
    at = {f.pose: (f.x, f.y) for f in sheet.frames}
    assert at[Pose("walk", "up", 0)] == (0, 0)
    assert at[Pose("walk", "left", 2)] == (64, 32)
    assert at[Pose("walk", "right", 1)] == (32, 96)
    assert at[Pose("idle", "up", 0)] == (0, 128)
    assert at[Pose("climb", "up", 1)] == (32, 256)
    assert at[Pose("combat-slash", "down", 2)] == (128, 288 + 128)  # 64x64 frames on their own grid, last
    assert sheet.plane.shape == (288 + 4 * 64, 3 * 64)
    assert {f.duration_ms for f in sheet.frames if f.pose.animation == "combat-slash"} == {83}


def test_lpc_puts_frames_where_lpc_tools_look(manifest: Manifest) -> None:
    character, manifest = full(manifest)
    sheet = lpc(character, manifest)
    check(sheet, character)
    assert sheet.plane.shape[1] == 13 * 32

    def cell(column: int, row: int) -> bytes:
        return sheet.plane[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32].tobytes()

    def frame(animation: str, direction: str, number: int) -> bytes:
        return character.frames[Pose(animation, direction, number)].tobytes()

    for row, direction in enumerate(DIRECTIONS):  # the tables of the generator: first row, cycle of columns
        assert cell(0, 8 + row) == frame("idle", direction, 0)
        for i in range(8):
            assert cell(1 + i, 8 + row) == frame("walk", direction, i)
            assert cell(i, 38 + row) == frame("run", direction, i)
        assert [cell(c, 22 + row) for c in (0, 1)] == [frame("idle", direction, i) for i in (0, 2)]
        assert [cell(c, 26 + row) for c in range(5)] == [frame("jump", direction, i) for i in range(5)]
        assert [cell(c, 30 + row) for c in range(3)] == [frame("sitting", direction, i) for i in range(3)]
        assert [cell(c, 34 + row) for c in range(3)] == [frame("emotes", direction, i) for i in range(3)]
        assert [cell(c, 42 + row) for c in range(2)] == [frame("combat-idle", direction, i) for i in range(2)]
        assert [cell(c, 46 + row) for c in range(7)] == [frame("combat-slash", direction, i) for i in range(7)]
        assert [cell(c, 46 + row) for c in range(7, 13)] == [
            frame("combat-backslash", direction, i) for i in range(6, 12)
        ]
        assert [cell(c, 50 + row) for c in range(6)] == [frame("combat-halfslash", direction, i) for i in range(6)]
    assert [cell(c, 21) for c in range(6)] == [frame("climb", "up", i) for i in range(6)]
    for row in [*range(8), *range(12, 21)]:  # spellcast, thrust, overhand slash, shoot, hurt: the art has none
        assert not sheet.plane[row * 32 : row * 32 + 32].any()
    below = {f.pose.animation for f in sheet.frames if f.y >= 54 * 32}
    assert below == {"idle", "jump", "combat-backslash", "expressions"}


def test_lpc_frames_of_one_row_lie_side_by_side(manifest: Manifest) -> None:
    character, manifest = full(manifest)
    for clip in clips(lpc(character, manifest), manifest):
        first = clip.frames[0]
        assert [(f.x, f.y) for f in clip.frames] == [(first.x + i * 32, first.y) for i in range(len(clip.frames))]


def test_lpc_leaves_oversize_frames_whole_and_below(manifest: Manifest, character: Character) -> None:
    sheet = lpc(character, manifest)
    check(sheet, character)
    assert not sheet.plane[46 * 32 : 50 * 32].any()
    slash = [f for f in sheet.frames if f.pose.animation == "combat-slash"]
    assert {(f.w, f.h) for f in slash} == {(64, 64)}
    assert min(f.y for f in slash) >= 54 * 32
    assert {f.y for f in sheet.frames if f.pose.animation == "walk"} == {row * 32 for row in range(8, 12)}
    walking = Character(
        character.recipe, {p: f for p, f in character.frames.items() if p.animation == "walk"}, character.palette
    )
    np.testing.assert_array_equal(  # the standing figure, where idle was not drawn
        lpc(walking, manifest).plane[8 * 32 : 9 * 32, :32], walking.frames[Pose("walk", "up", 0)]
    )


@pytest.mark.parametrize("trim", ["each", "common", "none"])
@pytest.mark.parametrize(
    ("padding", "extrude", "power_of_two"), [(0, 0, False), (1, 0, True), (2, 1, False), (3, 2, True)]
)
def test_packed_keeps_every_frame(
    manifest: Manifest, character: Character, trim: str, padding: int, extrude: int, power_of_two: bool
) -> None:
    sheet = packed(character, manifest, padding=padding, extrude=extrude, power_of_two=power_of_two, trim=trim)
    check(sheet, character)
    height, width = sheet.plane.shape
    if power_of_two:
        assert width & (width - 1) == 0
        assert height & (height - 1) == 0
    rects = sorted({(f.x - extrude, f.y - extrude, f.w + 2 * extrude, f.h + 2 * extrude) for f in sheet.frames})
    for i, (x, y, w, h) in enumerate(rects):  # at least the padding between any two
        for x2, y2, w2, h2 in rects[i + 1 :]:
            assert x2 >= x + w + padding or x >= x2 + w2 + padding or y2 >= y + h + padding or y >= y2 + h2 + padding
        assert 0 <= x <= x + w <= width
        assert 0 <= y <= y + h <= height


def test_packed_draws_equal_pictures_once_and_trims(manifest: Manifest, character: Character) -> None:
    sheet = packed(character, manifest)
    pictures = {(f.x, f.y) for f in sheet.frames}
    assert len(pictures) < len(sheet.frames)
    assert sheet.plane.size < rows(character, manifest).plane.size / 2
    assert all(f.trimmed for f in sheet.frames)


def test_extruded_edges_repeat_the_picture(manifest: Manifest, character: Character) -> None:
    sheet = packed(character, manifest, extrude=2)
    frame = sheet.frames[0]
    cut = sheet.plane[frame.y - 2 : frame.y + frame.h + 2, frame.x - 2 : frame.x + frame.w + 2]
    inner = sheet.plane[frame.y : frame.y + frame.h, frame.x : frame.x + frame.w]
    np.testing.assert_array_equal(cut, np.pad(inner, 2, mode="edge"))


@pytest.mark.parametrize("layout", ["rows", "lpc", "packed"])
def test_scaled_sheets_and_normal_sheets_fit_the_frames(manifest: Manifest, character: Character, layout: str) -> None:
    sheet = scale_sheet(lay_out(layout, character, manifest, extrude=1 if layout == "packed" else 0), 3)
    check(sheet, character)
    maps = normal_maps(character, manifest)
    normals = paint(sheet, maps, FLAT)
    assert normals.shape == (*sheet.plane.shape, 3)
    frame = sheet.frames[-1]
    large = maps[frame.pose].repeat(3, axis=0).repeat(3, axis=1)
    cut = large[frame.source_y : frame.source_y + frame.h, frame.source_x : frame.source_x + frame.w]
    np.testing.assert_array_equal(normals[frame.y : frame.y + frame.h, frame.x : frame.x + frame.w], cut)
    if layout != "packed":
        assert (normals[sheet.plane == 0] == FLAT).all()
    if layout == "lpc":  # copies that are not named by frames are painted too
        np.testing.assert_array_equal(normals != FLAT, paint(sheet, maps, FLAT) != FLAT)
        assert (normals[8 * 96 : 9 * 96, :96] != FLAT).any()


def test_clips_name_animation_and_direction(manifest: Manifest, character: Character) -> None:
    found = list(clips(rows(character, manifest), manifest))
    assert [c.name for c in found][:4] == ["walk_up", "walk_left", "walk_down", "walk_right"]
    assert "climb_up" in [c.name for c in found]
    assert sum(len(c.frames) for c in found) == len(character.frames)
    assert [c.first for c in found][:3] == [0, 3, 6]


def test_bad_wishes_are_refused(manifest: Manifest, character: Character) -> None:
    with pytest.raises(BadRequest, match=r"'row'.*rows"):
        lay_out("row", character, manifest)
    with pytest.raises(BadRequest, match="padding"):
        packed(character, manifest, padding=-1)
    with pytest.raises(BadRequest, match="trim"):
        packed(character, manifest, trim="a bit")
    nothing = Character(character.recipe, {}, character.palette)
    for layout in ("rows", "lpc", "packed"):
        with pytest.raises(BadRequest, match="no frame"):
            lay_out(layout, nothing, manifest)


def test_sheets_too_large_for_engines_are_refused(manifest: Manifest) -> None:
    frames = {Pose("walk", "up", i): np.ones((512, 512), np.uint8) for i in range(33)}
    with pytest.raises(BadRequest, match="16384"):
        rows(Character(recipe_of({}), frames, np.zeros((256, 4), np.uint8)), manifest)
