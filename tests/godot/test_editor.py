"""The real editor, shown on a virtual screen, with a designer's mouse and keys.

One start of the editor goes through everything (tests/godot/editor/designer.gd); the tests here look at what it found.
VCG_PICTURES=FOLDER keeps the screenshots.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.godot.conftest import GodotProject
from tests.support.godot_editor import EditorRun, command_line, editor_run, find_xvfb, virtual_screen

pytestmark = [pytest.mark.godot, pytest.mark.timeout(600)]

SCENARIO = Path(__file__).parent / "editor" / "designer.gd"
SERVERS = ("pid", "foreign_pid", "second_foreign_pid")


@pytest.fixture(scope="module")
def hour(godot: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EditorRun]:
    """A level designer's hour with the dock."""
    xvfb = find_xvfb(godot)
    if xvfb is None:
        pytest.skip("no Xvfb: scripts/install_godot.sh --gl brings one, or set XVFB")
    folder = tmp_path_factory.mktemp("editor")
    try:
        wanted = {"pictures": "VCG_PICTURES" in os.environ, "baseline": False}  # and not what the benchmark measures
        with virtual_screen(xvfb) as display, editor_run(folder, SCENARIO, display, **wanted) as run:
            yield run
    finally:
        if pictures := os.environ.get("VCG_PICTURES"):
            shutil.copytree(folder / "out", pictures, dirs_exist_ok=True)


def test_everything_a_designer_did_had_its_effect(hour: EditorRun) -> None:
    checks = hour.results["checks"]
    assert not [f"{what}: {seen}" for what, holds, seen in checks if not holds], hour.output
    assert "our own server ends with the addon" in [what for what, _, _ in checks], hour.output  # it went to the end


def test_the_editor_reported_nothing(hour: EditorRun) -> None:
    assert "SCRIPT ERROR" not in hour.output, hour.output
    complaints = [line for line in hour.output.splitlines() if line.startswith(("ERROR", "USER", "WARNING"))]
    # a machine without a graphics card: V-Sync, and the Vulkan driver that the editor tries for its list of devices
    ours = [x for x in complaints if not any(y in x for y in ("V-Sync", "VK_KHR", '"err != OK"'))]
    assert not ours, hour.output


def test_no_server_is_left(hour: EditorRun) -> None:
    for name in SERVERS:
        assert b"vcg" not in command_line(int(hour.results["notes"][name])), name


def test_the_project_holds_what_was_saved(hour: EditorRun) -> None:
    saved = hour.project.path / "characters"
    names = sorted(path.name for path in saved.rglob("*") if path.is_file())
    assert {"bert.png", "bert.tres", "bert.tscn"} <= set(names), names
    assert any("CREDITS" in name for name in names), names
    assert not [name for name in names if name.endswith((".tmp", "~"))], names
    assert not list(hour.project.path.rglob("nowhere*"))


ENABLED = """
[editor_plugins]

enabled=PackedStringArray("res://addons/vcg_bridge/plugin.cfg")

[vcg_bridge]

server/command="{command}"
server/address="tcp://127.0.0.1:{port}"
"""


def test_a_killed_editor_takes_its_server_along(godot_project: GodotProject, port: int) -> None:
    """The first start of a project that has the addon enabled already, as in a fresh checkout; then kill -9."""
    command = Path(sys.executable).parent / "vcg"
    config = (godot_project.path / "project.godot").read_text()
    godot_project.write("project.godot", config + ENABLED.format(command=command, port=port))
    shutil.rmtree(godot_project.path / ".godot")
    with godot_project.start("--editor") as editor:
        server = _wait_for(lambda: _server_at(port))
        assert server, "the editor started no server"
        editor.kill()
        output = editor.communicate(timeout=30)[0]
    gone = _wait_for(lambda: b"vcg" not in command_line(server))
    if not gone:
        os.kill(server, 9)
    assert gone, output
    assert "SCRIPT ERROR" not in output, output


def _server_at(port: int) -> int:
    """Process id of the server that was told to listen there, 0 where there is none."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and f"tcp://127.0.0.1:{port}".encode() in command_line(int(entry.name)):
            return int(entry.name)
    return 0


def _wait_for(found: Callable[[], int], seconds: float = 60) -> int:
    give_up = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < give_up:
        time.sleep(0.1)
    return value
