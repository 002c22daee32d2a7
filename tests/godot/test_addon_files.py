"""The addon's folder is what Godot's Asset Library wants."""

from __future__ import annotations

import configparser
import io
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

import vcg_bridge

ROOT = Path(__file__).resolve().parents[2]
PLACE = Path("engine_plugins/godot")
ADDON = ROOT / PLACE / "addons" / "vcg_bridge"


def test_plugin_cfg_says_what_the_editor_shows() -> None:
    config = configparser.ConfigParser()
    config.read(ADDON / "plugin.cfg", encoding="utf-8")
    plugin = {name: value.strip('"') for name, value in config["plugin"].items()}
    assert set(plugin) == {"name", "description", "author", "version", "script"}
    assert plugin["version"] == vcg_bridge.__version__
    assert (ADDON / plugin["script"]).is_file()


def test_licence_readme_and_icon_are_inside() -> None:
    assert (ADDON / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (ADDON / "README.md").is_file()
    icon = ElementTree.parse(ADDON / "icon.svg").getroot()
    assert icon.get("width") == icon.get("height") == "128"


def test_the_archive_for_the_asset_library_holds_the_addon_alone() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    packed = subprocess.run(
        ["git", "archive", "--format=zip", f"HEAD:{PLACE.as_posix()}"], cwd=ROOT, capture_output=True, check=True
    )
    names = zipfile.ZipFile(io.BytesIO(packed.stdout)).namelist()
    assert "addons/vcg_bridge/plugin.cfg" in names
    assert [name for name in names if not name.startswith("addons/")] == []
