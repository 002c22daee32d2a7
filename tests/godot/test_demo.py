"""The demo project: 200 villagers, all different, with a server that runs, and in words without one."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.godot.conftest import PROJECT, GodotProject
from tests.server.conftest import config, running

pytestmark = [pytest.mark.godot, pytest.mark.socket]

DEMO = Path(__file__).resolve().parents[2] / "engine_plugins" / "godot"
SECONDS = int(os.environ.get("VCG_DEMO_SECONDS", "9"))
"""VCG_DEMO_SECONDS=60 for the long run."""


@pytest.fixture(scope="module")
def demo(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> GodotProject:
    """The project as it is in the repository, but with every warning of GDScript as an error."""
    folder = tmp_path_factory.mktemp("demo")
    project = GodotProject(godot_template.godot, folder / "project", folder / "home")
    shutil.copytree(DEMO, project.path, ignore=shutil.ignore_patterns(".godot"))
    project.write("override.cfg", PROJECT[PROJECT.index("[debug]") :])
    (project.path / "tests").mkdir()
    shutil.copy(Path(__file__).parent / "project" / "load_all.gd", project.path / "tests")
    settings = (project.path / "project.godot").read_text()
    project.write(
        "project.godot", settings.replace('enabled=PackedStringArray("res://addons/vcg_bridge/plugin.cfg")', "")
    )
    project.run("--import")
    return project


def test_two_hundred_villagers_walk_and_memory_stays_flat(demo: GodotProject) -> None:
    demo.run_script("res://tests/load_all.gd")
    report = demo.path / "report.json"
    with running(config()) as server:
        arguments = [f"--address={server.address}", f"--seconds={SECONDS}", "--every=1", f"--report={report}"]
        demo.run("--", *arguments, timeout_s=SECONDS + 100)
    found = json.loads(report.read_text())
    assert found["shown"] == 200
    assert len(found["crowds"]) >= 2
    for crowd in found["crowds"]:
        assert (crowd["shown"], crowd["different"]) == (200, 200)
    first, last = found["memory"][0], found["memory"][-1]
    assert last < first * 1.1, found["memory"]


def test_without_a_server_it_says_so(demo: GodotProject) -> None:
    report = demo.path / "report.json"
    demo.run("--", "--address=tcp://127.0.0.1:1", "--no-start", "--seconds=2", f"--report={report}")
    found = json.loads(report.read_text())
    assert found["shown"] == 0
    said = " ".join(found["words"])
    assert "No VCG Bridge server at tcp://127.0.0.1:1" in said
    assert "Start one with `vcg serve`" in said
