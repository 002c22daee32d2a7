"""`vcg bench --load` and `--soak` against servers that run already: plain, TLS, CURVE, with tokens, and ones that go away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import certificate
from tests.support.commands import Vcg, start_vcg
from tests.support.ports import reserved_port
from vcg_bridge.cli import bench_load
from vcg_bridge.cli.keys import server_keys
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.listener import listener

pytestmark = pytest.mark.socket

SHORT = ("--clients", 2, "--seconds", 0.2)


@pytest.fixture(scope="module")
def secured(bundle_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[object]]]:
    """The options for one server with CURVE, and for one with TLS beside plain tcp, both with a token."""
    folder = tmp_path_factory.mktemp("secured")
    token, key = folder / "token", folder / "server.key"
    token.write_text("0123456789abcdef")
    token.chmod(0o600)
    public, _ = server_keys(key)
    files = certificate(folder / "tls")
    common = [f"--bundle={bundle_root / 'tiny'}", "--threads=1", "--workers=0", "--token-file", str(token)]
    with (
        reserved_port() as port,
        ServerProcess(
            [*common, "--tls", str(files.chain), str(files.key), "--tls-bind", f"tls://127.0.0.1:{port}"]
        ) as plain,
        ServerProcess([*common, "--key-file", str(key)]) as curve,
    ):
        shown: list[object] = ["--token-file", token]
        yield {
            "tcp": ["--server", plain.address, *shown],
            "tls": ["--server", f"tls://127.0.0.1:{port}", "--certificate", files.chain, *shown],
            "curve": ["--server", curve.address, "--server-key", public, *shown],
        }


@pytest.mark.parametrize("link", ["tcp", "tls", "curve"])
def test_load_of_a_server_that_runs(vcg: Vcg, secured: dict[str, list[object]], link: str, tmp_path: Path) -> None:
    out = tmp_path / "load.md"
    done = vcg("bench", "--load", *SHORT, *secured[link], "--json", "--out", out)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [x["work"] for x in found["levels"]] == ["previews", "sheets", "characters"]
    assert all(x["jobs"] > 0 for x in found["levels"])
    assert found["machine"]["server"] == secured[link][1]
    assert found["previews_batched_over_one_at_a_time"] is None  # it needs a second server
    assert "one at a time" not in out.read_text()


@pytest.mark.parametrize("link", ["tcp", "tls", "curve"])
def test_soak_of_a_server_that_runs(vcg: Vcg, secured: dict[str, list[object]], link: str) -> None:
    done = vcg("bench", "--soak", 0.03, "--clients", 3, *secured[link], "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["faults"] == []
    assert found["chunks"] > 0
    assert [model.split()[0] for model in found["machine"]["models"]] == ["tiny"]
    if sys.platform == "linux":
        assert found["watched"].startswith("process ")
        assert found["last"]["resident"] > 0


@pytest.mark.parametrize("what", [["--load"], ["--soak", 1]])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--token-file", "missing"], "cannot be read"),
        (["--certificate", "missing"], "not TLS"),
        (["--server", "tls://127.0.0.1:1"], "refused"),
        (["--server", "nowhere"], "is no address"),
        (["--plot", "picture.jpg"], "is a PNG"),
        (["--out", "."], "is a folder"),
        (["--clients", "0"], "--clients"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(
    vcg: Vcg, secured: dict[str, list[object]], what: list[object], change: list[object], message: str
) -> None:
    done = vcg("bench", *what, *secured["tcp"], *change)
    assert done.code == 2
    assert message in done.error
    assert done.out == ""


def test_what_a_server_elsewhere_does_not_show_is_said(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench_load._watched("tls://vcg.example:7422")[0] is None
    assert "on that machine" in bench_load._watched("tls://vcg.example:7422")[1]
    assert bench_load._watched(f"tcp://127.0.0.1:{port}")[0] is None
    monkeypatch.setattr(bench_load, "footprint", lambda pid: None)
    assert "do not show" in bench_load._watched("tcp://127.0.0.1:7421")[1]


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
def test_the_process_that_listens_is_found(server: ServerProcess, port: int) -> None:
    assert listener(int(server.address.rpartition(":")[2])) == server.process.pid
    assert listener(port) is None


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_ctrl_c_in_a_soak_shows_what_was_seen(server: ServerProcess) -> None:
    process = start_vcg("bench", "--soak", 5, "--clients", 2, "--server", server.address)
    end = time.monotonic() + 60
    while not connected_to(server, process):
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopped after" in err
    assert "Traceback" not in err
    assert "jobs done" in out


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
@pytest.mark.parametrize("what", [["--soak", 5], ["--load", "--seconds", 5]])
def test_a_server_that_dies_is_one_error_and_no_long_wait(bundle_root: Path, what: list[object]) -> None:
    with ServerProcess([f"--bundle={bundle_root / 'tiny'}", "--threads=1", "--workers=0"]) as server:
        words = [*map(str, what), "--clients", "2", "--server", server.address]
        impatient = (
            "import sys; from vcg_bridge.cli import main, soak; soak.GONE_S = 5; sys.exit(main.run(sys.argv[1:]))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", impatient, "bench", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 60
        while not connected_to(server, process):
            assert time.monotonic() < end
            time.sleep(0.05)
        os.kill(server.process.pid, signal.SIGKILL)
        _, err = process.communicate(timeout=90)
    assert "Traceback" not in err
    assert err.count("error: ") == 1
    assert "closed by the other side" in err or "was gone" in err or "was lost" in err
    assert process.returncode in (1, 2)


def connected_to(server: ServerProcess, process: subprocess.Popen[str]) -> bool:
    """Two connections of bench are at the server."""
    assert process.poll() is None
    port = f":{int(server.address.rpartition(':')[2]):04X}"
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return sum(row[2].endswith(port) and row[3] == "01" for row in rows) >= 2
