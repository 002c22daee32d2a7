"""`python -m training prepare`: a small pack in the real layout, with the real rules, from sheets to files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.training.pack_art import BROWN, STRAY, draw_pack
from training.__main__ import app
from training.packs.check import Checked, check_pack
from training.packs.command import prepare_pack
from training.packs.lpc_revised import read_pack
from training.packs.neutral import Pack, PackItem, load_pack
from training.packs.rules import load_rules
from vcg_bridge.contract.errors import OutputError, PackError, VcgError
from vcg_bridge.contract.manifest import Material

HOSE = "Characters/Clothing/Feminine, Thin/Legs/Pants 01 - Hose/Brown"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Pack, Checked]:
    folder = tmp_path_factory.mktemp("pack")
    art = draw_pack(folder / "art")
    pack, checked = prepare_pack(art, folder / "out")
    return art, folder / "out", pack, checked


@pytest.fixture
def art(prepared: tuple[Path, Path, Pack, Checked], tmp_path: Path) -> Path:
    """A copy of the art that a test may spoil."""
    return Path(shutil.copytree(prepared[0], tmp_path / "art"))


@pytest.fixture(scope="module")
def pack(prepared: tuple[Path, Path, Pack, Checked]) -> Pack:
    return prepared[2]


def item(pack: Pack, name: str) -> PackItem:
    return next(i for i in pack.items if i.id == name)


def edit(file: Path, change: Callable[[np.ndarray], None]) -> None:
    pixels = np.asarray(Image.open(file).convert("RGBA")).copy()
    change(pixels)
    Image.fromarray(pixels, "RGBA").save(file)


def test_layers_items_and_materials(pack: Pack) -> None:
    assert [x.id for x in pack.layers] == ["body", "head", "hair", "legs", "shoes"]
    assert [i.id for i in pack.items] == [
        "body-01-feminine-thin",
        "body-02-masculine-thin",
        "head-01-feminine",
        "medium-01-page",
        "short-01-buzzcut",
        "pants-01-hose.f",
        "shorts-01-shorts.f",
        "shoes-01-shoes.f",
    ]
    assert pack.layer("head").materials == (Material("skin", "skin", 6), Material("eyes", "eyes", 3))
    assert set(item(pack, "head-01-feminine").fixed) == {(255, 255, 255), (24, 80, 111), (255, 140, 104)}
    assert item(pack, "head-01-feminine").ramps == {"skin": "brown", "eyes": "blue"}
    assert item(pack, "shoes-01-shoes.f").ramps == {"shoes": "brown", "shoes-cloth": "charcoal"}
    assert (item(pack, "pants-01-hose.f").body, item(pack, "pants-01-hose.f").kind) == ("feminine", "pants")
    assert item(pack, "medium-01-page").parts == ("behind", "front")
    assert item(pack, "shorts-01-shorts.f").drawn == ("walk",)


def test_what_is_not_art_is_reported(pack: Pack) -> None:
    assert pack.report["uncoloured_folders"] == ["Clothing/Feminine, Thin/Legs/Pants 01 - Hose"]
    assert pack.report["unused_sheets"] == ["Legacy - Swing.png (1)"]
    assert pack.report["ignored_folders"] == []


def test_views_are_the_distinct_drawings(pack: Pack) -> None:
    views = {g.id: g.views for g in pack.groups}
    assert (
        views["body"] == 6
    )  # two strides from the back, the side and the front; left mirrors right, Idle is Walk lower
    assert views["hair"] == 2  # from the side, and from the front, which is as from the back
    assert views["hair-behind"] == 2
    table = pack.poses["body/front"]["walk"]
    assert table.shape == (4, 8, 4)
    assert table[1, :, 0].tolist() == table[3, :, 0].tolist()  # left and right: one view ...
    assert table[1, :, 3].tolist() == [0] * 8  # ... as it is
    assert table[3, :, 3].tolist() == [1] * 8  # ... and mirrored
    assert (pack.poses["body/front"]["idle"][2, 0, :3] - table[2, 0, :3]).tolist() == [0, 0, 1]
    assert (pack.poses["hair/behind"]["walk"][0, :, 0] == -1).all()  # nothing hangs before the back


def test_missing_art_is_known_where_a_view_is_shared_and_else_unknown(pack: Pack) -> None:
    legs = pack.group("legs")
    hose, shorts = (legs.items.index(("legs", i)) for i in ("pants-01-hose.f", "shorts-01-shorts.f"))
    idle, emotes = (np.unique(pack.poses["legs/front"][a][..., 0]) for a in ("idle", "emotes"))
    assert legs.known[hose].all()
    assert legs.known[shorts, idle].all()
    assert not legs.known[shorts, emotes].any()
    missing = pack.report["missing"]
    assert isinstance(missing, dict)
    assert missing["legs/shorts-01-shorts.f"]["fill_in"] == ["idle", "emotes"]


def test_expressions_and_what_the_other_layers_borrow(pack: Pack) -> None:
    head, body = pack.poses["head/front"]["expressions"], pack.poses["body/front"]
    assert head.shape == (3, 12, 4)
    assert head[1, 11, 0] != head[1, 0, 0]  # the blush is a drawing of its own
    for d, row in enumerate((1, 2, 3)):  # left, down, right
        assert (body["expressions"][d] == body["idle"][row, 0]).all()
    assert (pack.poses["body/front"]["run"][..., 0] == -1).all()


def test_every_frame_and_every_recolouring_was_compared(prepared: tuple[Path, Path, Pack, Checked]) -> None:
    checked = prepared[3]
    frames = {"walk": 9 * 32, "idle": 8 * 12, "expressions": 36, "emotes": 12}
    assert checked.frames == sum(frames.values())
    assert checked.cleaned_pixels == 0
    assert checked.recolourings > 10
    assert checked.shared_colours == ()  # the black of shoes and soles is not used here


def test_a_pack_that_does_not_say_what_the_art_says_is_refused(prepared: tuple[Path, Path, Pack, Checked]) -> None:
    pack, drawn = read_pack(prepared[0], load_rules())
    pack.group("legs").planes[0, 0, 5, 5] ^= 1
    with pytest.raises(PackError, match=r"views do not rebuild the art: legs/pants-01-hose\.f, front"):
        check_pack(pack, drawn)


def test_stray_pixels_are_cleaned_and_reported(art: Path, pack: Pack, tmp_path: Path) -> None:
    def spoil(pixels: np.ndarray) -> None:
        pixels[64 * 2 + 5, 64 * 3 + 3 : 64 * 3 + 6] = (*STRAY, 255)  # a scrap in the corner of walk, down, frame 3
        pixels[64 * 2 + 43, 64 * 3 + 30] = (130, 78, 50, 255)  # nearly the first shade, in the trousers
        pixels[64 * 2 + 6, 64 * 4 + 3] = (*STRAY, 3)  # nearly transparent

    edit(art / HOSE / "Walk.png", spoil)
    cleaned, checked = prepare_pack(art, tmp_path / "out")
    assert cleaned.report["cleaned"] == {"legs/pants-01-hose.f": {"frames": 1, "removed": 3, "snapped": 1}}
    assert cleaned.report["faint_pixels"] == {f"{HOSE}/Walk.png": {"dropped": 1, "kept": 0}}
    assert checked.cleaned_pixels == 4
    np.testing.assert_array_equal(cleaned.group("legs").planes, pack.group("legs").planes)


def test_credits(pack: Pack) -> None:
    lines = {c.key: c for c in pack.credits}
    assert all(set(i.credits) <= set(lines) and i.credits for i in pack.items)
    head = lines[item(pack, "head-01-feminine").credits[0]]
    assert (head.item, head.artists) == ("Adult Head - Feminine", ("Ada Painter (Ada)", "Bo"))
    assert (head.source, head.licence) == ("somewhere/heads elsewhere/heads", "OGA-BY 3.0")
    body = lines[item(pack, "body-01-feminine-thin").credits[0]]
    assert (body.licence, body.details) == ("CC0", "Original by Ada. Walking Animation - by Bo.")
    hose = [lines[k] for k in item(pack, "pants-01-hose.f").credits]
    assert [c.artists for c in hose] == [("Bo",), ("Ada Painter (Ada)", "Cy", "Di")]  # its own, and its folder's
    assert hose[0].licence == "OGA-BY 3.0"  # the pack's, where the entry has none
    shorts = [lines[k].item for k in item(pack, "shorts-01-shorts.f").credits]  # none of its own: all that may be meant
    assert shorts == ["Everything in Characters/Clothing", "Everything"]
    assert lines[item(pack, "medium-01-page").credits[0]].artists == ("Ada Painter (Ada)", "Bo")  # the whole pack's
    lacking = pack.report["without_own_credit"]
    assert isinstance(lacking, list)
    assert {"legs/shorts-01-shorts.f", "hair/medium-01-page"} <= set(lacking)
    assert "legs/pants-01-hose.f" not in lacking


def test_archetypes_name_only_items_and_ramps_that_are_there(pack: Pack) -> None:
    """The rules speak of more than this small pack has: an elder's head, helms."""
    assert len(pack.archetypes) >= 10
    ids = {(i.layer, i.id) for i in pack.items}
    ramps = {(r.kind, r.id) for r in pack.ramps}
    kinds = {m.group: m.kind for x in pack.layers for m in x.materials}
    for a in pack.archetypes:
        assert a.layers["body"].chance == a.layers["head"].chance == 1
        assert set(a.layers["body"].items) == {"body-01-feminine-thin", "body-02-masculine-thin"}
        assert {(layer, i) for layer, odds in a.layers.items() for i in odds.items} <= ids
        assert {(kinds[g], r) for g, table in a.ramps.items() if g in kinds for r in table} <= ramps


def test_the_files_read_back(prepared: tuple[Path, Path, Pack, Checked]) -> None:
    _, out, pack, _ = prepared
    again = load_pack(out)
    plain = {k: v for k, v in vars(pack).items() if k not in ("groups", "poses", "report")}
    assert {k: getattr(again, k) for k in plain} == plain
    assert json.loads(json.dumps(pack.report)) == again.report
    for one, two in zip(pack.groups, again.groups, strict=True):
        assert (one.id, one.members, one.items, one.classes) == (two.id, two.members, two.items, two.classes)
        np.testing.assert_array_equal(one.planes, two.planes)
        np.testing.assert_array_equal(one.known, two.known)
        np.testing.assert_array_equal(one.poses_per_view, two.poses_per_view)
    for part, table in pack.poses.items():
        for animation, rows in table.items():
            np.testing.assert_array_equal(rows, again.poses[part][animation])
            assert again.poses[part][animation].dtype == np.int16


def test_the_same_art_gives_the_same_bytes(prepared: tuple[Path, Path, Pack, Checked], tmp_path: Path) -> None:
    art, out, _, _ = prepared
    prepare_pack(art, tmp_path / "again")
    for file in ("pack.json", "planes.npz", "overview.png"):
        assert (tmp_path / "again" / file).read_bytes() == (out / file).read_bytes()


def test_the_overview_shows_something(prepared: tuple[Path, Path, Pack, Checked]) -> None:
    with Image.open(prepared[1] / "overview.png") as picture:
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 30


def test_the_command(prepared: tuple[Path, Path, Pack, Checked], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["prepare", str(prepared[0]), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "frames rebuilt exactly" in result.output
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "overview.png",
        "pack.json",
        "palette.png",
        "planes.npz",
    ]


def test_a_wrong_folder_is_one_clear_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["prepare", str(tmp_path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "no pictures" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def _no_sheets(art: Path) -> None:
    for file in (art / "Characters").rglob("*.png"):
        file.unlink()


def _cut_sheet(art: Path) -> None:
    file = art / HOSE / "Walk.png"
    Image.open(file).crop((0, 0, 500, 256)).save(file)


def _extra_row(art: Path) -> None:
    file = art / HOSE / "Walk.png"
    picture = Image.open(file)
    taller = Image.new("RGBA", (512, 320), (9, 9, 9, 255))
    taller.paste(picture, (0, 0))
    taller.save(file)


def _uneven_ramp(art: Path) -> None:
    file = art / "Characters/_ Guides & Palettes/Color Palettes/Ramps.json"
    ramps = json.loads(file.read_text())
    ramps["Clothing"]["Denim"].pop()
    file.write_text(json.dumps(ramps))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_no_sheets, "looked for <kind>/.../<item>/<colour>/<animation>.png"),
        (lambda art: shutil.rmtree(art / "Characters/Head"), "no item for the layer 'head': looked for Head/Head"),
        (lambda art: shutil.rmtree(art / "Characters/_ Guides & Palettes"), "Ramps.json"),
        (lambda art: (art / HOSE / "Walk.png").write_bytes(b"no picture"), "cannot read"),
        (
            lambda art: (art / HOSE / "Walk.png").write_bytes((art / HOSE / "Walk.png").read_bytes()[:300]),
            "cannot read",
        ),
        (_cut_sheet, r"Walk.png is 500x256, expected 512x256 (8 frames in 4 rows of 64x64)"),
        (_extra_row, "Walk.png is 512x320"),
        (_uneven_ramp, "cloth ramp 'Denim' has 5 different colours, the items of its kind have 6"),
        (lambda art: [f.unlink() for f in art.rglob("Credits.txt")], "nobody is credited for"),
    ],
)
def test_what_is_wrong_with_the_art_is_named(
    art: Path, tmp_path: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(art)
    with pytest.raises(PackError) as caught:
        prepare_pack(art, tmp_path / "out")
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == [art]  # nothing was written


def test_an_item_without_pixels_is_named(art: Path, tmp_path: Path) -> None:
    for name in ("Walk", "Idle"):
        edit(art / f"Characters/Hair/Short 01 - Buzzcut/Brown/{name}.png", lambda p: p.fill(0))
    with pytest.raises(PackError, match="Hair/Short 01 - Buzzcut: nothing is drawn"):
        prepare_pack(art, tmp_path / "out")


def test_another_colour_is_read_where_the_usual_ones_are_missing(art: Path, tmp_path: Path) -> None:
    folder = art / HOSE
    folder.rename(folder.with_name("Denim"))
    denim = (79, 137, 157), (58, 90, 114), (37, 58, 94), (23, 32, 56), (15, 18, 24), (0, 0, 0)

    def dye(pixels: np.ndarray) -> None:
        before = pixels.copy()
        for a, b in zip(BROWN, denim, strict=True):
            pixels[(before[..., :3] == a).all(-1) & (before[..., 3] > 0)] = (*b, 255)

    for file in folder.with_name("Denim").iterdir():
        edit(file, dye)
    pack, _ = prepare_pack(art, tmp_path / "out")
    assert item(pack, "pants-01-hose.f").ramps == {"legs": "denim"}


def test_a_folder_that_is_no_pack_is_not_overwritten(
    prepared: tuple[Path, Path, Pack, Checked], tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="is not a pack"):
        prepare_pack(prepared[0], tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_old_pack_is_replaced(prepared: tuple[Path, Path, Pack, Checked], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(prepared[1], out)
    (out / "old.txt").write_text("of the old pack")
    prepare_pack(prepared[0], out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert not (out / "old.txt").exists()


def test_a_broken_pack_is_named(prepared: tuple[Path, Path, Pack, Checked], tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"no pack.json in"):
        load_pack(tmp_path)
    out = Path(shutil.copytree(prepared[1], tmp_path / "out"))
    data = json.loads((out / "pack.json").read_text())
    (out / "pack.json").write_text(json.dumps({**data, "format": 2}))
    with pytest.raises(PackError, match="has format 2, this version reads 1"):
        load_pack(out)
    data["groups"][0]["views"] += 1
    (out / "pack.json").write_text(json.dumps(data))
    with pytest.raises(PackError, match="is not a readable pack"):
        load_pack(out)
    (out / "pack.json").write_text(json.dumps(data)[:1000])
    with pytest.raises(PackError, match="is not a readable pack"):
        load_pack(out)


@pytest.mark.parametrize(
    ("text", "message"),
    [("name = ", "cannot read the rules"), ("[[animations]]\nid = 'walk'\nspeed = 3\n", "animations: ")],
)
def test_broken_rules_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(VcgError, match=message):
        load_rules(file)


def test_a_further_layer_is_only_a_rule_away(prepared: tuple[Path, Path, Pack, Checked]) -> None:
    """The reader knows no layer by name: with other rules the same folders become other layers."""
    rules = load_rules()
    layers = tuple(replace(x, id="trousers", group="") if x.id == "legs" else x for x in rules.layers)
    pack, drawn = read_pack(prepared[0], replace(rules, layers=layers, items=(), archetypes=()))
    assert "trousers" in {x.id for x in pack.layers}
    assert check_pack(pack, drawn).frames
