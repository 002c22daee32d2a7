"""Helpers of tests that run `vcg`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Result:
    """What a command line gave."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The message of the one `error:` line. Fails where there is not exactly one, or a traceback."""
        assert "Traceback" not in self.err, self.err
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        return lines[0].removeprefix("error: ")

    @property
    def hint(self) -> str:
        return next((x.removeprefix("hint: ") for x in self.err.splitlines() if x.startswith("hint: ")), "")


Vcg = Callable[..., Result]
"""`vcg(*arguments)`: the fixture of tests/cli."""


def start_vcg(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """`vcg ...` as a process of its own. A server ends with this process, however that does."""
    command = [sys.executable, "-m", "vcg_bridge", *(str(x) for x in arguments)]
    if arguments[0] == "serve":
        command.append("--stop-with-stdin")
        options["stdin"] = subprocess.PIPE
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under the folder, by relative name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
