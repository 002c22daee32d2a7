"""The runners: one line each. See README.md."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.godot import new_project
from tests.unity.core_program import compile_program
from tests.unity.mono import find_mono


@dataclass(frozen=True)
class Runner:
    """A client's program."""

    name: str
    command: Callable[[Path], list[str]]  # from an empty folder that it may use; may call pytest.skip
    marks: tuple[pytest.MarkDecorator, ...]
    abilities: frozenset[str]  # of `zstd`, `tls`


def _python(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.conformance.runner"]


def _godot(folder: Path) -> list[str]:
    project = new_project(folder)
    home = [
        f"{name}={x}" for name, x in project.environ.items() if name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
    ]
    script = "res://tests/conformance.gd"
    return ["env", *home, project.godot, "--headless", "--path", str(project.path), "--script", script, "--"]


def _unity(folder: Path) -> list[str]:
    mono = find_mono(folder)
    if mono is None:
        pytest.skip("no mono here: scripts/install_mono.sh installs it")
    return compile_program(mono).command("conformance")


RUNNERS = (
    Runner("python", _python, (pytest.mark.socket,), frozenset({"zstd", "tls"})),
    Runner("godot", _godot, (pytest.mark.godot, pytest.mark.socket), frozenset({"zstd", "tls"})),
    Runner("unity", _unity, (pytest.mark.unity, pytest.mark.socket), frozenset({"tls"})),
)
