"""What goes wrong around a server: it is killed, the disk is full, drawing fails, crowds come and go."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from benchmarks.flood import SOURCES, TOKEN, Flood, place
from scripts.fuzz import fuzz
from scripts.fuzz_server import fuzz_server
from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from tests.support.certificates import certificate
from tests.support.commands import ROOT
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.cli.soak import footprint
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m
from vcg_bridge.generators.generator import Generator
from vcg_bridge.server import trace

pytestmark = pytest.mark.socket
SERVER = Path(__file__).parents[2] / "vcg_bridge" / "server"


def pictures(client: Client) -> Iterator[tuple[int, bytes]]:
    """Character and hash of every picture of a batch, in the order in which they come."""
    job = client.generate(design=m.Design(seed=50), count=20, animations=("idle", "walk"), priority="batch")
    for picture in job:
        yield picture.chunk.character, hashlib.sha256(picture.data).digest()


def test_killed_in_the_middle_of_a_batch_nothing_is_lost_or_repeated(tiny: Path, port: int) -> None:
    address = f"tcp://127.0.0.1:{port}"
    first = ServerProcess([f"--bundle={tiny}"], bind=address)
    second: ServerProcess | None = None
    try:
        with Client.connect(address) as client:
            expected = list(pictures(client))
        found = []
        with Client.connect(address, window_bytes=20_000) as client:
            for one in pictures(client):
                found.append(one)
                if len(found) == 10:
                    first.process.send_signal(signal.SIGKILL)
                    first.process.wait(ANSWER_S)
                    second = ServerProcess([f"--bundle={tiny}"], bind=address)
        assert second is not None
        assert found == expected
    finally:
        first.stop()
        if second is not None:
            second.stop()


def test_a_full_disk_ends_the_time_line_and_not_the_server(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with running(config(bundles=(str(tiny),), trace=full)) as server, Dealer(server.address) as dealer:
        dealer.hello()
        for i in range(30):
            answer = dealer.job(m.Generate(f"j{i}", design=m.Design(seed=i % 5), animations=("idle",), credit=WINDOW))
            assert isinstance(answer.end, m.Done)
    assert [r.message for r in caplog.records].count("--trace: the time line ends here: No space left on device") == 1


def test_a_time_line_that_is_full_or_cut_by_a_full_disk_is_whole_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(trace, "MOST_BYTES", 2000)
    path = tmp_path / "full.json"
    line = trace.Trace(path)
    for i in range(100):
        line.instant("chunk", time.monotonic(), seq=i)
        line.span(f"replica {i}: draw", "tiny", 0.0, 1.0)  # the rows are not remembered for ever
    line.close()
    events = json.loads(path.read_text())
    assert 2000 < path.stat().st_size < 2500
    assert len(line._tracks) < 20
    assert events[-2]
    assert "has its 0 MiB" in caplog.text
    resource = pytest.importorskip("resource")
    code = """
import resource, signal, sys, time
from pathlib import Path
from vcg_bridge.server.trace import Trace
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
line = Trace(Path(sys.argv[1]))
for i in range(100):
    line.instant("chunk", time.monotonic(), seq=i)
line.close()
"""
    assert resource.RLIMIT_FSIZE >= 0
    cut = tmp_path / "cut.json"
    done = subprocess.run([sys.executable, "-c", code, cut], capture_output=True, text=True, timeout=ANSWER_S, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert len(without_end(cut.read_text())) > 5


def without_end(text: str) -> list[dict[str, object]]:
    """The events of an array that may have no end, which Perfetto and Chrome take. Fails where one is cut in two."""
    whole = text if text.endswith("]\n") else text.removesuffix(",\n") + "]"
    found: list[dict[str, object]] = json.loads(whole)
    return found


def test_what_a_killed_server_leaves_is_read_and_removed(tiny: Path, tmp_path: Path) -> None:
    """Its time line up to the last event; its private folder, which the next server removes, but not that of one that lives."""
    if sys.platform == "win32":
        pytest.skip("there is no SIGKILL there, nor such a folder")
    files, temporary = certificate(tmp_path / "files"), tmp_path / "t"
    temporary.mkdir()

    def start(name: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "TMPDIR": str(temporary)}
        ready = tmp_path / name
        arguments = [
            "--tls",
            files.chain,
            files.key,
            "--tls-bind",
            "tls://127.0.0.1:0",
            "--trace",
            tmp_path / f"{name}.json",
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "vcg_bridge", "serve", "--bind", "tcp://127.0.0.1:0", f"--bundle={tiny}",
             "--ready-file", ready, *map(str, arguments)], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until = time.monotonic() + ANSWER_S
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        return process

    started = [start("a"), start("b")]
    try:
        folders = set(temporary.iterdir())
        assert len(folders) == 2
        with Dealer((tmp_path / "a").read_text().split()[0]) as dealer:
            dealer.hello()
            chunks = len(dealer.job(m.Generate("x", design=m.Design(seed=1), credit=WINDOW)).chunks)
        started[0].kill()
        started[0].wait(ANSWER_S)
        assert set(temporary.iterdir()) == folders
        text = (tmp_path / "a.json").read_text()
        assert text.endswith("},\n")
        names = [event["name"] for event in without_end(text)]
        assert names.count("chunk") == chunks
        started.append(start("c"))
        assert len(set(temporary.iterdir()) & folders) == 1
        assert len(set(temporary.iterdir())) == 2
        for process in started[1:]:
            process.terminate()
            assert process.wait(ANSWER_S) == 0
        assert set(temporary.iterdir()) == set()
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_drawing_that_fails_ends_its_job_and_no_other(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = Generator.draw_many

    def failing(self: Generator, requests: list[tuple[object, object]], tick: object = None) -> object:
        if any(recipe.seed == 13 for recipe, _ in requests):  # type: ignore[attr-defined]
            raise MemoryError("out of it")
        return real(self, requests, tick)  # type: ignore[arg-type]

    monkeypatch.setattr(Generator, "draw_many", failing)
    with running(config(bundles=(str(tiny),))) as server, Dealer(server.address) as dealer:
        dealer.hello()
        for seed in range(10, 16):
            dealer.send(m.Generate(f"j{seed}", design=m.Design(seed=seed), animations=("idle",), credit=WINDOW))
        ends: dict[str, m.Reply] = {}
        while len(ends) < 6:
            reply = dealer.reply()
            if isinstance(reply, m.Done | m.Error):
                ends[reply.id] = reply
        failed = ends.pop("j13")
        assert isinstance(failed, m.Error)
        assert failed.code == "internal"
        incident = str(failed.details["incident"])
        assert incident in caplog.text
        assert "out of it" in caplog.text
        assert all(isinstance(end, m.Done) for end in ends.values())


def test_a_flood_of_connections_leaves_nothing(tiny: Path, tmp_path: Path, port: int) -> None:
    """Two thousand that say nothing, half a greeting, HTTP, no hello, a wrong token ...; the rest are served meanwhile, newcomers too.

    A hundred thousand: benchmarks/flood.py.
    """
    if sys.platform != "linux":
        pytest.skip("only Linux has all of 127.0.0.0/8 without set-up")
    files, token = certificate(tmp_path), tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    tls = f"tls://127.0.0.1:{port}"
    arguments = [f"--bundle={tiny}", "--token-file", token, "--tls", files.chain, files.key, "--tls-bind", tls]
    with ServerProcess([*map(str, arguments), "--verbose"]) as server:
        log = server._log
        with Dealer(server.address) as dealer:
            dealer.hello(token=TOKEN)
            dealer.job(m.Generate("warm", design=m.Design(seed=1), credit=WINDOW))  # every thread has begun
            before, written = footprint(server.process.pid), log.stat().st_size
            flood = Flood(place(server.address), place(tls), rate=1e6, connections=2000)
            flooding = Thread(target=flood.run, args=(2,))
            flooding.start()
            served = 0
            while flooding.is_alive() or not served:
                job = m.Generate(f"j{served}", design=m.Design(seed=served), animations=("idle",), credit=WINDOW)
                assert isinstance(dealer.job(job).end, m.Done)
                with Dealer(server.address) as newcomer:
                    newcomer.hello(token=TOKEN)
                served += 1
                written += 4096  # for their own lines
                flooding.join(0.05)
            flooding.join()
            until = time.monotonic() + ANSWER_S
            while before is not None and (now := footprint(server.process.pid)) is not None:
                if now.descriptors <= before.descriptors + 2:
                    assert now.threads == before.threads
                    break
                assert time.monotonic() < until, (before, now)
                time.sleep(0.1)
        outcomes = flood.outcomes
        assert sum(outcomes.values()) == 2000
        assert not any("LET IN" in what or "no connection" in what for what in outcomes), outcomes
        assert outcomes["wrong token: answered auth"] >= len(SOURCES)
        assert outcomes["wrong token: answered busy"] > 0
        assert TOKEN not in log.read_text()
        assert "not-the-right-token" not in log.read_text()
        assert log.stat().st_size - written < 60_000


def test_the_limit_of_open_files_is_raised() -> None:
    """Where it is as low as some systems have it, a crowd would take the descriptors that bundles and clients need."""
    pytest.importorskip("resource")
    code = """
import resource
from vcg_bridge.server.run import DESCRIPTORS, allow_descriptors
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
allow_descriptors()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(DESCRIPTORS, hard), hard)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 300))
allow_descriptors()
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (300, 300)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=ANSWER_S)
    assert done.returncode == 0, done.stderr


def test_no_clock_that_people_can_set_decides_anything() -> None:
    """But for a certificate, which ends by it."""
    for path in SERVER.glob("*.py"):
        found = re.findall(r"\btime\.time(?:_ns)?\(|datetime\.now|utcnow", path.read_text())
        assert found == (["time.time("] if path.name == "certificates.py" else []), path


def test_mutated_bytes_give_only_our_own_errors() -> None:
    """Twenty thousand here; a million: scripts/fuzz.py."""
    outcomes = fuzz(20_000, seed=1)
    assert sum(count for what, count in outcomes.items() if what.endswith(": protocol")) > 1000
    assert sum(count for what, count in outcomes.items() if what.endswith(": read")) > 100


def test_servers_survive_mutated_greetings_handshakes_and_messages() -> None:
    """Six hundred here, plain, TLS and CURVE; scripts/fuzz_server.py for more."""
    sent = fuzz_server(600, seed=1)
    assert len([kind for kind, count in sent.items() if count > 40]) >= 7
