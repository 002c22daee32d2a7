"""Every GDScript file compiles with warnings as errors, has a uid, and the addon says its version in one voice."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

import vcg_bridge
from scripts import godot_uids
from tests.support.godot import ADDON, GodotProject


@pytest.mark.godot
def test_every_script_compiles_without_a_warning(godot_project: GodotProject) -> None:
    result = godot_project.run_script("res://tests/load_all.gd")
    match = re.search(r"^loaded (\d+)$", result.output, re.M)
    assert match, result.output
    assert int(match[1]) == len([p for p in godot_project.path.rglob("*.gd") if ".godot" not in p.parts])


@pytest.mark.godot
def test_the_editor_takes_our_uids(godot_template: GodotProject) -> None:
    for path in godot_uids.sources(ADDON):
        mark = path.with_name(path.name + ".uid")
        theirs = godot_template.path / "addons" / "vcg_bridge" / mark.relative_to(ADDON)
        assert theirs.read_text() == mark.read_text(), mark


def test_every_script_has_a_uid() -> None:
    assert godot_uids.check() == []


def test_uids_are_found_wanting(tmp_path: Path) -> None:
    for name in ("a.gd", "b.gd", "c.gdshader"):
        (tmp_path / name).touch()
    godot_uids.write(tmp_path)
    assert godot_uids.check(tmp_path) == []
    (tmp_path / "a.gd.uid").write_text("uid://9\n")
    (tmp_path / "b.gd.uid").write_text((tmp_path / "c.gdshader.uid").read_text())
    (tmp_path / "d.gd").touch()
    (tmp_path / "e.gd.uid").touch()
    said = "\n".join(godot_uids.check(tmp_path))
    for part in ("a.gd.uid holds no uid", "has the uid of", "d.gd has no .uid", "e.gd.uid belongs to no file"):
        assert part in said, said


def test_one_version() -> None:
    config = configparser.ConfigParser()
    config.read(ADDON / "plugin.cfg")
    assert config["plugin"]["version"].strip('"') == vcg_bridge.__version__
    assert f'"vcg-godot/{vcg_bridge.__version__}"' in (ADDON / "runtime" / "vcg_client.gd").read_text(encoding="utf-8")
