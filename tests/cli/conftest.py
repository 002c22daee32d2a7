"""The command run as users run it, on a small bundle with random weights, against real servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import ROOT, Result, Vcg
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli import connect, main
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.contract import vocabulary


@pytest.fixture(scope="session")
def bundle_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's bundle folder with the bundle `tiny` in it."""
    root = tmp_path_factory.mktemp("bundles")
    write_tiny_bundle(root / "tiny")
    return root


@pytest.fixture(autouse=True)
def own_world(bundle_root: Path, tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees this machine's bundles, servers or settings, nor leaves anything in its folders."""
    monkeypatch.setenv("VCG_BUNDLES", str(bundle_root))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # where a server that stays has its log
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    address = f"tcp://127.0.0.1:{port}"  # nothing listens there, whatever else runs on this machine
    monkeypatch.setenv("VCG_SERVE_BIND", address)
    monkeypatch.setattr(vocabulary, "DEFAULT_ADDRESS", address)
    monkeypatch.setattr(connect, "DEFAULT_ADDRESS", address)
    monkeypatch.setattr(connect, "DEFAULT_PORT", port)


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
