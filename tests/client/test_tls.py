"""Both clients through TLS: real servers with their TLS front, and things that are none."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
import zmq

from tests.server.conftest import config, running
from tests.support.certificates import Certificate, certificate
from tests.support.commands import free_port, start_vcg
from tests.support.tiny_bundle import write_tiny_bundle
from vcg_bridge.client import AsyncClient, Client, ClientOptions, Generated, Picture, tunnel
from vcg_bridge.client.trust import Trust
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import AuthError, Disconnected, NoServer
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket

DESIGN = m.Design(seed=11)
TOKEN = "0123456789abcdef"
LIMIT_S = 60


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("tls") / "tiny")


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("right"))


@contextmanager
def secured(tiny: Path, files: Certificate, *, port: int = 0, token: str = "") -> Iterator[Server]:
    """A server with a TLS front."""
    settings: dict[str, Any] = {"tls_certificate": files.chain, "tls_key": files.key}
    with running(
        config(bundles=(str(tiny),), token=token, tls_address=f"tls://127.0.0.1:{port}", **settings)
    ) as server:
        yield server


@pytest.fixture(scope="module")
def server(tiny: Path, right: Certificate) -> Iterator[Server]:
    with secured(tiny, right, token=TOKEN) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_is_left(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread, no connection, no file: whatever a test did, its clients are closed at its end."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield
    eventually(lambda: not connections(server))  # the front's own end of what was closed just now
    assert "tls tunnel" not in {thread.name for thread in threading.enumerate()}
    assert list((tmp_path / "temporary").iterdir()) == []


def connections(server: Server) -> int:
    assert server._front is not None
    return server._front.connections


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def sockets() -> int:
    """Descriptors that are open in this process."""
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208


def same(a: Generated, b: Generated) -> bool:
    pictures = zip(a.pictures, b.pictures, strict=True)
    return (a.recipe, a.palette) == (b.recipe, b.palette) and all(x.data == y.data for x, y in pictures)


# all is well


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


def test_without_a_certificate_the_authorities_and_the_name_decide(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = certificate(tmp_path, names=("localhost",))
    with secured(tiny, files) as server:
        port = server.tls_address.rpartition(":")[2]
        with pytest.raises(AuthError, match=r"is not trusted here: .*; nothing was sent") as caught:
            Client.connect(f"tls://localhost:{port}")
        assert "--certificate" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
        with Client.connect(f"tls://localhost:{port}") as client:
            assert client.ping() > 0
        with pytest.raises(AuthError, match=r"not trusted here: .*127\.0\.0\.1"):
            Client.connect(f"tls://127.0.0.1:{port}")


# certificates that are not the right one


@contextmanager
def recorder(files: Certificate) -> Iterator[tuple[str, list[bytes]]]:
    """Ends TLS with that certificate, and keeps what comes inside of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    heard: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        connection.settimeout(LIMIT_S)
        with connection:
            try:
                heard.append(b"")
                with context.wrap_socket(connection, server_side=True) as secure:
                    while data := secure.recv(1000):
                        heard.append(data)
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, name="recorder")
        thread.start()
        yield f"tls://127.0.0.1:{listener.getsockname()[1]}", heard
        thread.join(LIMIT_S)


def test_another_certificate_gets_to_know_nothing(tmp_path: Path) -> None:
    authority = trustme.CA()
    mine = certificate(tmp_path / "mine", signed_by=authority)
    for files, pinned in [
        (certificate(tmp_path / "other"), mine.chain),
        (certificate(tmp_path / "sister", signed_by=authority), mine.chain),
        (certificate(tmp_path / "child", signed_by=authority), mine.authority),
    ]:
        with recorder(files) as (address, heard):
            with pytest.raises(AuthError, match=f"certificate is not the one in {pinned}; nothing was sent") as caught:
                Client.connect(address, token=TOKEN, tls_certificate=pinned)
            assert "again if it was renewed" in caught.value.hint
        assert heard == [b""]  # somebody came, and said nothing
    both = tmp_path / "both.pem"
    both.write_text("Old one:\n" + certificate(tmp_path / "old").chain.read_text() + "\n" + mine.chain.read_text())
    with recorder(mine) as (address, heard):
        client = Client(ClientOptions(address=address, token=TOKEN, tls_certificate=both))
        client.generate(design=DESIGN)
        eventually(lambda: len(heard) > 1)
        client.close()
    assert b"".join(heard).startswith(b"\xff")  # ZMTP


@pytest.mark.parametrize("pin", [True, False])
def test_a_certificate_past_its_date(tiny: Path, tmp_path: Path, pin: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    old = certificate(tmp_path, datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    monkeypatch.setenv("SSL_CERT_FILE", str(old.authority))
    with (
        secured(tiny, old) as server,
        pytest.raises(AuthError, match=r"certificate of the server at 127\.0\.0\.1 has expired; nothing was sent"),
    ):
        Client.connect(server.tls_address, tls_certificate=old.chain if pin else None)


# no TLS there, or nobody


@contextmanager
def listener(answer: bytes | None) -> Iterator[str]:
    """Sends `answer` to whoever connects; None: closes the connection."""
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            kept.append(connection)
            if answer is None:
                connection.close()
            else:
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, name="listener")
        thread.start()
        yield f"tls://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(LIMIT_S)
    for connection in kept:
        connection.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS.*vcg serve --tls"),
        (None, "closed the connection during the TLS handshake"),
        (b"", "does not answer in TLS"),
    ],
)
def test_no_tls_there(right: Certificate, answer: bytes | None, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "HANDSHAKE_S", 0.2)
    with listener(answer) as address, pytest.raises(NoServer, match=f"no VCG Bridge server at {address}: .*{says}"):
        Client.connect(address, tls_certificate=right.chain)


def test_the_plain_port_of_a_server(server: Server, right: Certificate) -> None:
    address = server.address.replace("tcp://", "tls://")
    with pytest.raises(NoServer, match="vcg serve --tls"):
        Client.connect(address, tls_certificate=right.chain)


@pytest.mark.parametrize(
    ("host", "says"), [("127.0.0.1", "was refused"), ("no-such-host.invalid", "host no-such-host.invalid is not known")]
)
def test_nobody_there(right: Certificate, host: str, says: str) -> None:
    with pytest.raises(NoServer, match=says):
        Client.connect(f"tls://{host}:{free_port()}", tls_certificate=right.chain)


def test_waits_for_a_server_that_starts_late(tiny: Path, right: Certificate) -> None:
    port, ready = free_port(), threading.Event()

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


# the connection ends


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
    server: Server, tiny: Path, right: Certificate, tmp_path: Path
) -> None:
    with Client.connect(server.address, token=TOKEN) as client:
        expected = list(client.generate(design=DESIGN, count=12))
    port = free_port()
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


def test_the_server_comes_back_as_somebody_else(tiny: Path, right: Certificate, tmp_path: Path) -> None:
    """Another certificate at the old address ends the job: it is not asked again and again."""
    port = free_port()
    with secured(tiny, right, port=port):
        client = Client.connect(f"tls://127.0.0.1:{port}", window_bytes=2000, tls_certificate=right.chain)
        job = client.generate(design=DESIGN, count=200)
        assert job.next() is not None
    with (
        secured(tiny, certificate(tmp_path / "other"), port=port),
        client,
        pytest.raises(AuthError, match="not the one"),
    ):
        list(job)


def test_a_server_that_stays_away_ends_the_job(tiny: Path, right: Certificate) -> None:
    async def main() -> None:
        with secured(tiny, right) as server:
            options: dict[str, Any] = {"window_bytes": 2000, "retry_s": 0.5, "tls_certificate": right.chain}
            client = await AsyncClient.connect(server.tls_address, **options)
            job = client.generate(design=DESIGN, count=200)
            assert isinstance(await job.next(), Picture)
        async with client:
            with pytest.raises(Disconnected, match="could not be made again: the connection was refused"):
                async for _ in job:
                    pass

    asyncio.run(main())


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

    with listener(b"") as address:  # takes the connection, and says nothing
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


# the way in on this machine


@pytest.mark.skipif(not tunnel.IPC, reason="no sockets in folders on this system")
def test_the_way_in_is_for_our_user_alone_and_shut_behind_us(right: Certificate) -> None:
    with listener(b"") as address:
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
