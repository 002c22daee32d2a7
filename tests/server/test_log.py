"""The log of a server that runs for months: its reader stalls, goes, or the disk is full. The server goes on."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.conftest import ANSWER_S, WINDOW, Dealer
from tests.support.commands import ROOT, start_vcg
from vcg_bridge.contract import messages as m
from vcg_bridge.server import logs
from vcg_bridge.server.logs import Beside

fcntl = pytest.importorskip("fcntl", reason="pipes and signals are POSIX's")
pytestmark = pytest.mark.socket


def handler(descriptor: int) -> Beside:
    made = Beside(descriptor)
    made.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    return made


def record(words: str) -> logging.LogRecord:
    return logging.makeLogRecord({"levelname": "INFO", "msg": words})


def test_whoever_logs_does_not_wait_for_a_reader_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_HELD", 1 << 20)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, b"full\n"):
            pass
    os.set_blocking(writer, True)
    beside = handler(writer)
    beside.emit(record("stuck"))
    until = time.monotonic() + ANSWER_S
    while beside._lines:  # until its thread is at that one: from here on nothing moves
        assert time.monotonic() < until
        time.sleep(0.005)
    lines = [f"{i} {'x' * 1000}" for i in range(5000)]  # 1 MiB may wait
    for line in lines:
        beside.emit(record(line))
    lost = beside.lost
    assert 3500 < lost < 4500
    got = bytearray()

    def read() -> None:
        while data := os.read(reader, 1 << 16):
            got.extend(data)

    thread = threading.Thread(target=read)
    thread.start()
    beside.flush()
    beside.emit(record("the next one"))
    beside.close()
    os.close(writer)
    thread.join(ANSWER_S)
    os.close(reader)
    first = 5000 - lost
    assert [line for line in got.decode().splitlines() if line != "full"] == [
        "INFO stuck",
        *(f"INFO {line}" for line in lines[:first]),
        f"ERROR {lost} lines of the log are missing here: the reader stalls",
        "INFO the next one",
    ]


def test_a_full_disk_loses_lines_and_says_so_later(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: it cuts a line in two, as a disk does."""
    code = """
import logging, os, resource, signal, sys
from vcg_bridge.server.logs import Beside
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
beside = Beside(file)
beside.setFormatter(logging.Formatter("%(message)s"))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (105, hard))
for i in range(20):
    beside.say(f"line {i:04d}")
beside.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
beside.say("room again")
beside.say("and more")
beside.close()
print(beside.lost)
"""
    file = tmp_path / "log"
    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, text=True, timeout=ANSWER_S, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (0, "10\n"), done.stderr
    lines = file.read_text().splitlines()
    assert lines[:10] == [f"line {i:04d}" for i in range(10)]
    assert lines[10:] == ["line ", "10 lines of the log are missing here: File too large", "room again", "and more"]


def serve(tmp_path: Path, tiny: Path, stderr: int, *more: object) -> tuple[subprocess.Popen[str], str]:
    ready = tmp_path / "ready"
    arguments = [
        "--bind",
        "tcp://127.0.0.1:0",
        "--bundle",
        tiny,
        "--ready-file",
        ready,
        "--workers",
        0,
        "--verbose",
        *more,
    ]
    command = [sys.executable, "-m", "vcg_bridge", "serve", *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=stderr, stdout=subprocess.DEVNULL, text=True)
    until = time.monotonic() + ANSWER_S
    while not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)
    return process, ready.read_text().strip()


@pytest.mark.parametrize("what", ["stalls", "goes"])
def test_a_server_serves_on_and_ends_well_without_a_reader_of_its_log(tmp_path: Path, tiny: Path, what: str) -> None:
    reader, writer = os.pipe()
    jobs = 300  # two lines each: more than the pipe takes
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        jobs = 30
    process, address = serve(tmp_path, tiny, writer)
    os.close(writer)
    if what == "goes":
        os.close(reader)
    try:
        with Dealer(address) as dealer:
            dealer.hello()
            for i in range(jobs):
                job = m.Generate(f"j{i}-{'x' * 50}", design=m.Design(seed=1), animations=("idle",), credit=WINDOW)
                assert isinstance(dealer.job(job).end, m.Done)
        process.send_signal(signal.SIGTERM)
        assert process.wait(ANSWER_S) == 0
    finally:
        process.kill()
        process.wait()
        if what == "stalls":
            os.close(reader)


def test_every_line_for_programs_is_json(tmp_path: Path, tiny: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o644)
    process = start_vcg(
        "serve", "--bind", "tcp://127.0.0.1:0", "--bundle", tiny, "--metrics", "http://127.0.0.1:0", "--log-json",
        "--token-file", token,
    )  # fmt: skip
    assert process.stderr is not None
    said = [json.loads(process.stderr.readline()) for _ in range(4)]
    process.terminate()
    assert process.wait(ANSWER_S) == 0
    said += [json.loads(line) for line in process.stderr]
    process.communicate()
    assert [line["message"].split()[0] for line in said[:4]] == ["others", "listening", "metrics", "settings:"]
    assert f"token-file {token} (command line)" in said[3]["message"]
