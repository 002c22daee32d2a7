"""Every GDScript file compiles with warnings as errors."""

from __future__ import annotations

import re

import pytest

from tests.godot.conftest import GodotProject

pytestmark = pytest.mark.godot


def test_every_script_compiles_without_a_warning(godot_project: GodotProject) -> None:
    result = godot_project.run_script("res://tests/load_all.gd")
    match = re.search(r"^loaded (\d+)$", result.output, re.M)
    assert match, result.output
    assert int(match[1]) == len([p for p in godot_project.path.rglob("*.gd") if ".godot" not in p.parts])
