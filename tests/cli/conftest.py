"""The command run as users run it, on a small bundle with random weights, against real servers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli import connect, main
from vcg_bridge.cli.launch import ServerProcess

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


@pytest.fixture(scope="session")
def bundle_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's bundle folder with the bundle `tiny` in it."""
    root = tmp_path_factory.mktemp("bundles")
    write_tiny_bundle(root / "tiny")
    return root


@pytest.fixture(autouse=True)
def own_world(bundle_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees this machine's bundles, servers or settings, nor leaves anything in its folders."""
    monkeypatch.setenv("VCG_BUNDLES", str(bundle_root))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("VCG_SERVER", "VCG_TOKEN", "VCG_TOKEN_FILE", "VCG_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    port = free_port()  # nothing listens there, whatever else runs on this machine
    monkeypatch.setattr(connect, "DEFAULT_PORT", port)
    monkeypatch.setattr(connect, "DEFAULT_ADDRESS", f"tcp://127.0.0.1:{port}")


@pytest.fixture
def vcg(capsys: pytest.CaptureFixture[str]) -> Vcg:
    """`vcg ...` in this process (servers are processes of their own)."""

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = main.run([str(x) for x in arguments])
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return call


@pytest.fixture(scope="session")
def server(bundle_root: Path) -> Iterator[ServerProcess]:
    """A running server of `tiny`, shared by the tests that only need one."""
    with ServerProcess([f"--bundle={bundle_root / 'tiny'}", "--threads=2"]) as process:
        yield process


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ServerProcess]]:
    """The servers that commands of this test start themselves. None is left behind."""
    seen: list[ServerProcess] = []

    class Noted(ServerProcess):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[arg-type]
            seen.append(self)

    monkeypatch.setattr(connect, "ServerProcess", Noted)
    yield seen
    for process in seen:
        if process.process.poll() is None:
            process.process.terminate()
            process.process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_vcg(*arguments: object, **options: object) -> subprocess.Popen[str]:
    """`vcg ...` as a process of its own."""
    command = [sys.executable, "-m", "vcg_bridge", *(str(x) for x in arguments)]
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under the folder, by relative name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
