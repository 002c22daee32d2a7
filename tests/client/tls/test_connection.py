"""No TLS at the other end, nobody there, and connections that end in the middle."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.client.tls.conftest import DESIGN, LIMIT_S, TOKEN, secured, speaker
from tests.support.certificates import Certificate
from tests.support.commands import start_vcg
from vcg_bridge.client import AsyncClient, Client, Picture, tunnel
from vcg_bridge.contract.errors import Disconnected, NoServer
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS.*vcg serve --tls"),
        (None, "closed the connection during the TLS handshake"),
        (b"", "does not answer in TLS"),
    ],
)
def test_no_tls_there(right: Certificate, answer: bytes | None, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if answer == b"":
        monkeypatch.setattr(tunnel, "HANDSHAKE_S", 0.2)
    with speaker(answer) as address, pytest.raises(NoServer, match=f"no VCG Bridge server at {address}: .*{says}"):
        Client.connect(address, tls_certificate=right.chain)


def test_the_plain_port_of_a_server(server: Server, right: Certificate) -> None:
    address = server.address.replace("tcp://", "tls://")
    with pytest.raises(NoServer, match="vcg serve --tls"):
        Client.connect(address, tls_certificate=right.chain)


@pytest.mark.parametrize(
    ("host", "says"), [("127.0.0.1", "was refused"), ("no-such-host.invalid", "host no-such-host.invalid is not known")]
)
def test_nobody_there(right: Certificate, host: str, says: str, port: int) -> None:
    with pytest.raises(NoServer, match=says):
        Client.connect(f"tls://{host}:{port}", tls_certificate=right.chain)


def test_waits_for_a_server_that_starts_late(tiny: Path, right: Certificate, port: int) -> None:
    ready = threading.Event()

    def late() -> None:
        ready.wait(0.3)
        with secured(tiny, right, port=port):
            ready.wait(LIMIT_S)

    thread = threading.Thread(target=late, name="late")
    thread.start()
    try:
        address = f"tls://127.0.0.1:{port}"
        with Client.connect(address, wait=True, timeout_s=LIMIT_S, tls_certificate=right.chain) as client:
            assert client.ping() > 0
    finally:
        ready.set()
        thread.join(LIMIT_S)


@contextmanager
def process(tiny: Path, files: Certificate, folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """`vcg serve --tls`, ready. Killed at the end where it still runs."""
    ready = folder / f"ready-{time.monotonic_ns()}"
    serving = start_vcg(
        "serve", "--bind", "tcp://127.0.0.1:0", "--bundle", tiny, "--threads", 1, "--ready-file", ready,
        "--tls", files.chain, files.key, "--tls-bind", f"tls://127.0.0.1:{port}",
    )  # fmt: skip
    try:
        until = time.monotonic() + LIMIT_S
        while not ready.exists():
            assert serving.poll() is None, serving.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.02)
        yield serving
    finally:
        serving.kill()
        serving.communicate(timeout=LIMIT_S)


def test_the_server_killed_in_the_middle_costs_nothing(
    server: Server, tiny: Path, right: Certificate, tmp_path: Path, port: int
) -> None:
    with Client.connect(server.address, token=TOKEN) as client:
        expected = list(client.generate(design=DESIGN, count=12))
    with process(tiny, right, tmp_path, port) as first:
        options: dict[str, Any] = {"window_bytes": 2000, "tls_certificate": right.chain}
        client = Client.connect(f"tls://127.0.0.1:{port}", **options)
        job = client.generate(design=DESIGN, count=12)
        got = [job.next() for _ in range(10)]
        first.kill()
        first.wait(LIMIT_S)
    with process(tiny, right, tmp_path, port), client:
        got += list(job)
        assert job.done is not None
    assert [(p.chunk.seq, p.data) for p in got if p] == [(p.chunk.seq, p.data) for p in expected]


def test_a_server_that_stays_away_ends_the_job(tiny: Path, right: Certificate) -> None:
    async def main() -> None:
        with secured(tiny, right) as server:
            options: dict[str, Any] = {"window_bytes": 2000, "retry_s": 1.2, "tls_certificate": right.chain}
            client = await AsyncClient.connect(server.tls_address, **options)
            job = client.generate(design=DESIGN, count=200)
            assert isinstance(await job.next(), Picture)
        async with client:
            with pytest.raises(Disconnected, match="could not be made again: the connection was refused"):
                async for _ in job:
                    pass

    asyncio.run(main())
