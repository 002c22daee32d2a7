"""The way in to the tunnel, on this machine: for our own DEALER alone."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.client.tls.conftest import LIMIT_S, TOKEN, eventually, speaker
from tests.support.certificates import Certificate
from vcg_bridge.client import Client, tunnel
from vcg_bridge.client.trust import Trust
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket


@pytest.mark.skipif(not tunnel.IPC, reason="no sockets in folders on this system")
def test_the_way_in_is_for_our_user_alone_and_shut_behind_us(right: Certificate) -> None:
    with speaker() as address:
        made = tunnel.Tunnel("127.0.0.1", int(address.rpartition(":")[2]), Trust(right.chain))
        path = Path(made.address.removeprefix("ipc://"))
        assert path.parent.stat().st_mode & 0o777 == 0o700
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(str(path))
            eventually(lambda: not path.parent.exists())
            with socket.socket(socket.AF_UNIX) as second, pytest.raises(OSError, match="No such file"):
                second.connect(str(path))
            made.stop()
            assert made.join(LIMIT_S)
            assert first.recv(1) == b""


def test_a_path_that_is_too_long_for_a_socket(
    server: Server, right: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with Client.connect(server.tls_address, token=TOKEN, tls_certificate=right.chain) as client:
        assert client.ping() > 0
    assert list(deep.iterdir()) == []


def test_strangers_at_the_loopback_port_are_sent_away(
    server: Server, right: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers: list[socket.socket] = []

    class Crowded(tunnel.Tunnel):
        """Its port is found by others before its own DEALER comes."""

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            host, _, port = self.address.removeprefix("tcp://").rpartition(":")
            for _ in range(3):
                strangers.append(socket.create_connection((host, int(port)), LIMIT_S))
                strangers[-1].sendall(b"\xff")

    monkeypatch.setattr(tunnel, "IPC", False)
    monkeypatch.setattr(tunnel, "Tunnel", Crowded)
    with Client.connect(server.tls_address, token=TOKEN, tls_certificate=right.chain) as client:
        assert client.ping() > 0
        for stranger in strangers:
            with contextlib.suppress(ConnectionError):
                assert stranger.recv(100) == b""
            stranger.close()
    assert len(strangers) == 3


def test_the_guard_knows_a_connection_by_its_descriptor() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert tunnel._own_name(client.fileno()) == client.getsockname()
        assert client.fileno() >= 0  # it is still open
        gone = socket.socket()
        number = gone.fileno()
        gone.close()
        assert tunnel._own_name(number) is None
    context.term()
