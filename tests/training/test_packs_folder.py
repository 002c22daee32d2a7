"""`python -m training prepare` on art of one's own: what is read, what is left out and listed, licence and credits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from tests.training.own_art import ROBOTS, ROBOTS_YAML, SIZE, draw_plants, draw_robots, rows_of, save, sheet_of
from training.packs.check import place
from training.packs.command import prepare, prepare_pack
from training.packs.generic import Options
from training.packs.neutral import Pack, load_pack
from vcg_bridge.contract.errors import PackError

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run() -> Run:
    """The command as a user types it: (exit code, what it printed)."""
    app = typer.Typer()
    app.command()(prepare)

    def call(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(x) for x in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, " ".join(result.output.split())

    return call


@pytest.fixture
def robots(tmp_path: Path) -> Path:
    return draw_robots(tmp_path / "robots")


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    return draw_plants(tmp_path / "plants")


CC0 = Options(licence="CC0", attribution="Plants by Cy")


def frame_in(pack: Pack, layer: str, item: str, animation: str, direction: int, frame: int) -> np.ndarray:
    """uint8 [size, size, 3] RGB and clear as 0: an item as the pack has it."""
    group = next(g for g in pack.groups if (layer, "front") in g.members)
    entry = pack.poses[f"{layer}/front"][animation][direction, frame]
    plane = place(group, group.items.index((layer, item)), entry, pack.frame_size)
    known = next(i for i in pack.items if (i.layer, i.id) == (layer, item))
    table = np.zeros((256, 3), np.uint8)
    base = 1
    for m in pack.layer(layer).materials:
        if m.group in known.ramps:
            table[base : base + m.shades] = pack.ramp(m.kind, known.ramps[m.group]).colours
        base += m.shades
    for n, colour in enumerate(known.fixed):
        table[base + n] = colour
    return table[plane]


def test_a_layered_folder_is_read_as_it_is_drawn(robots: Path, tmp_path: Path) -> None:
    pack, checked = prepare_pack(robots, tmp_path / "pack")
    assert [(x.id, x.required, [p.part for p in x.parts]) for x in pack.layers] == [
        ("chassis", True, ["front"]),
        ("head", False, ["front"]),
        ("gear", False, ["behind", "front"]),
    ]
    assert {i.id for i in pack.items} == {name.split("/")[1] for name in ROBOTS} | {"jetpack"}
    assert checked.frames == 9 * (4 * 2 + 4 * 4)  # eight items, and what is behind one of them
    assert checked.cleaned_pixels == 0
    sheet = np.asarray(Image.open(robots / "head/visor.png").convert("RGBA"))
    for direction, frame in ((0, 0), (1, 3), (2, 1)):
        y, x = SIZE * (4 + direction), SIZE * frame  # walk is below the four rows of idle
        cell = sheet[y : y + SIZE, x : x + SIZE]
        expected = np.where(cell[..., 3:] > 0, cell[..., :3], 0)
        np.testing.assert_array_equal(frame_in(pack, "head", "visor", "walk", direction, frame), expected)
    assert {r.id for r in pack.ramps if r.kind == "chassis"} == {"red", "blue", "green"}
    assert [a.id for a in pack.archetypes] == ["any"]
    for name in ("overview.png", "palette.png"):
        assert Image.open(tmp_path / "pack" / name).width > 300
    assert load_pack(tmp_path / "pack").attribution == (
        "Characters drawn by a model of the art of Little Robots by Ada Painter, Bo Pixel, CC0 1.0; see the credits file."
    )


def test_a_flat_folder_needs_no_yaml_but_a_licence(plants: Path, tmp_path: Path, run: Run) -> None:
    code, said = run(plants, "--out", tmp_path / "pack")
    assert code == 2
    assert "does not say under which licence" in said
    assert not (tmp_path / "pack").exists()
    code, said = run(plants, "--out", tmp_path / "pack", "--licence", "CC0", "--attribution", "Plants by Cy")
    assert code == 0, said
    pack = load_pack(tmp_path / "pack")
    assert (pack.name, pack.licence, pack.attribution, pack.frame_size) == ("plants", "CC0", "Plants by Cy", SIZE)
    assert [x.id for x in pack.layers] == ["character"]
    assert [a.id for a in pack.archetypes] == ["any", "autumn-fern", "cactus", "fern", "reed"]
    own = next(i for i in pack.items if i.id == "fern").ramps
    fern = next(a for a in pack.archetypes if a.id == "fern")
    assert {group: list(weights) for group, weights in fern.ramps.items()} == {g: [r] for g, r in own.items()}
    assert [c.details for c in pack.credits] == ["Plants by Cy"]


def test_bad_pictures_are_listed_and_the_rest_is_read(robots: Path, tmp_path: Path, run: Run) -> None:
    (robots / "head/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no more")
    save(robots / "head/nothing.png", np.zeros((8 * SIZE, 4 * SIZE, 4), np.uint8))
    save(robots / "head/small.png", np.full((SIZE, SIZE + 1, 4), 255, np.uint8))
    save(robots / "head/more.png", np.full((9 * SIZE, 4 * SIZE, 4), 255, np.uint8))
    save(robots / "head/twin.png", sheet_of(ROBOTS["head/box"]))
    save(robots / "gear/jetpack/wlak.png", rows_of(ROBOTS["gear/antenna"], 4, 4))
    save(robots / "gear/behind/alone.png", sheet_of(ROBOTS["gear/antenna"]))
    (robots / "head/notes.doc").write_text("notes")
    code, said = run(robots, "--out", tmp_path / "pack")
    assert code == 0, said
    report = json.loads((tmp_path / "pack/pack.json").read_text())["report"]
    assert {(x["file"], x["kind"]) for x in report["skipped"]} == {
        ("head/broken.png", "corrupt"),
        ("head/nothing.png", "empty"),
        ("head/small.png", "wrong size"),
        ("head/more.png", "wrong size"),
        ("head/twin", "duplicate"),
        ("gear/jetpack/wlak.png", "no animation"),
        ("gear/behind/alone.png", "no front"),
    }
    assert report["other_files"] == ["head/notes.doc"]
    for name in ("head/broken.png", "head/twin", 'did you mean "walk"', "in row 0, column 2", "head/notes.doc"):
        assert name in said
    assert {i.id for i in load_pack(tmp_path / "pack").items if i.layer == "head"} == {"box", "dome", "visor"}
    code, said = run(robots, "--out", tmp_path / "pack", "--strict")
    assert code == 2
    assert "without --strict it is left out and listed" in said


def test_nothing_left_is_an_error(tmp_path: Path, run: Run) -> None:
    (tmp_path / "art").mkdir()
    assert "no pictures" in run(tmp_path / "art", "--licence", "CC0")[1]
    (tmp_path / "art/a.png").write_bytes(b"no picture")
    code, said = run(tmp_path / "art", "--licence", "CC0", "--out", tmp_path / "pack")
    assert code == 2
    assert "a.png: cannot be read" in said
    assert not (tmp_path / "pack").exists()
    assert "there is no folder" in run(tmp_path / "elsewhere")[1]


def test_layers_without_a_yaml_are_pointed_to_it(robots: Path, tmp_path: Path, run: Run) -> None:
    (robots / "pack.yaml").unlink()
    code, said = run(robots, "--licence", "CC0", "--out", tmp_path / "pack")
    assert code == 2
    assert "art in layers, and sheets, need a pack.yaml" in said


def test_a_missing_layer_folder_is_named_with_what_is_near(robots: Path, tmp_path: Path, run: Run) -> None:
    (robots / "pack.yaml").write_text(ROBOTS_YAML.replace("gear]", "gaer]"))
    code, said = run(robots, "--out", tmp_path / "pack")
    assert code == 2
    assert 'did you mean "gear"' in said


def test_missing_animations_are_for_the_network_to_fill_in(robots: Path, tmp_path: Path) -> None:
    short = sheet_of(ROBOTS["head/dome"])[: 4 * SIZE]
    save(robots / "head/dome.png", short)  # idle only
    (robots / "gear/jetpack/walk.png").unlink()
    (robots / "gear/behind/jetpack/walk.png").unlink()
    pack, _ = prepare_pack(robots, tmp_path / "pack")
    missing = pack.report["missing"]
    assert isinstance(missing, dict)
    assert missing["head/dome"] == {"fill_in": ["walk"], "not_drawn": []}
    assert missing["gear/jetpack"] == {"fill_in": ["walk"], "not_drawn": []}
    assert next(i for i in pack.items if i.id == "dome").drawn == ("idle",)


def test_rows_in_another_order_oblong_frames_and_a_coloured_background(tmp_path: Path) -> None:
    rows = rows_of(ROBOTS["chassis/crate"], 4, 4, (2, 1, 3, 0))  # RPG Maker's order
    cells = rows.reshape(4, SIZE, 4, SIZE, 4)[:, 4:, :, 8:24]  # 16 wide, 28 high
    rows = cells.reshape(4 * 28, 4 * 16, 4).copy()
    rows[rows[..., 3] == 0] = (255, 0, 255, 255)
    save(tmp_path / "art/crate.png", rows)
    yaml = 'licence: CC0\ncredits: Ada\nframe: [16, 28]\nbackground: "#ff00ff"\ndirections: [down, left, right, up]\nanimations: {walk: 4}'
    (tmp_path / "art/pack.yaml").write_text(yaml)
    pack, _ = prepare_pack(tmp_path / "art", tmp_path / "pack")
    assert pack.frame_size == 28
    assert pack.animations[0].directions == ("up", "left", "down", "right")
    for row, at in ((0, 3), (1, 1), (2, 0), (3, 2)):
        drawn = frame_in(pack, "character", "crate", "walk", row, 2)
        cell = cells[at, :, 2]
        np.testing.assert_array_equal(drawn[:, 6:22], np.where(cell[..., 3:] > 0, cell[..., :3], 0))
        assert not drawn[:, :6].any()
    assert pack.report["without_transparency"] == []


def test_bodies_kinds_and_archetypes(tmp_path: Path) -> None:
    art = tmp_path / "art"
    for name, like in {
        "body/tall/one": "chassis/stick",
        "body/wide/two": "chassis/crate",
        "hat/tall/cap": "head/dome",
        "hat/wide/cap": "head/box",
        "hat/crown": "head/visor",
    }.items():
        save(art / f"{name}.png", sheet_of(ROBOTS[like]))
    text = (
        ROBOTS_YAML.replace("[chassis, head, gear]", '{body: , hat: {chance: 0.5, kinds: {royal: "crown*"}}}')
        + 'bodies: [tall, wide]\narchetypes: {king: {layers: {hat: "crown"}, ramps: {hat: "r*"}}, folk: {}}\n'
    )
    (art / "pack.yaml").write_text(text)
    pack, _ = prepare_pack(art, tmp_path / "pack")
    assert {(i.id, i.body, i.kind) for i in pack.items} == {
        ("one.tall", "tall", "body"),
        ("two.wide", "wide", "body"),
        ("cap.tall", "tall", "hat"),
        ("cap.wide", "wide", "hat"),
        ("crown", "", "royal"),
    }
    king, folk = pack.archetypes
    assert dict(king.layers["hat"].items) == {"crown": 1.0}
    assert folk.layers["hat"].chance == 0.5
    assert set(folk.layers["body"].items) == {"one.tall", "two.wide"}
    (art / "body/wide/two.png").unlink()
    with pytest.raises(PackError, match="made for body 'wide'"):
        prepare_pack(art, tmp_path / "pack")


def test_credits_per_item_from_yaml_csv_and_text(robots: Path, tmp_path: Path) -> None:
    per_item = ROBOTS_YAML.replace(
        "credits: [Ada Painter, Bo Pixel]",
        "credits:\n- {artists: Ada, items: chassis/*, licence: CC-BY 4.0}\n- {artists: [Bo], details: all the rest}",
    )
    (robots / "pack.yaml").write_text(per_item)
    pack, _ = prepare_pack(robots, tmp_path / "pack")
    lines = {c.key: c for c in pack.credits}

    def artists(layer: str, item: str) -> list[tuple[tuple[str, ...], str]]:
        keys = next(i.credits for i in pack.items if (i.layer, i.id) == (layer, item))
        return [(lines[k].artists, lines[k].licence) for k in keys]

    assert artists("chassis", "crate") == [(("Ada",), "CC-BY 4.0")]
    assert artists("head", "box") == [(("Bo",), "CC0 1.0")]
    (robots / "pack.yaml").write_text(ROBOTS_YAML.replace("credits: [Ada Painter, Bo Pixel]\n", ""))
    (robots / "CREDITS.csv").write_text(
        'filename,authors,licenses,notes\nhead/dome.png,"Cy, Di",CC-BY 4.0,\n,Everybody,,\n'
    )
    pack, _ = prepare_pack(robots, tmp_path / "pack")
    lines = {c.key: c for c in pack.credits}
    assert artists("head", "dome") == [(("Cy", "Di"), "CC-BY 4.0")]
    assert artists("head", "box") == [(("Everybody",), "CC0 1.0")]
    (robots / "CREDITS.csv").unlink()
    (robots / "Credits.txt").write_text("Robots drawn by Eve, and Flo.\n")
    pack, _ = prepare_pack(robots, tmp_path / "pack")
    lines = {c.key: c for c in pack.credits}
    assert artists("head", "box") == [(("Eve", "Flo"), "CC0 1.0")]
    (robots / "Credits.txt").unlink()
    with pytest.raises(PackError, match="nobody is credited"):
        prepare_pack(robots, tmp_path / "pack")


def test_too_many_colours_are_refused_and_can_be_reduced(tmp_path: Path, run: Run) -> None:
    ramp = np.zeros((SIZE, SIZE, 4), np.uint8)
    ramp[4:28, 4:28, 0] = np.arange(24)[:, None] * 10
    ramp[4:28, 4:28, 1] = np.arange(24)[None] * 10
    ramp[4:28, 4:28, 3] = 255
    save(tmp_path / "art/ball.png", ramp)
    arguments = (tmp_path / "art", "--out", tmp_path / "pack", "--licence", "CC0", "--attribution", "Ada")
    code, said = run(*arguments)
    assert code == 2
    assert "576" in said
    assert "nearest neighbour" in said
    code, said = run(*arguments, "--colours", "24")
    assert code == 0, said
    assert "576 reduced to 24" in said
    report = json.loads((tmp_path / "pack/pack.json").read_text())["report"]
    assert 0 < report["reduced_colours"]["mean_distance"] < 40
    assert report["reduced_colours"]["worst_distance"] < 90
    assert report["checked"]["cleaned_pixels"] == 0


def test_the_same_art_gives_the_same_bytes(robots: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        prepare_pack(robots, tmp_path / name)
    for file in ("pack.json", "planes.npz", "overview.png", "palette.png"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_options_of_other_packs_are_refused(robots: Path, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no name for a pack"):
        prepare_pack(robots, tmp_path / "pack", options=Options(name="No Good"))
