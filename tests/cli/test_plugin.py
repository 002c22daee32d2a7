"""`vcg plugin`: what is copied, what is replaced, what is left alone, and what of a project's own files changes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.commands import ROOT, Vcg, contents
from vcg_bridge.cli import plugin_files, project_files
from vcg_bridge.cli.plugin import GODOT_PLUGIN
from vcg_bridge.contract.errors import BadRequest

GODOT = ROOT / "engine_plugins" / "godot" / "addons" / "vcg_bridge"
UNITY = ROOT / "engine_plugins" / "unity" / "com.vcg.bridge"
SETTINGS = """\
; Engine configuration file.
config_version=5

[application]

config/name="A game"
config/description="Two lines,
[editor_plugins] is none of them"
config/features=PackedStringArray("4.6", "GL Compatibility")
run/main_scene="res://main.tscn"

[rendering]

renderer/rendering_method="gl_compatibility"
"""
INPUT = """
[input]

jump={
"deadzone": 0.5,
"events": [Object(InputEventKey,"resource_local_to_scene":false,"keycode":32)
]
}
"""


@pytest.fixture
def godot_project(tmp_path: Path) -> Path:
    project = tmp_path / "game"
    project.mkdir()
    (project / "project.godot").write_bytes(SETTINGS.encode())
    return project


@pytest.fixture
def unity_project(tmp_path: Path) -> Path:
    project = tmp_path / "unity game"
    for name in ("Assets", "Packages", "ProjectSettings"):
        (project / name).mkdir(parents=True)
    (project / "ProjectSettings" / "ProjectVersion.txt").write_text("m_EditorVersion: 2022.3.10f1\n")
    (project / "Packages" / "manifest.json").write_text('{ "dependencies": {"com.unity.2d.sprite":  "1.0.0"}}')
    return project


def shipped(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if not re.search(r"(^|/)\.", name)}


# a project's own file


@pytest.mark.parametrize(
    "text",
    [
        SETTINGS,
        SETTINGS + INPUT,
        SETTINGS.rstrip("\n"),
        "\ufeff" + SETTINGS,
        SETTINGS + "\n[editor_plugins]\n\nenabled=PackedStringArray()\n",
        SETTINGS + '\n[editor_plugins]\n\nenabled=PackedStringArray("res://addons/a/plugin.cfg")\n' + INPUT,
        SETTINGS + '\n[editor_plugins]\nenabled = PackedStringArray( "res://a,)\\".cfg" ,\n "res://b.cfg",\n )' + INPUT,
        SETTINGS + "\n[editor_plugins]\n\nother=1\n" + INPUT,
        SETTINGS + "\n[editor_plugins]",
    ],
    ids=[
        "none",
        "none-input",
        "no-last-newline",
        "bom",
        "empty",
        "another",
        "several-lines",
        "section",
        "section-at-end",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_enabling_changes_nothing_else(text: str, newline: str) -> None:
    before = text.replace("\n", newline)
    after = project_files.enabled(before, GODOT_PLUGIN)
    start = next(i for i in range(len(after)) if after[: i + 1] != before[: i + 1])
    added = after[start : start + len(after) - len(before)]
    assert after[:start] + after[start + len(added) :] == before
    assert added.count(GODOT_PLUGIN) == 1
    assert "\n" not in added.replace(newline, "")
    names = [(section, name) for section, name, _ in project_files._entries(after)]
    assert names.count(("editor_plugins", "enabled")) == 1
    assert [x for x in names if x[0] != "editor_plugins"] == [
        (s, n) for s, n, _ in project_files._entries(before) if s != "editor_plugins"
    ]
    assert project_files.enabled(after, GODOT_PLUGIN) == after


def test_a_list_that_is_not_understood_is_left_alone() -> None:
    with pytest.raises(BadRequest, match="not a list of files"):
        project_files.enabled(SETTINGS + "\n[editor_plugins]\nenabled=[1, 2]\n", GODOT_PLUGIN)


# into a project


def test_into_a_godot_project(vcg: Vcg, godot_project: Path) -> None:
    done = vcg("plugin", "install", "--godot", godot_project)
    assert done.code == 0, done.err
    assert "installed" in done.out
    assert "project.godot: enabled" in done.out
    target = godot_project / "addons" / "vcg_bridge"
    assert shipped(target) == shipped(GODOT)
    assert GODOT_PLUGIN in (godot_project / "project.godot").read_text()
    before = contents(godot_project)
    again = vcg("plugin", "install", "--godot", godot_project / "project.godot")
    assert (again.code, again.err) == (0, "")
    assert "was there already" in again.out
    assert "was enabled already" in again.out
    assert contents(godot_project) == before


def test_into_a_unity_project(vcg: Vcg, unity_project: Path) -> None:
    manifest = unity_project / "Packages" / "manifest.json"
    before = manifest.read_bytes()
    done = vcg("plugin", "install", "--unity", unity_project)
    assert (done.code, done.err) == (0, "")
    assert shipped(unity_project / "Packages" / "com.vcg.bridge") == shipped(UNITY)
    assert manifest.read_bytes() == before
    assert "was there already" in vcg("plugin", "install", "--unity", unity_project).out


def test_unity_that_has_the_package_from_elsewhere(vcg: Vcg, unity_project: Path) -> None:
    manifest = unity_project / "Packages" / "manifest.json"
    manifest.write_text('{"dependencies": {"com.vcg.bridge": "file:../elsewhere"}}')
    done = vcg("plugin", "install", "--unity", unity_project)
    assert done.code == 0
    assert "warning: Packages/manifest.json names com.vcg.bridge too (file:../elsewhere)" in done.err


@pytest.mark.parametrize(
    ("engine", "file", "text", "says"),
    [
        ("godot", "project.godot", SETTINGS.replace("4.6", "4.3"), "last saved by Godot 4.3; the plugin needs 4.4"),
        ("unity", "ProjectSettings/ProjectVersion.txt", "m_EditorVersion: 2020.3.1f1\n", "Unity 2020.3.1f1; the plugin needs 2021.3"),
    ],
)  # fmt: skip
def test_an_older_editor_is_warned_of(
    vcg: Vcg, request: pytest.FixtureRequest, engine: str, file: str, text: str, says: str
) -> None:
    project = request.getfixturevalue(f"{engine}_project")
    (project / file).write_text(text)
    done = vcg("plugin", "install", f"--{engine}", project)
    assert done.code == 0
    assert says in done.err


@pytest.mark.parametrize(
    ("option", "files", "says"),
    [
        ("--godot", {}, "no Godot project: it lacks project.godot"),
        ("--godot", {"project.godot": "config_version=4\n"}, "another Godot (config_version 4)"),
        ("--godot", {"project.godot": "\x00\xff"}, "another Godot"),
        ("--unity", {}, "no Unity project: it lacks an Assets folder"),
        ("--unity", {"ProjectSettings/ProjectVersion.txt": "m_EditorVersion: 2022.3.1f1"}, "no Unity project"),
    ],
)
def test_a_folder_that_is_no_project(vcg: Vcg, tmp_path: Path, option: str, files: dict[str, str], says: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = contents(tmp_path)
    done = vcg("plugin", "install", option, tmp_path)
    assert done.code == 2
    assert says in done.error
    assert done.hint
    assert contents(tmp_path) == before


def test_a_folder_that_is_not_there(vcg: Vcg, tmp_path: Path, godot_project: Path) -> None:
    done = vcg("plugin", "install", "--godot", godot_project, "--unity", tmp_path / "none")
    assert done.code == 2
    assert "none: there is no such folder" in done.error
    assert not (godot_project / "addons").exists()  # both are looked at before either is touched


# over what is there


class World:
    """A small plugin of our own in several versions, and a project."""

    def __init__(self, vcg: Vcg, project: Path, source: Path) -> None:
        self._vcg, self._project, self._source = vcg, project, source
        self.target = project / "addons" / "vcg_bridge"

    def release(self, version: str, **files: str) -> None:
        """The plugin that `vcg` brings from now on."""
        folder = self._source / "godot" / "addons" / "vcg_bridge"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "plugin.cfg").write_text(f'[plugin]\n\nname="x"\nversion="{version}"\n')
        for name, text in files.items():
            (folder / f"{name}.gd").write_text(text)

    def install(self, *options: str) -> str:
        """What it says, or the error and its hint."""
        done = self._vcg("plugin", "install", "--godot", self._project, *options)
        return done.out if done.code == 0 else f"{done.error} / {done.hint}"

    def files(self) -> dict[str, str]:
        return {n: x.decode() for n, x in contents(self.target).items() if n not in ("plugin.cfg", plugin_files.RECORD)}


@pytest.fixture
def world(vcg: Vcg, godot_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(plugin_files, "root", lambda: tmp_path / "source")
    world = World(vcg, godot_project, tmp_path / "source")
    world.release("0.9.0", a="one", b="two", c="three")
    return world


def test_an_older_version_is_replaced_and_the_users_own_files_stay(world: World) -> None:
    world.install()
    for name in ("b.gd.uid", "c.gd.uid", "notes.txt"):
        (world.target / name).write_text(name)
    world.release("0.10.0", a="ONE", c="three", d="four")
    assert "replaced 0.9.0 by 0.10.0" in world.install()
    assert world.files() == {
        "a.gd": "ONE",
        "c.gd": "three",
        "d.gd": "four",
        "c.gd.uid": "c.gd.uid",
        "notes.txt": "notes.txt",
    }
    assert sorted(p.name for p in world.target.parent.iterdir()) == ["vcg_bridge"]


@pytest.mark.parametrize("edit", ["changed", "removed"])
def test_an_edited_plugin_is_left_alone(world: World, edit: str) -> None:
    world.install()
    (world.target / "a.gd").write_text("mine") if edit == "changed" else (world.target / "a.gd").unlink()
    before = contents(world.target)
    world.release("0.10.0", a="ONE")
    said = world.install()
    assert "was changed since it was installed: a.gd" in said
    assert "--force" in said
    assert contents(world.target) == before
    assert "replaced" in world.install("--force")
    assert world.files() == {"a.gd": "ONE"}


def test_what_the_editor_rewrites_is_no_edit_and_stays(world: World, tmp_path: Path) -> None:
    world.release("0.9.0", a="one")
    icon = tmp_path / "source" / "godot" / "addons" / "vcg_bridge" / "icon.svg.import"
    icon.write_text("ours")
    world.install()
    (world.target / "icon.svg.import").write_text("the editor's")
    world.release("0.10.0", a="ONE")
    icon.write_text("ours, newer")
    assert "replaced" in world.install()
    assert world.files() == {"a.gd": "ONE", "icon.svg.import": "the editor's"}


def test_a_newer_plugin_is_left_alone(world: World) -> None:
    world.release("0.10.0", a="new")
    world.install()
    world.release("0.9.0", a="old")
    said = world.install()
    assert "has version 0.10.0, which is newer than 0.9.0" in said
    assert "update VCG Bridge" in said
    assert world.files() == {"a.gd": "new"}
    assert "replaced 0.10.0 by 0.9.0" in world.install("--force")
    assert world.files() == {"a.gd": "old"}


def test_a_copy_made_by_hand(world: World, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "source" / "godot" / "addons" / "vcg_bridge", world.target)
    assert "replaced 0.9.0 by 0.9.0" in world.install()  # the same files: from now on there is a record
    assert "was there already" in world.install()
    (world.target / plugin_files.RECORD).unlink()
    world.release("0.10.0", a="ONE", b="two")
    assert "was not installed by vcg, and differs: a.gd" in world.install()
    assert "replaced" in world.install("--force")
    assert world.files() == {"a.gd": "ONE", "b.gd": "two"}  # c.gd may be of the older version: two of one class_name


def test_something_else_at_its_place(world: World, tmp_path: Path) -> None:
    world.target.mkdir(parents=True)
    (world.target / "x").write_text("x")
    assert "there is something else" in world.install()
    shutil.rmtree(world.target)
    world.target.write_text("a file")
    assert "is a file" in world.install()
    assert "is a file" in world.install("--force")
    world.target.unlink()
    world.target.symlink_to(tmp_path / "source" / "godot" / "addons" / "vcg_bridge", target_is_directory=True)
    assert "or a link to one" in world.install("--force")
    assert (tmp_path / "source" / "godot" / "addons" / "vcg_bridge" / "a.gd").read_text() == "one"


def test_a_failed_replacement_leaves_the_old_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.install()
    before = contents(world.target)
    world.release("0.10.0", a="ONE")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    said = world.install()
    assert "cannot be written: No space left on device" in said
    assert contents(world.target) == before
    assert sorted(p.name for p in world.target.parent.iterdir()) == ["vcg_bridge"]


# where they come from


def test_list_and_path(vcg: Vcg) -> None:
    rows = json.loads(vcg("plugin", "list", "--json").out)
    assert {row["engine"]: row["folder"] for row in rows} == {"godot": str(GODOT), "unity": str(UNITY)}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", row["version"]) for row in rows)
    table = vcg("plugin", "list").out
    assert "4.4" in table
    assert "2021.3" in table
    assert vcg("plugin", "path", "unity").out == f"{UNITY}\n"
    assert "godot" in vcg("plugin", "path", "gdot").hint
    assert vcg("plugin", "install").hint.startswith("vcg plugin install --godot")


def test_an_installation_without_them(vcg: Vcg, godot_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_files, "root", lambda: godot_project)
    assert "BROKEN" in vcg("plugin", "list").out
    done = vcg("plugin", "install", "--godot", godot_project)
    assert "the godot plugin is not there" in done.error


def test_wheel_and_sdist_bring_them(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", tmp_path], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 20e6
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", "from vcg_bridge.cli.plugin_files import *; print(plugin('godot').folder, plugin('unity').folder, sep='|')"],
        cwd=tmp_path / "site", capture_output=True, text=True, env={"PYTHONPATH": "."},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for found, source in zip(done.stdout.strip().split("|"), (GODOT, UNITY), strict=True):
        assert Path(found).is_relative_to(tmp_path / "site")
        assert contents(Path(found)) == shipped(source)
    assert not (tmp_path / "site" / "vcg_bridge" / "engine_plugins" / "godot" / "demo").exists()
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        names = set(sdist.getnames())
    for source in (GODOT, UNITY):
        inside = f"vcg_bridge-0.1.0/{source.relative_to(ROOT).as_posix()}"
        assert {f"{inside}/{name}" for name in shipped(source)} <= names
