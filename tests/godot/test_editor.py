"""The real editor, shown on a virtual screen, with a designer's mouse and keys.

One start of the editor goes through everything (tests/godot/editor/designer.gd); the tests here look at what it found.
VCG_PICTURES=FOLDER keeps the screenshots.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.godot.conftest import GodotProject

pytestmark = [pytest.mark.godot, pytest.mark.timeout(300)]

DRIVER = Path(__file__).parent / "editor"
SCREEN = (1600, 900)
SECONDS = 240
"""The designer's hour takes 40 s; a busy machine may take longer."""

SETTINGS = """
[editor_plugins]

enabled=PackedStringArray("res://addons/vcg_driver/plugin.cfg")

[vcg_bridge]

server/command="{command}"
server/address="{address}"
"""


@pytest.fixture(scope="module")
def screen(godot: str) -> Iterator[str]:
    """The name of an X display of the tests' own."""
    beside = Path(godot).parent / "Xvfb"
    program = os.environ.get("XVFB") or (str(beside) if beside.exists() else shutil.which("Xvfb"))
    if program is None:
        pytest.skip("no Xvfb: scripts/install_godot.sh --gl brings one, or set XVFB")
    read, write = os.pipe()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    process = subprocess.Popen(
        [program, "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as display:
            number = display.readline().strip()  # Xvfb chooses a free one, and closes the pipe if it fails
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def hour(
    godot_template: GodotProject, screen: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Any], str, GodotProject]]:
    """What the driver found, what the editor printed, and the project as it was left."""
    folder = tmp_path_factory.mktemp("editor")
    project = GodotProject(godot_template.godot, folder / "project", folder / "home")
    shutil.copytree(godot_template.path, project.path)
    shutil.rmtree(project.path / "tests")  # scripts of other tests
    shutil.copytree(DRIVER, project.path / "addons" / "vcg_driver")
    out = folder / "out"
    out.mkdir()
    command = Path(sys.executable).parent / "vcg"
    config = (project.path / "project.godot").read_text()
    settings = SETTINGS.format(command=command, address=f"tcp://127.0.0.1:{_free_port()}")
    project.write("project.godot", config + settings)
    job = {"scenario": "res://addons/vcg_driver/designer.gd", "out": str(out), "vcg": str(command)}
    (folder / "job.json").write_text(json.dumps(job))
    project.environment = {"DISPLAY": screen, "VCG_DRIVER_JOB": str(folder / "job.json")}
    try:
        run = project.run(
            "--editor", "--rendering-driver", "opengl3", "--rendering-method", "gl_compatibility",
            "--audio-driver", "Dummy", "--resolution", f"{SCREEN[0]}x{SCREEN[1]}", "--single-window",
            headless=False, check=False, timeout_s=SECONDS,
        )  # fmt: skip
        assert (out / "results.json").exists(), run.output
        yield json.loads((out / "results.json").read_text()), run.output, project
    finally:
        _end_servers(out)
        if pictures := os.environ.get("VCG_PICTURES"):
            shutil.copytree(out, pictures, dirs_exist_ok=True)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_servers(out: Path) -> None:
    """Servers that a scenario which broke off has left; their ids are in its notes."""
    try:
        notes = json.loads((out / "results.json").read_text())["notes"]
    except (OSError, ValueError):
        return
    for name in ("pid", "foreign_pid", "second_foreign_pid"):
        pid = int(notes.get(name, 0))
        if pid and b"vcg" in _command_line(pid):
            os.kill(pid, signal.SIGKILL)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_everything_a_designer_did_had_its_effect(hour: tuple[dict[str, Any], str, GodotProject]) -> None:
    results, output, _ = hour
    failed = [f"{what}: {seen}" for what, holds, seen in results["checks"] if not holds]
    assert not failed, output
    assert "our own server ends with the addon" in [what for what, _, _ in results["checks"]], output


def test_the_editor_reported_nothing(hour: tuple[dict[str, Any], str, GodotProject]) -> None:
    _, output, _ = hour
    assert "SCRIPT ERROR" not in output, output
    complaints = [line for line in output.splitlines() if line.startswith(("ERROR", "USER", "WARNING"))]
    # a machine without a graphics card: V-Sync, and the Vulkan driver that the editor tries for its list of devices
    ours = [x for x in complaints if not any(y in x for y in ("V-Sync", "VK_KHR", '"err != OK"'))]
    assert not ours, output


def test_the_editor_ends_by_itself_and_no_server_is_left(hour: tuple[dict[str, Any], str, GodotProject]) -> None:
    results, _, _ = hour
    for name in ("pid", "foreign_pid", "second_foreign_pid"):
        assert b"vcg" not in _command_line(int(results["notes"][name])), name


def test_the_project_holds_what_was_saved(hour: tuple[dict[str, Any], str, GodotProject]) -> None:
    _, _, project = hour
    saved = project.path / "characters"
    names = sorted(path.name for path in saved.rglob("*") if path.is_file())
    assert {"bert.png", "bert.tres"} <= set(names), names
    assert any(name.endswith(".tscn") for name in names), names
    assert any("CREDITS" in name for name in names), names
    assert not [name for name in names if name.endswith((".tmp", "~"))], names
    assert not (project.path / "nowhere").exists()
