"""A real Godot, and temporary projects with the addon in them.

`godot_project` gives each test a project of its own: the addon under res://addons/vcg_bridge, tests/godot/project under
res://tests, GDScript warnings as errors, and a home folder of its own (user://, editor settings). A start of Godot
costs a second or two: put many checks into one script.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.godot import (
    ADDON,
    PROJECT,
    ROOT,
    START_S,
    WARNINGS,
    GodotProject,
    GodotResult,
    find_godot,
    new_project,
    template,
)  # fmt: skip

__all__ = ["ADDON", "PROJECT", "ROOT", "START_S", "WARNINGS", "GodotProject", "GodotResult"]


@pytest.fixture(scope="session")
def godot() -> str:
    """A Godot 4: GODOT, else what scripts/install_godot.sh finds or installs. Skips where there is none to be had."""
    return find_godot()


@pytest.fixture(scope="session")
def godot_template(godot: str) -> GodotProject:
    """The project that the others are copies of. Do not write into it."""
    return template()


@pytest.fixture
def godot_project(godot_template: GodotProject, tmp_path: Path) -> GodotProject:
    """A project of the test's own."""
    return new_project(tmp_path)
