"""`vcg plugin install --godot`, as the engine sees what it wrote."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.godot.conftest import GodotProject

pytestmark = pytest.mark.godot

SETTINGS = """\
config_version=5

[application]

config/name="vcg tests"
config/description="Two lines,
[editor_plugins] is none of them"
config/features=PackedStringArray("4.4")

[editor_plugins]

enabled=PackedStringArray("res://addons/a,)\\"/plugin.cfg")

[input]

jump={
"deadzone": 0.5,
"events": [Object(InputEventKey,"resource_local_to_scene":false,"resource_name":"","keycode":32)
]
}
"""
ASK = """extends SceneTree


func _init() -> void:
	print("SETTINGS ", JSON.stringify([
		ProjectSettings.get_setting("editor_plugins/enabled"),
		ProjectSettings.get_setting("application/config/description"),
		ProjectSettings.has_setting("input/jump"),
	]))
	quit()
"""


def test_godot_reads_what_was_written(godot: str, tmp_path: Path) -> None:
    project = GodotProject(godot, tmp_path / "project", tmp_path / "home")
    project.write("project.godot", SETTINGS)
    project.write("ask.gd", ASK)
    subprocess.run([sys.executable, "-m", "vcg_bridge", "plugin", "install", "--godot", project.path], check=True)
    said = re.findall(r"^SETTINGS (.*)$", project.run("--script", "res://ask.gd").output, re.M)
    assert [json.loads(x) for x in said] == [
        [
            ['res://addons/a,)"/plugin.cfg', "res://addons/vcg_bridge/plugin.cfg"],
            "Two lines,\n[editor_plugins] is none of them",
            True,
        ]
    ]
