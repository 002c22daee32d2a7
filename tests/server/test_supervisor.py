"""What systemd is told, on a socket such as its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.server.conftest import ANSWER_S, config, running
from tests.support.commands import ROOT
from vcg_bridge.server.server import Server
from vcg_bridge.server.service import Service
from vcg_bridge.server.supervisor import Supervisor

pytestmark = [pytest.mark.socket, pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="systemd is Linux'")]


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(tmp_path / "notify"))
        ours.settimeout(ANSWER_S)
        yield ours


def told(systemd: socket.socket, words: str) -> list[str]:
    """The messages up to the first that holds those words."""
    messages = [systemd.recv(4096).decode()]
    while words not in messages[-1].splitlines():
        messages.append(systemd.recv(4096).decode())
    return messages


def test_a_server_says_when_it_is_ready_that_it_lives_and_that_it_goes(
    systemd: socket.socket, tmp_path: Path, tiny: Path
) -> None:
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
    arguments = ["serve", "--bind", "tcp://127.0.0.1:0", "--bundle", str(tiny), "--workers", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "vcg_bridge", *arguments], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    try:
        before = told(systemd, "READY=1")
        assert not any("READY=1" in message for message in before[:-1])
        assert len([x for x in told(systemd, "WATCHDOG=1") + told(systemd, "WATCHDOG=1") if x == "WATCHDOG=1"]) == 2
        process.terminate()
        assert "STATUS=going down" in told(systemd, "STOPPING=1")[-1]
        assert process.wait(ANSWER_S) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_server_whose_thread_hangs_gives_no_sign_of_life(
    systemd: socket.socket, tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, held = threading.Event(), threading.Event()
    real = Service.look_at_the_clock

    def hangs(self: Service) -> None:
        if held.is_set():
            free.wait(ANSWER_S)
        real(self)

    monkeypatch.setattr(Service, "look_at_the_clock", hangs)
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    server, supervisor = Server(config(bundles=(str(tiny),))), Supervisor(environment)
    assert environment == {}  # replicas are not to speak for us
    run = Server.run
    monkeypatch.setattr(Server, "run", lambda self: run(self, supervisor))
    with running(made=server):
        told(systemd, "READY=1")
        held.set()
        time.sleep(0.5)  # a turn may be under way
        systemd.setblocking(False)
        with suppress(BlockingIOError):
            while systemd.recv(4096):
                pass
        systemd.settimeout(1.0)
        with pytest.raises(TimeoutError):
            systemd.recv(4096)
        held.clear()
        free.set()
        systemd.settimeout(ANSWER_S)
        assert "WATCHDOG=1" in told(systemd, "WATCHDOG=1")
    supervisor.close()


def test_nobody_is_told_anything_where_nobody_asks(systemd: socket.socket, tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone")}, {"WATCHDOG_USEC": "1000"}):
        supervisor = Supervisor(dict(environment))
        supervisor.turn(0.0, "")
        supervisor.stopping()
        supervisor.close()
    other = Supervisor(
        {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid() + 1)}
    )
    other.turn(0.0, "")
    assert told(systemd, "READY=1") == ["STATUS=ready\nREADY=1"]
    other.turn(10.0, "")
    systemd.settimeout(0.1)
    with pytest.raises(TimeoutError):
        systemd.recv(4096)
    other.close()
