"""What is said through TLS is what is said without."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.client.tls.conftest import DESIGN, TOKEN, same
from tests.support.certificates import Certificate
from vcg_bridge.client import AsyncClient, Client, tunnel
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import AuthError
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket


@pytest.mark.parametrize("folder", [True, False], ids=["ipc", "loopback"])
def test_the_same_bytes_as_without(
    server: Server, right: Certificate, folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "IPC", folder and tunnel.IPC)
    large = m.Output("sheet", format="rgba8", layout="rows", scale=4)  # many times what is held between both sides
    options: dict[str, Any] = {"token": TOKEN, "codecs": ("raw",)}
    with Client.connect(server.tls_address, tls_certificate=right.chain, **options) as client:
        through = [client.generate_character(design=DESIGN), client.generate_character(design=DESIGN, output=large)]
        assert client.ping() > 0
        assert client.describe().layers
    with Client.connect(server.address, **options) as client:
        direct = [client.generate_character(design=DESIGN), client.generate_character(design=DESIGN, output=large)]
    assert sum(len(picture.data) for picture in through[1].pictures) > 8 * tunnel.BUFFER_BYTES
    assert all(map(same, through, direct))


def test_many_tasks_at_once(server: Server, right: Certificate) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"token": TOKEN, "tls_certificate": str(right.chain), "window_bytes": 4000}
        async with await AsyncClient.connect(server.tls_address, **options) as client:
            one = await client.generate_character(design=DESIGN)
            many = await asyncio.gather(*(client.generate_character(design=DESIGN) for _ in range(5)))
            assert all(same(one, x) for x in many)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_the_token_is_asked_for_here_too(server: Server, right: Certificate) -> None:
    with pytest.raises(AuthError, match="token is wrong"):
        Client.connect(server.tls_address, token="wrong-wrong-wrong-wrong", tls_certificate=right.chain)
