"""Saving in a real Godot: files like those of the Python package, UIDs that last, edited files that stay."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.godot.conftest import GodotProject
from tests.server.conftest import config, running
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.character import Character
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.sprites.credits import credits_text
from vcg_bridge.sprites.godot import sprite_frames
from vcg_bridge.sprites.layout import lay_out
from vcg_bridge.sprites.normals import FLAT, normal_maps
from vcg_bridge.sprites.sheet import Sheet, paint

pytestmark = [pytest.mark.godot, pytest.mark.socket]

GUARD = {"design": {"seed": 7, "archetype": "guard"}}
OTHER = {"design": {"seed": 8, "archetype": "guard"}}
SOME = {"animations": ["idle", "walk"]}
LIT = {"output": {"normal_map": True}}


def save(folder: str, name: str = "guard", *requests: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    request: dict[str, Any] = {}
    for part in requests or (GUARD, SOME):
        request |= part
    return {"save": name, "folder": f"res://{folder}", "request": request, "options": options}


STEPS: list[dict[str, Any]] = [
    save("rows", "guard", GUARD, LIT),
    save("packed", "guard", GUARD, LIT, layout="packed"),
    save("sheet", "guard", GUARD, {"output": {"kind": "sheet", "layout": "packed"}}),
    # a re-roll
    save("again"),
    {"copy": "res://again/guard.tres", "to": "res://again/first.txt"},
    {"copy": "res://again/guard.tscn", "to": "res://again/first_scene.txt"},
    {"copy": "res://again/guard.png", "to": "res://again/first_png.txt"},
    save("again", "guard", OTHER, SOME),
    save("again", "guard", OTHER, SOME),
    # edited: the speed of an animation, the scene
    save("edited"),
    {"replace": "res://edited/guard.tres", "old": '"speed": 8.0', "new": '"speed": 5.0'},
    {"append": "res://edited/guard.tscn", "text": '\n[node name="Mine" type="Node2D" parent="."]\n'},
    save("edited", "guard", OTHER, SOME),
    # an edited resource that does not fit the new pictures; twice
    save("moved"),
    {"replace": "res://moved/guard.tres", "old": '"speed": 8.0', "new": '"speed": 5.0'},
    save("moved", "guard", OTHER, {"animations": ["walk"]}),
    save("moved", "guard", GUARD, {"animations": ["walk"]}),
    # an edited picture
    save("painted"),
    {"paint": "res://painted/guard.png"},
    {"copy": "res://painted/guard.png", "to": "res://painted/mine.txt"},
    save("painted", "guard", OTHER, SOME),
    # files that were never ours; .gdignore: Godot itself would complain of such contents
    {"write": "res://foreign/.gdignore", "text": ""},
    {"write": "res://foreign/guard.png", "text": "a picture of somebody"},
    {"write": "res://foreign/guard.recipe.tres", "text": "a resource of somebody"},
    save("foreign"),
    # credits
    {"write": "res://shared/CREDITS.txt", "text": "Music: me.\r\n"},
    save("shared", "one"),
    save("shared", "two", OTHER, SOME),
    # line ends are no edit
    save("lines"),
    {"replace": "res://lines/guard.tres", "old": "\n", "new": "\r\n"},
    save("lines", "guard", OTHER, SOME),
    # a scene without the example, no scene
    save("plain", script=False),
    save("bare", scene=False),
    # what cannot be
    save("bad", "con"),
    save("bad", "guard", GUARD, SOME, layout="lpc"),
    save("bad", "guard", GUARD, SOME, {"output": {"format": "png"}}),
    {"write": "res://file", "text": "in the way"},
    save("file/npc"),
    save("blocked"),
    {"remove": "res://blocked/guard.recipe.tres"},
    {"make_folder": "res://blocked/guard.recipe.tres/x"},
    {"copy": "res://blocked/guard.png", "to": "res://blocked/before.txt"},
    save("blocked", "guard", OTHER, SOME),
]  # fmt: skip


@dataclass
class Saved:
    """What a run of all steps left."""

    project: GodotProject
    results: list[dict[str, Any]]  # of the saves, in order
    shown: dict[str, Any]  # what play_frames.gd saw
    characters: dict[str, Character]  # what the server gives to the Python client: "guard", "other"
    credits: dict[str, tuple[str, ...]]
    manifest: Manifest
    bundle: Path

    def bytes(self, path: str) -> bytes:
        return (self.project.path / path).read_bytes()

    def text(self, path: str) -> str:
        return self.bytes(path).decode()

    def of(self, folder: str) -> list[dict[str, Any]]:
        """The results of a folder's saves."""
        steps = [s for s in STEPS if "save" in s]
        return [r for s, r in zip(steps, self.results, strict=True) if s["folder"] == f"res://{folder}"]

    def sheet(self, which: str, layout: str = "rows", animations: tuple[str, ...] = ("walk", "idle")) -> Sheet:
        character = self.characters[which]
        frames = {pose: plane for pose, plane in character.frames.items() if pose.animation in animations}
        return lay_out(layout, Character(character.recipe, frames, character.palette), self.manifest)

    def plane(self, path: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The slots that a PNG holds."""
        with Image.open(self.project.path / path) as image:
            assert image.mode == "P"
            return np.array(image)


@pytest.fixture(scope="module")
def saved(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    folder = tmp_path_factory.mktemp("save")
    project = GodotProject(godot_template.godot, folder / "project", folder / "home")
    shutil.copytree(godot_template.path, project.path)
    bundle = write_tiny_bundle(folder / "tiny")
    project.write("steps.json", json.dumps(STEPS))
    with running(config(bundles=(str(bundle),))) as server:
        project.run_script("res://tests/save_steps.gd", server.address, "res://steps.json", "res://results.json")
        characters, credits = {}, {}
        with Client.connect(server.address) as client:
            for name, seed in (("guard", 7), ("other", 8)):
                generated = client.generate_character(design=m.Design(seed=seed, archetype="guard"))
                characters[name], credits[name] = generated.character(), generated.credits
    results = json.loads((project.path / "results.json").read_text())
    project.run("--import")
    played = ["rows", "packed", "sheet", "again", "edited", "moved", "painted", "lines"]
    frames = [f"res://{x}/guard.tres" for x in played if x != "painted"]
    frames += ["res://moved/guard.new.tres", "res://painted/guard.new.tres"]
    scenes = ["res://rows/guard.tscn", "res://edited/guard.tscn", "res://plain/guard.tscn"]
    project.write("play.json", json.dumps({"frames": frames, "scenes": scenes}))
    project.run_script("res://tests/play_frames.gd", "res://play.json", "res://shown.json")
    shown = json.loads((project.path / "shown.json").read_text())
    return Saved(project, results, shown, characters, credits, open_bundle(str(bundle)).manifest, bundle)


def uid_of(text: str) -> str:
    match = re.search(r'uid="(uid://[a-y0-8]+)"', text)
    assert match, text[:300]
    return match[1]


def expected_clips(character: Character, manifest: Manifest, animations: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a player of the character must show: every pixel of every frame."""
    found: dict[str, Any] = {}
    for pose, plane in character.frames.items():
        if animations and pose.animation not in animations:
            continue
        animation = manifest.animation(pose.animation)
        clip = found.setdefault(
            f"{pose.animation}_{pose.direction}",
            {"loop": animation.loop, "speed": animation.fps, "frames": [""] * animation.frames},
        )
        height, width = plane.shape
        clip["frames"][pose.frame] = hashlib.sha256(
            f"{width}x{height}:".encode() + character.palette[plane].tobytes()
        ).hexdigest()
    return found


@pytest.mark.parametrize("layout", ["rows", "packed"])
def test_files_are_those_of_the_python_package(saved: Saved, layout: str) -> None:
    sheet = lay_out(layout, saved.characters["guard"], saved.manifest)
    path = f"{layout}/guard"
    assert np.array_equal(saved.plane(f"{path}.png"), sheet.plane)
    with Image.open(saved.project.path / f"{path}.png") as image:
        assert np.array_equal(np.array(image.convert("RGBA")), sheet.palette[sheet.plane])
        assert image.info["Copyright"] == saved.manifest.attribution
    normals = paint(sheet, normal_maps(saved.characters["guard"], saved.manifest), FLAT)
    with Image.open(saved.project.path / f"{path}.normal.png") as image:
        assert np.array_equal(np.array(image), normals)
    uids = [uid_of(saved.text(f"{path}{x}")) for x in (".tres", ".png.import", ".normal.png.import")]
    text = sprite_frames(
        sheet, saved.manifest, texture="guard.png", normal_map="guard.normal.png", uid=uids[0], texture_uid=uids[1]
    )
    normal = f'[ext_resource type="Texture2D" uid="{uids[2]}" path="guard.normal.png"'
    assert saved.text(f"{path}.tres") == text.decode().replace(
        '[ext_resource type="Texture2D" path="guard.normal.png"', normal
    )
    assert saved.bytes(f"{path}.vcg.json") == recipe_bytes(saved.characters["guard"].recipe) + b"\n"
    assert saved.text(f"{layout}/CREDITS.txt") == credits_text(saved.manifest, saved.credits["guard"])
    assert not [p.name for p in (saved.project.path / layout).glob(".*") if p.name != ".vcg_bridge.json"]


@pytest.mark.parametrize(
    ("path", "which", "animations"),
    [
        ("rows/guard.tres", "guard", ()),
        ("packed/guard.tres", "guard", ()),
        ("sheet/guard.tres", "guard", ()),
        ("again/guard.tres", "other", ("idle", "walk")),
        ("lines/guard.tres", "other", ("idle", "walk")),
        ("moved/guard.new.tres", "guard", ("walk",)),
        ("painted/guard.new.tres", "other", ("idle", "walk")),
    ],
)
def test_godot_plays_every_pixel(saved: Saved, path: str, which: str, animations: tuple[str, ...]) -> None:
    assert saved.shown["frames"][f"res://{path}"] == expected_clips(saved.characters[which], saved.manifest, animations)


def test_a_reroll_keeps_uids(saved: Saved) -> None:
    first, second, third = saved.of("again")
    assert not (first["kept"])
    assert not (second["kept"])
    assert not (second["beside"])
    assert uid_of(saved.text("again/guard.tres")) == uid_of(saved.text("again/first.txt"))
    assert uid_of(saved.text("again/guard.tscn")) == uid_of(saved.text("again/first_scene.txt"))
    assert saved.bytes("again/guard.png") != saved.bytes("again/first_png.txt")
    assert "res://again/guard.png" in second["written"]
    assert not third["written"], "the same again writes nothing"
    assert "res://again/guard.png" in third["unchanged"]
    # Godot has imported with the uid that the resource names
    assert uid_of(saved.text("again/guard.png.import")) in saved.text("again/guard.tres")
    assert "dest_files" in saved.text("again/guard.png.import")


def test_an_edited_resource_and_scene_show_the_new_look(saved: Saved) -> None:
    _, result = saved.of("edited")
    assert sorted(result["kept"]) == ["res://edited/guard.tres", "res://edited/guard.tscn"]
    assert not result["beside"]
    assert "guard.tscn was edited by hand and is kept." in result["text"]
    wanted = expected_clips(saved.characters["other"], saved.manifest, ("idle", "walk"))
    for name, clip in wanted.items():
        clip["speed"] = 5.0 if name.startswith("walk") else clip["speed"]
    assert saved.shown["frames"]["res://edited/guard.tres"] == wanted
    assert "Mine" in saved.text("edited/guard.tscn")
    assert saved.shown["scenes"]["res://edited/guard.tscn"]["shown"] == wanted["idle_down"]["frames"][0]


def test_an_edited_resource_that_no_longer_fits_stays(saved: Saved) -> None:
    _, second, third = saved.of("moved")
    for result in (second, third):
        assert "res://moved/guard.tres" in result["kept"]
        assert result["beside"]["res://moved/guard.tres"] == "res://moved/guard.new.tres"
        assert result["sprite_frames"] == "res://moved/guard.new.tres"
        assert "guard.tres was edited by hand and is kept; the new one is guard.new.tres." in result["text"]
    assert np.array_equal(saved.plane("moved/guard.png"), saved.sheet("guard").plane)
    wanted = expected_clips(saved.characters["guard"], saved.manifest, ("idle", "walk"))
    for name, clip in wanted.items():
        clip["speed"] = 5.0 if name.startswith("walk") else clip["speed"]
    assert saved.shown["frames"]["res://moved/guard.tres"] == wanted


def test_an_edited_picture_stays(saved: Saved) -> None:
    _, result = saved.of("painted")
    assert saved.bytes("painted/guard.png") == saved.bytes("painted/mine.txt")
    assert result["beside"]["res://painted/guard.png"] == "res://painted/guard.new.png"
    assert np.array_equal(saved.plane("painted/guard.new.png"), saved.sheet("other").plane)


def test_files_of_others_stay(saved: Saved) -> None:
    (result,) = saved.of("foreign")
    assert saved.text("foreign/guard.png") == "a picture of somebody"
    assert saved.text("foreign/guard.recipe.tres") == "a resource of somebody"
    assert set(result["kept"]) == {"res://foreign/guard.png", "res://foreign/guard.recipe.tres"}
    assert saved.text("foreign/guard.new.recipe.tres").startswith("[gd_resource")
    assert np.array_equal(saved.plane("foreign/guard.new.png"), saved.sheet("guard").plane)


def test_credits_are_shared_without_doubles(saved: Saved) -> None:
    text = credits_text(saved.manifest, saved.credits["guard"], "Music: me.\r\n")
    assert saved.bytes("shared/CREDITS.txt").decode() == credits_text(saved.manifest, saved.credits["other"], text)


def test_line_ends_are_no_edit(saved: Saved) -> None:
    _, result = saved.of("lines")
    assert not result["kept"]


def test_the_scene_stands_walks_and_needs_no_script(saved: Saved) -> None:
    scene = saved.shown["scenes"]["res://rows/guard.tscn"]
    frame = next(f for f in saved.sheet("guard").frames if f.pose == ("idle", "down", 0))
    rows, columns = np.nonzero(saved.characters["guard"].frames[frame.pose])
    assert scene["position"][1] == 32 / 2 - (rows.max() + 1), "it stands on its feet"
    assert abs(scene["position"][0] + (columns.min() + columns.max() + 1) / 2 - 16) <= 0.5
    assert (scene["name"], scene["animation"], scene["playing"]) == ("Guard", "idle_down", True)
    assert (scene["walking"], scene["moved"], scene["script"]) == ("walk_left", True, True)
    plain = saved.shown["scenes"]["res://plain/guard.tscn"]
    assert (plain["playing"], plain["script"], plain["animation"]) == (True, False, "idle_down")
    assert not (saved.project.path / "bare" / "guard.tscn").exists()


def test_what_cannot_be_saved_is_said_and_leaves_everything_as_it_was(saved: Saved) -> None:
    name, layout, form = saved.of("bad")
    assert [x["code"] for x in (name, layout, form)] == ["bad_request", "output", "output"]
    assert '"con" cannot be a file name' in name["text"]
    assert 'no layout "lpc"; it is one of: rows, packed' in layout["text"]
    assert "png; only r8" in form["text"]
    assert not (saved.project.path / "bad").exists()
    (file,) = saved.of("file/npc")
    assert file["code"] == "output"
    _, blocked = saved.of("blocked")
    assert "guard.recipe.tres is a folder" in blocked["text"]
    assert saved.bytes("blocked/guard.png") == saved.bytes("blocked/before.txt")
    assert not list((saved.project.path / "blocked").glob(".*.tmp"))


def test_a_full_disk_leaves_the_old_files(saved: Saved, tmp_path: Path) -> None:
    """Played by a limit on the size of files, which the sheet is over."""
    project = GodotProject(str(tmp_path / "godot"), tmp_path / "project", tmp_path / "home")
    shutil.copytree(saved.project.path, project.path)
    wrapper = Path(project.godot)
    wrapper.write_text(f'#!/bin/bash\ntrap "" XFSZ\nulimit -f 4\nexec {saved.project.godot} "$@"\n')
    wrapper.chmod(0o755)
    before = {path.name: path.read_bytes() for path in (project.path / "again").iterdir()}
    project.write("steps.json", json.dumps([save("again", "guard", GUARD, LIT)]))
    with running(config(bundles=(str(saved.bundle),))) as server:
        project.run_script(
            "res://tests/save_steps.gd", server.address, "res://steps.json", "res://results.json", check=False
        )
    (result,) = json.loads((project.path / "results.json").read_text())
    assert result["code"] == "output"
    assert "disk" in result["text"]
    assert {path.name: path.read_bytes() for path in (project.path / "again").iterdir()} == before
