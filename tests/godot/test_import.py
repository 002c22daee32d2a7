"""Recipe files dropped into a project, with the real editor: with a server, without one, and when it comes back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.godot.conftest import PROJECT, GodotProject, GodotResult
from tests.godot.test_save import expected_clips
from tests.server.conftest import config, running
from tests.support.godot_editor import find_xvfb, virtual_screen
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.character import Character
from vcg_bridge.contract.manifest import Manifest
from vcg_bridge.contract.recipe_io import recipe_bytes
from vcg_bridge.generators.bundle import open_bundle

pytestmark = [pytest.mark.godot, pytest.mark.socket]

GL = (
    "--resolution",
    "800x600",
    "--rendering-driver",
    "opengl3",
    "--rendering-method",
    "gl_compatibility",
    "--audio-driver",
    "Dummy",
)
NOWHERE = "tcp://127.0.0.1:1"


@dataclass
class Imported:
    """A project after three runs of the editor."""

    project: GodotProject
    runs: list[GodotResult]
    shown: list[dict[str, Any]]  # after each run
    characters: dict[int, Character]  # by seed
    manifest: Manifest


def settings(project: GodotProject, address: str, *more: str) -> None:
    plugins = ", ".join(f'"res://addons/{name}/plugin.cfg"' for name in ("vcg_bridge", *more))
    project.write(
        "project.godot",
        f"{PROJECT}\n[editor_plugins]\n\nenabled=PackedStringArray({plugins})\n\n[vcg_bridge]\n\n"
        f'server/address="{address}"\nserver/start_by_itself=false\n',
    )


@pytest.fixture(scope="module")
def imported(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    xvfb = find_xvfb(godot_template.godot)
    if xvfb is None:
        pytest.skip("no Xvfb: scripts/install_godot.sh --gl brings one, or set XVFB")
    folder = tmp_path_factory.mktemp("import")
    project = GodotProject(godot_template.godot, folder / "project", folder / "home")
    shutil.copytree(godot_template.path, project.path)
    shutil.copytree(Path(__file__).parent / "editor_check", project.path / "addons" / "editor_check")
    bundle = write_tiny_bundle(folder / "tiny")
    npc = project.path / "npc"
    npc.mkdir()
    runs: list[GodotResult] = []
    shown: list[dict[str, Any]] = []

    def play(*names: str) -> None:
        frames = [f"res://npc/{name}.vcg.json" for name in names]
        project.write("play.json", json.dumps({"frames": frames, "scenes": []}))
        project.run_script("res://tests/play_frames.gd", "res://play.json", "res://shown.json")
        shown.append(json.loads((project.path / "shown.json").read_text())["frames"])

    with running(config(bundles=(str(bundle),))) as server:
        with Client.connect(server.address) as client:
            characters = {
                seed: client.generate_character(design=m.Design(seed=seed, archetype="guard")).character()
                for seed in (7, 8, 9)
            }
        recipes = {seed: recipe_bytes(x.recipe) for seed, x in characters.items()}
        (npc / "guard.vcg.json").write_bytes(recipes[7])
        (npc / "other.json").write_bytes(recipes[8])
        settings(project, server.address)
        runs.append(project.run("--import"))
        play("guard")
    # no server: a new one, a changed one, and one that is no recipe
    (npc / "new.vcg.json").write_bytes(recipes[8])
    (npc / "guard.vcg.json").write_bytes(recipes[9])
    (npc / "broken.vcg.json").write_bytes(recipes[8].replace(b'"format":1', b'"format":2'))
    settings(project, NOWHERE)
    runs.append(project.run("--import", check=False))
    play("guard", "new")
    with running(config(bundles=(str(bundle),))) as server:
        # an editor that stays: what is waiting is drawn as soon as there is a server
        project.write("wanted.json", json.dumps(["res://npc/new.vcg.json"]))
        settings(project, server.address, "editor_check")
        with virtual_screen(xvfb) as display:  # the renderer without a window forgets what it is told to replace
            project.environment = {"DISPLAY": display}
            runs.append(project.run("--editor", *GL, headless=False, check=False))
            project.environment = {}
        play("guard", "new")
    return Imported(project, runs, shown, characters, open_bundle(str(bundle)).manifest)


def test_a_recipe_becomes_sprite_frames(imported: Imported) -> None:
    assert imported.shown[0]["res://npc/guard.vcg.json"] == expected_clips(imported.characters[7], imported.manifest)
    text = (imported.project.path / "npc" / "guard.vcg.json.import").read_text()
    assert 'importer="vcg_bridge.recipe"' in text
    assert 'type="SpriteFrames"' in text
    assert not (imported.project.path / "npc" / "other.json.import").exists(), "other JSON files are left alone"


def test_without_a_server_it_says_so_and_keeps_the_last_result(imported: Imported) -> None:
    output = imported.runs[1].output
    assert f"No VCG Bridge server at {NOWHERE}" in output
    assert "res://npc/guard.vcg.json was not drawn." in output
    assert "The last result is kept." in output
    assert "res://npc/new.vcg.json was not drawn." in output
    assert "It is empty for now." in output
    assert "the recipe has format 2" in output.lower().replace("\n", " ")
    assert imported.runs[1].code == 0
    assert imported.shown[1]["res://npc/guard.vcg.json"] == expected_clips(imported.characters[7], imported.manifest)
    assert "walk_down" not in imported.shown[1]["res://npc/new.vcg.json"]


def test_what_waited_is_drawn_when_a_server_is_there(imported: Imported) -> None:
    assert "DONE" in imported.runs[2].output, imported.runs[2].output
    for name, seed in (("guard", 9), ("new", 8)):
        wanted = expected_clips(imported.characters[seed], imported.manifest)
        assert imported.shown[2][f"res://npc/{name}.vcg.json"] == wanted


def test_an_open_scene_shows_the_new_look_when_its_character_is_saved_again(imported: Imported) -> None:
    live = imported.project.path / "live.json"
    assert live.exists(), imported.runs[2].output
    assert "SCRIPT ERROR" not in imported.runs[2].output, imported.runs[2].output
    found = json.loads(live.read_text())
    for name, seed in (("first", 7), ("second", 8), ("again", 8)):
        clips = expected_clips(imported.characters[seed], imported.manifest)
        assert found[name] == clips["idle_down"]["frames"][0], name
    assert found["same_uid"]
    assert found["texts"] == ["Saved guard to res://live."] * 2
