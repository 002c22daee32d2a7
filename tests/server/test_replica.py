"""One replica by itself: a process and its pipes, without a server."""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.contract import messages as m
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server import processes, remote
from vcg_bridge.server import replica as replica_module
from vcg_bridge.server.jobs import Step, Tally, Turn, plan_of
from vcg_bridge.server.orders import Settings, pack_turn, unpack_report
from vcg_bridge.server.processes import ProcessReplica
from vcg_bridge.server.replica import Replica
from vcg_bridge.server.worker import Event, Lost, Stage

WAIT_S = 60

Maker = Callable[..., ProcessReplica]


def settings(*folders: Path, loaded: int = 4) -> Settings:
    bundles = tuple((open_bundle(str(folder)).manifest.sha256, str(folder)) for folder in folders)
    return Settings("cpu", 1, 8 << 20, loaded, m.Limits(), bundles)


def turn_of(folder: Path, number: int, seed: int = 0) -> Turn:
    manifest = open_bundle(str(folder)).manifest
    plan = plan_of(manifest, m.Generate(f"j{number}", design=m.Design(seed=seed)), m.Limits())
    return Turn(number, (Step(number, number, plan, 0, plan.chunks, ("raw",), 1 << 20),))


@pytest.fixture
def hire() -> Iterator[Maker]:
    """Makes replicas that end with the test."""
    hired: list[ProcessReplica] = []

    def hire(*folders: Path) -> ProcessReplica:
        hired.append(ProcessReplica("one", settings(*folders), lambda _: str(folders[0]), lambda: None))
        return hired[-1]

    yield hire
    for replica in hired:
        replica.close()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("vcg-one")]


def until(what: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.01)


def comes_up(replica: ProcessReplica) -> None:
    until(lambda: replica.ready or replica.lost)
    assert replica.ready, replica.lost


def draws(replica: ProcessReplica, folder: Path) -> None:
    """It takes a turn and finishes it."""
    replica.submit(turn_of(folder, 1))
    events: list[Event | Stage | Lost] = []

    def finished() -> bool:
        events.extend(replica.take())
        assert not replica.lost
        return any(isinstance(event, Stage) and event.finished for event in events)

    until(finished)
    assert any(isinstance(event, Event) and isinstance(event.what, Tally) for event in events)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no such signals on this system")
def test_what_a_terminal_or_a_service_sends_to_all_is_for_the_server_alone(tiny: Path, hire: Maker) -> None:
    replica = hire(tiny)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # while it starts: it could not ignore anything yet
        os.kill(replica.pid, number)
    comes_up(replica)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(replica.pid, number)
    draws(replica, tiny)


def test_what_lies_in_the_current_folder_is_not_imported(
    tiny: Path, tmp_path: Path, hire: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("queue", "numpy", "vcg_bridge"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('wrong one')\n")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    comes_up(hire(tiny))
    with ServerProcess([f"--bundle={tiny}"]) as server:  # nor by the server that a command starts
        assert server.address


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text are a thing of Linux")
def test_a_folder_whose_name_is_no_utf_8(tmp_path: Path, hire: Maker) -> None:
    folder = write_tiny_bundle(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    replica = hire(folder)
    comes_up(replica)
    draws(replica, folder)


def test_a_report_that_cannot_be_read_is_the_end_of_the_replica(
    tiny: Path, hire: Maker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else its turns would be nobody's: neither finished nor lost."""

    def unpack(data: bytes) -> object:
        raise ValueError("no report")

    replica = hire(tiny)
    comes_up(replica)
    monkeypatch.setattr(remote, "unpack_report", unpack)
    replica.submit(turn_of(tiny, 1))
    until(lambda: replica.lost)
    assert "no report" in caplog.text
    until(lambda: replica._process.poll() is not None)


def test_an_order_that_cannot_be_read_ends_it_and_the_log_says_why(
    tiny: Path, hire: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    replica = hire(tiny)
    comes_up(replica)
    with caplog.at_level(logging.ERROR):
        replica._orders.put(b"\xc1")
        until(lambda: replica.lost)
    assert replica.lost == "its process has ended (code 1)"
    assert "a fault of a replica" in caplog.text
    assert "Traceback" in caplog.text


def test_a_thread_that_fails_ends_it_and_the_log_says_why(
    tiny: Path, hire: Maker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else it would say nothing of what it draws, for ever."""
    code = (
        "from vcg_bridge.server import replica, worker\n"
        "def pack(report, real=replica.pack_report):\n"
        "    if isinstance(report, worker.Event): raise TypeError('cannot be packed')\n"
        "    return real(report)\n"
        "replica.pack_report = pack\n"
        "replica.main()"
    )
    monkeypatch.setattr(processes, "python", lambda: [sys.executable, "-c", code])
    replica = hire(tiny)
    comes_up(replica)
    replica.submit(turn_of(tiny, 1))
    until(lambda: replica.lost)
    assert replica.lost == "its process has ended (code 1)"
    assert "vcg-report has failed" in caplog.text
    assert "cannot be packed" in caplog.text


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("many")
    return [write_tiny_bundle(root / f"b{i}", version=f"1.0.{i}") for i in range(3)]


def test_a_bundle_makes_way_for_another_only_when_its_turns_are_finished(
    bundles: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(self: object, sha256: str, real: Callable[..., object] = replica_module._Shelf.get) -> object:
        time.sleep(0.05)  # the next turn, which is for another bundle, is ordered meanwhile
        return real(self, sha256)

    monkeypatch.setattr(replica_module._Shelf, "get", slow)
    reports: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    replica = Replica(settings(*bundles, loaded=1), reports.put)
    told: list[object] = []

    def hear(end: Callable[[object], bool]) -> None:
        while True:
            told.append(unpack_report(reports.get(timeout=WAIT_S)))
            if end(told[-1]):
                return

    try:
        for number in range(6):
            turn = turn_of(bundles[number % 3], number, seed=number)
            replica.order(pack_turn(turn, str(bundles[number % 3])))
            hear(lambda report, n=number: isinstance(report, Stage) and report.turn == n)  # type: ignore[misc]
        hear(lambda report: isinstance(report, Stage) and report.finished and report.turn == 5)
        assert len(list(replica._shelf)) <= 2
    finally:
        replica.close()
    assert not [report for report in told if isinstance(report, Lost)]
    assert not [r.what for r in told if isinstance(r, Event) and isinstance(r.what, Exception)]
    assert sum(isinstance(r, Event) and isinstance(r.what, Tally) for r in told) == 6


def test_a_version_is_opened_whole_before_its_files_are_gone(tmp_path: Path) -> None:
    """A bundle is replaced while jobs go on with the version that they began with, whatever layers they need."""
    first = write_tiny_bundle(tmp_path / "first", version="1.0.0")
    second = write_tiny_bundle(tmp_path / "second", version="2.0.0")
    reports: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    replica = Replica(settings(first), reports.put)
    turns = [turn_of(second, number, seed=number) for number in range(8)]
    made = []
    try:
        for turn in turns:
            replica.order(pack_turn(turn, str(second)))
            while True:
                report = unpack_report(reports.get(timeout=WAIT_S))
                made.append(report)
                if isinstance(report, Stage) and report.turn == turn.number and report.finished:
                    break
            for file in second.glob("*.onnx"):
                file.write_bytes(b"of another version")
    finally:
        replica.close()
    assert not [event.what for event in made if isinstance(event, Event) and isinstance(event.what, Exception)]
    assert sum(isinstance(event, Event) and isinstance(event.what, Tally) for event in made) == len(turns)
