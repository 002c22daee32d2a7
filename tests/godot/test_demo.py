"""The demo project: 200 villagers, all different, with a server that runs, and in words without one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.godot.conftest import PROJECT, GodotProject
from tests.server.conftest import config, running

pytestmark = [pytest.mark.godot, pytest.mark.socket]

DEMO = Path(__file__).resolve().parents[2] / "engine_plugins" / "godot"
CROWDS = 3


@pytest.fixture(scope="module")
def demo(godot_template: GodotProject, tmp_path_factory: pytest.TempPathFactory) -> GodotProject:
    """The project as it is in the repository, but with every warning of GDScript as an error."""
    folder = tmp_path_factory.mktemp("demo")
    project = GodotProject(godot_template.godot, folder / "project", folder / "home")
    shutil.copytree(DEMO, project.path, ignore=shutil.ignore_patterns(".godot"))
    told_at_once = "[application]\n\nrun/flush_stdout_on_print=true\n\n"
    project.write("override.cfg", told_at_once + PROJECT[PROJECT.index("[debug]") :])
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
        arguments = [f"--address={server.address}", f"--crowds={CROWDS}", "--every=1", f"--report={report}"]
        demo.run("--", *arguments)
    found = json.loads(report.read_text())
    assert found["shown"] == 200
    assert len(found["crowds"]) == CROWDS
    for crowd in found["crowds"]:
        assert (crowd["shown"], crowd["different"]) == (200, 200)
    first, last = found["memory"][0], found["memory"][-1]
    assert last < first * 1.1, found["memory"]


def test_without_a_server_it_says_so(demo: GodotProject) -> None:
    said = ""
    with demo.start("--", "--address=tcp://127.0.0.1:1", "--no-start") as game:
        assert game.stdout is not None
        while "Start one with `vcg serve`" not in said and (line := game.stdout.readline()):
            said += line
    assert "No VCG Bridge server at tcp://127.0.0.1:1" in said
    assert "Start one with `vcg serve`" in said
