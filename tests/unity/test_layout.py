"""The package's sheets, sprites, clips and credits beside those that the Python side makes of the same character.

One run of tests/unity/layout/LayoutProgram.cs, compiled with the package's own Runtime/Core/Layout, writes everything.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sprites.conftest import draw
from tests.support.tiny_bundle import tiny_manifest
from tests.unity.mono import CORE, HERE, Mono
from vcg_bridge.contract.character import Character, Pose
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.sprites.compose import compose
from vcg_bridge.sprites.credits import credits_text
from vcg_bridge.sprites.effects import ground
from vcg_bridge.sprites.layout import packed, rows
from vcg_bridge.sprites.palette import rgba
from vcg_bridge.sprites.sheet import Sheet, clips

pytestmark = pytest.mark.unity

CREDITS = ["Body: Nobody. CC0-1.0.", "Hair:  Somebody.   OGA-BY 3.0. http://example.org/hair"]
EXISTING = "My own words.\n\n- Body: Nobody. CC0-1.0.\n  - Shoes: me"
LAYOUTS = ["rows", "packed", "extruded"]


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return replace(tiny_manifest(), name="tiny", title="Tiny", version="0.1.0", attribution="Drawn by Nobody")


@pytest.fixture(scope="module")
def character(manifest: Manifest) -> Character:
    """With a sword, so that some frames are larger, and an empty frame."""
    made = compose(manifest, draw(manifest))
    frames = dict(made.frames)
    frames[Pose("idle", "left", 1)] = np.zeros_like(frames[Pose("idle", "left", 1)])
    boxes = np.random.default_rng(3)  # of many shapes, so that the best of the sheet's widths is not among the first
    for pose, plane in frames.items():
        if pose.animation in ("walk", "idle", "combat-slash") and pose.direction in ("up", "right"):
            frames[pose] = cut = plane.copy()
            cut[int(boxes.integers(8, plane.shape[0])) :] = 0
            cut[:, : int(boxes.integers(0, plane.shape[1] // 2))] = 0
    palette = made.palette.copy()
    palette[0] = 0
    return replace(made, frames=frames, palette=palette)


@pytest.fixture(scope="module")
def sheets(manifest: Manifest, character: Character) -> dict[str, Sheet]:
    return {
        "rows": rows(character, manifest),
        "packed": packed(character, manifest),
        "extruded": packed(character, manifest, padding=2, extrude=1),
    }


@pytest.fixture(scope="module")
def written(mono: Mono, tmp_path_factory: pytest.TempPathFactory, manifest: Manifest, character: Character) -> Path:
    folder = tmp_path_factory.mktemp("layout")
    program = mono.compile("layout", [*sorted(CORE.rglob("*.cs")), HERE / "layout" / "LayoutProgram.cs"])
    lines, last = [], ""
    for pose, plane in character.frames.items():
        if pose.animation != last:
            animation = manifest.animation(pose.animation)
            lines.append(f"A {animation.id} {animation.fps} {'loop' if animation.loop else 'once'}")
            last = pose.animation
        lines.append(f"F {pose.direction} {pose.frame} {plane.shape[1]} {plane.shape[0]}")
    (folder / "frames.txt").write_text("\n".join(lines))
    (folder / "frames.bin").write_bytes(b"".join(plane.tobytes() for plane in character.frames.values()))
    (folder / "palette.bin").write_bytes(character.palette.tobytes())
    (folder / "credits.txt").write_text("\n".join(CREDITS))
    (folder / "existing.txt").write_text(EXISTING)
    mono.run(program, str(folder))
    return folder


def lines_of(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines()]


def name_of(pose: Pose) -> str:
    return f"{pose.animation}_{pose.direction}_{pose.frame}"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sheets_are_the_servers_pixel_for_pixel(written: Path, sheets: dict[str, Sheet], layout: str) -> None:
    sheet = sheets[layout]
    (width, height), *frames = lines_of(written / f"{layout}.txt")
    assert (int(height), int(width)) == sheet.plane.shape
    plane = np.frombuffer((written / f"{layout}.bin").read_bytes(), np.uint8).reshape(sheet.plane.shape)
    np.testing.assert_array_equal(plane, sheet.plane)
    expected = [[name_of(f.pose), f.x, f.y, f.w, f.h, f.source_x, f.source_y] for f in sheet.frames]
    assert frames == [[str(x) for x in frame] for frame in expected]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_png_files_hold_the_sheets_colours(written: Path, sheets: dict[str, Sheet], layout: str) -> None:
    with Image.open(written / f"{layout}.png") as image:
        image.load()  # checks the checksums
        assert image.mode == "RGBA"
        assert image.text == {"Copyright": "Künstler"}  # type: ignore[attr-defined]
        sheet = sheets[layout]
        np.testing.assert_array_equal(np.asarray(image), rgba(sheet.plane, sheet.palette))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("place", ["Feet", "Centre"])
def test_sprites_cut_the_frames_out_and_stand_still(
    written: Path, sheets: dict[str, Sheet], character: Character, layout: str, place: str
) -> None:
    """Cut as Unity cuts, from the bottom left, and put with the pivot on one point: the whole frames come out."""
    sheet = sheets[layout]
    height = sheet.plane.shape[0]
    slices = lines_of(written / f"{layout}.{place}.txt")
    assert len(slices) == len(character.frames)
    for (name, _, *numbers), (pose, plane) in zip(slices, character.frames.items(), strict=True):
        assert name == name_of(pose)
        x, y, w, h = map(int, numbers[:4])
        across, up = (float(n) * edge for n, edge in zip(numbers[4:], (w, h), strict=True))
        cut = sheet.plane[height - y - h : height - y, x : x + w]
        size = plane.shape[0]
        pivot_y = size // 2 - ground(character) - 1 if place == "Feet" else size / 2  # from the bottom of the frame
        left, bottom = size / 2 - across, pivot_y - up
        assert left == pytest.approx(round(left), abs=1e-3)
        assert bottom == pytest.approx(round(bottom), abs=1e-3)
        whole = np.zeros_like(plane)
        top = size - round(bottom) - h
        whole[top : top + h, round(left) : round(left) + w] = cut
        np.testing.assert_array_equal(whole, plane, err_msg=name)


def test_sprite_ids_follow_from_the_name_alone(written: Path) -> None:
    by_layout = [{row[0]: row[1] for row in lines_of(written / f"{layout}.Feet.txt")} for layout in LAYOUTS]
    assert by_layout[0] == by_layout[1] == by_layout[2]
    assert len(set(by_layout[0].values())) == len(by_layout[0])
    for name, identity in by_layout[0].items():  # this very rule, for ever: scenes refer to the ids
        assert identity == hashlib.sha256(f"vcg-bridge sprite {name}".encode()).hexdigest()[:32]


def test_ids_that_a_texture_has_are_kept(written: Path) -> None:
    plain = [(row[0], row[1]) for row in lines_of(written / "packed.Feet.txt")]
    rows_ = lines_of(written / "ids.txt")
    ids = {name: identity for name, identity, _ in rows_}
    assert ids[plain[0][0]] == "a" * 32  # what Unity gave it stays
    assert ids["mine"] == plain[1][1]  # renamed by hand: it keeps its id ...
    assert ids[plain[1][0]] != plain[1][1]  # ... and the new sprite of the old name gets another
    assert ids["gone_down_0"] == "b" * 32  # comes back with its id
    assert "twice" not in ids
    assert dict(plain[2:]).items() <= ids.items()
    assert len(set(ids.values())) == len(ids)
    assert all(again == identity for _, identity, again in rows_)


def test_clips_are_the_sheets_tags(written: Path, sheets: dict[str, Sheet], manifest: Manifest) -> None:
    found = lines_of(written / "clips.txt")
    expected = list(clips(sheets["rows"], manifest))
    assert [row[0] for row in found] == [clip.name for clip in expected]
    assert len({row[2] for row in found}) == len(found)
    for row, clip in zip(found, expected, strict=True):
        assert row[1] == ("loop" if clip.loop else "once")
        keys = [key.split("@") for key in row[3:]]
        assert [name for name, _ in keys] == [name_of(frame.pose) for frame in clip.frames]
        assert [float(time) for _, time in keys] == pytest.approx([i / clip.fps for i in range(len(keys))])


def test_the_animator_has_a_state_for_each_animation(written: Path) -> None:
    assert (written / "controller.txt").read_text().splitlines() == [
        "default idle",
        "state walk loop walk_up walk_left walk_down walk_right",
        "state idle loop idle_up idle_left idle_down idle_right",
        "state climb loop climb_up",
        "state combat-slash once combat-slash_up combat-slash_left combat-slash_down combat-slash_right",
        "transition idle walk > 0.1",
        "transition walk idle < 0.1",
    ]


def test_credits_are_the_commands_text(written: Path, manifest: Manifest) -> None:
    assert (written / "credits.new.txt").read_text() == credits_text(manifest, CREDITS)
    merged = (written / "credits.merged.txt").read_text()
    assert merged == credits_text(manifest, CREDITS, EXISTING)
    assert merged.startswith(EXISTING)


def test_the_feet_are_where_the_server_sees_them(written: Path, character: Character) -> None:
    assert int((written / "ground.txt").read_text()) == ground(character)


def test_what_was_edited_is_told_from_what_was_written(written: Path) -> None:
    line, again, *answers = (written / "record.txt").read_text().splitlines()
    digest = hashlib.sha256(bytes([1, 2, 3])).hexdigest()[:16]
    assert line == again == f"vcg1 guard%207.png={digest} walk_down%3D=00ff"
    assert answers == ["False", "True", "False", "True", "0"]


def test_what_cannot_be_laid_out_is_refused_with_words(written: Path) -> None:
    assert (written / "refused.txt").read_text().splitlines() == [
        "no frames: there is no frame to lay out; ask for at least one animation",
        "no frames, packed: there is no frame to lay out; ask for at least one animation",
        "padding: padding must be 0 to 64 and extrude 0 to 16 pixels, not 65 and 0; use the defaults",
        "size: 8 bytes for 3 x 3 pixels",
        "twice: the animation 'walk' is there already",
        "palette: a palette has 1024 bytes, not 768",
        "edge: the sheet would be 192064x64 pixels; engines take 16384 at most; choose fewer animations, or the packed layout",
    ]


def test_rows_are_turned_over_for_textures(written: Path, character: Character) -> None:
    first = next(iter(character.frames.values()))
    assert (written / "flipped.bin").read_bytes() == first[::-1].tobytes()


def test_animations_can_be_put_in_the_models_order(written: Path) -> None:
    assert (written / "order.txt").read_text() == "idle walk climb combat-slash"
