"""The test program of the package's core: `tests/unity/program`, compiled together with `Runtime/Core`.

A check is a static C# method `string NAME(string[] arguments)` marked `[Check("name")]`, in any file of the folder.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.unity.mono import CORE, HERE, Mono

RUN_S = 250
"""No check takes longer, on a busy machine too. It is no measure of speed."""


def sources() -> list[Path]:
    """All that is compiled into the program."""
    return [*sorted(CORE.rglob("*.cs")), *sorted((HERE / "program").glob("*.cs"))]


@dataclass(frozen=True)
class CoreProgram:
    """The compiled program."""

    mono: Mono
    path: Path

    def command(self, name: str, *arguments: object) -> list[str]:
        """What runs a check."""
        return [self.mono.mono, str(self.path), name, *map(str, arguments)]

    def run(self, name: str, *arguments: object) -> str:
        """The line that a check prints. Fails where the check does."""
        done = subprocess.run(self.command(name, *arguments), capture_output=True, text=True, timeout=RUN_S)
        assert done.returncode == 0, f"{name}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()


def compile_program(mono: Mono) -> CoreProgram:
    """The program, in the folder of `mono`."""
    return CoreProgram(mono, mono.compile("core-tests", sources(), optimize=True))
