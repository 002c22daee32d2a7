"""The real editor of Godot, driven by tests/godot/editor/driver.gd: what the tests and the benchmark of the dock are made of."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.godot import GODOT_TESTS, GodotProject, new_project
from tests.support.ports import reserved_port

SCREEN = (1280, 800)
SECONDS = 500
"""A designer's hour takes 40 s; a busy machine may take longer."""

SETTINGS = """
[editor_plugins]

enabled=PackedStringArray("res://addons/vcg_driver/plugin.cfg")

[vcg_bridge]

server/command="{command}"
server/address="{address}"
"""


@dataclass(frozen=True)
class EditorRun:
    """What came of a scenario."""

    results: dict[str, Any]  # checks, stalls_ms, seconds, notes
    output: str
    project: GodotProject
    pictures: Path  # folder of the screenshots


def find_xvfb(godot: str) -> str | None:
    """An Xvfb: XVFB, else the one that scripts/install_godot.sh --gl puts beside Godot, else the system's."""
    beside = Path(godot).parent / "Xvfb"
    return os.environ.get("XVFB") or (str(beside) if beside.exists() else shutil.which("Xvfb"))


@contextmanager
def virtual_screen(xvfb: str) -> Iterator[str]:
    """The name of an X display of our own."""
    read, write = os.pipe()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    process = subprocess.Popen(
        [xvfb, "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"],
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as display:
            number = display.readline().strip()  # Xvfb chooses a free one, and closes the pipe if it fails
        if not number:
            raise RuntimeError(f"{xvfb} did not start")
        yield f":{number}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def editor_run(folder: Path, scenario: Path, display: str | None, **job: object) -> Iterator[EditorRun]:
    """Open a new project in the editor and play the scenario. display: None for an editor without a window."""
    project = new_project(folder)
    shutil.rmtree(project.path / "tests")  # scripts of other tests
    driver = project.path / "addons" / "vcg_driver"
    shutil.copytree(GODOT_TESTS / "editor", driver)
    if not (driver / scenario.name).exists():
        shutil.copy(scenario, driver / scenario.name)
    out = folder / "out"
    out.mkdir()
    command = Path(sys.executable).parent / "vcg"
    what = {"scenario": f"res://addons/vcg_driver/{scenario.name}", "out": str(out), "vcg": str(command), **job}
    (folder / "job.json").write_text(json.dumps(what))
    project.environment = {"DISPLAY": display or "", "VCG_DRIVER_JOB": str(folder / "job.json")}
    shown = ("--rendering-driver", "opengl3", "--rendering-method", "gl_compatibility", "--audio-driver", "Dummy")
    size = f"{SCREEN[0]}x{SCREEN[1]}"
    with reserved_port() as port:  # the project's settings have to name one
        settings = SETTINGS.format(command=command, address=f"tcp://127.0.0.1:{port}")
        project.write("project.godot", (project.path / "project.godot").read_text() + settings)
        try:
            run = project.run(
                "--editor", "--single-window", "--resolution", size, *(shown if display else ()),
                headless=display is None, check=False, timeout_s=SECONDS,
            )  # fmt: skip
            if not (out / "results.json").exists():
                raise RuntimeError(f"the driver came to no end:\n{run.output}")
            yield EditorRun(json.loads((out / "results.json").read_text()), run.output, project, out)
        finally:
            _end_servers(out)


def command_line(pid: int) -> bytes:
    """Of a process; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _end_servers(out: Path) -> None:
    """Servers that a scenario which broke off has left; their ids are in its notes."""
    try:
        notes = json.loads((out / "results.json").read_text())["notes"]
    except (OSError, ValueError):
        return
    for name in ("pid", "foreign_pid", "second_foreign_pid"):
        pid = int(notes.get(name, 0))
        if pid and b"vcg" in command_line(pid):
            os.kill(pid, signal.SIGKILL)
