"""A client that goes takes its thread, its sockets and its files along, and says goodbye."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from tests.client.tls.conftest import DESIGN, LIMIT_S, TOKEN, connections, eventually, sockets, speaker
from tests.support.certificates import Certificate
from vcg_bridge.client import AsyncClient, Client, ClientOptions, tunnel
from vcg_bridge.contract.errors import Disconnected
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket


@pytest.mark.parametrize("folder", [True, False], ids=["ipc", "loopback"])
def test_close_closes_every_descriptor(
    server: Server, right: Certificate, folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "IPC", folder and tunnel.IPC)

    def come_and_go() -> None:
        with Client.connect(server.tls_address, token=TOKEN, tls_certificate=right.chain) as client:
            client.generate_character(design=DESIGN)
        eventually(lambda: not connections(server))

    come_and_go()
    before = sockets()
    for _ in range(3):
        come_and_go()
        eventually(lambda: sockets() <= before)  # the server's end may take a moment


@pytest.mark.parametrize("folder", [True, False], ids=["ipc", "loopback"])
def test_close_while_it_connects(right: Certificate, folder: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "IPC", folder and tunnel.IPC)

    async def main(address: str) -> None:
        client = AsyncClient(ClientOptions(address=address, tls_certificate=right.chain))
        opening = asyncio.create_task(client.open(timeout_s=LIMIT_S))
        await asyncio.sleep(0.1)
        await client.close()
        with pytest.raises(Disconnected, match="closed"):
            await opening
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with speaker() as address:  # takes the connection, and says nothing
        before = sockets()
        for wait_s in (0, 0.1):
            client = Client(ClientOptions(address=address, tls_certificate=right.chain))
            client.generate(design=DESIGN)
            time.sleep(wait_s)
            client.close()
        asyncio.run(main(address))
        assert sockets() <= before + 3  # the listener's ends


def test_close_says_goodbye(server: Server, right: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    """The last message leaves before the connection ends."""
    with caplog.at_level(logging.DEBUG, "vcg_bridge.server"):
        client = Client.connect(server.tls_address, token=TOKEN, tls_certificate=right.chain)
        assert client.generate(design=DESIGN, count=500).next() is not None
        client.close()
        eventually(lambda: not server.unfinished)
    assert "says bye" in caplog.text
