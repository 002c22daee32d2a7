"""Attacks that once worked, on real sockets: each of these ended, stalled or filled a server, or told it something it should not have heard."""

from __future__ import annotations

import json
import logging
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from tests.support.zmtp import COMMAND, GREETING, MORE, READY, Zmtp, frame
from vcg_bridge.cli.launch import ServerProcess
from vcg_bridge.client import Client
from vcg_bridge.contract import codec
from vcg_bridge.contract import messages as m
from vcg_bridge.server import frames, health, inbox, logs, memory, rate, strangers
from vcg_bridge.server.departures import Peer
from vcg_bridge.server.server import Server
from vcg_bridge.server.service import Service

pytestmark = pytest.mark.socket
SMALL = m.Generate("small", design=m.Design(seed=4), animations=("idle",), credit=WINDOW)
TOKEN = "0123456789abcdef"
FIRST_NUMBER = 0x6B8B4567
"""What glibc's rand() gives first when nobody has seeded it."""


def connect(address: str) -> Zmtp:
    host, _, port = address.partition("://")[2].rpartition(":")
    return Zmtp(socket.create_connection((host, int(port)), ANSWER_S))


@contextmanager
def talking(server: Server, *, hello: bool = True) -> Iterator[Zmtp]:
    client = connect(server.address)
    with client.connection:
        client.shake_hands()
        if hello:
            assert isinstance(client.hello(), m.Welcome)
        yield client


def ended(client: Zmtp) -> bool:
    """Whether the server closes the connection; what it says before does not matter."""
    with suppress(EOFError, ConnectionError):
        while True:
            client.message()
    return True


def still_well(server: Server) -> None:
    with Dealer(server.address) as dealer:
        dealer.hello()
        assert isinstance(dealer.job(SMALL).end, m.Done)


@pytest.mark.skipif(sys.platform == "win32", reason="another rand()")
def test_a_name_that_our_socket_will_give_next_does_not_end_the_server(tiny: Path) -> None:
    """libzmq aborts where the number that it gives a connection is taken. It numbers from rand(), the same for everybody."""
    with ServerProcess([f"--bundle={tiny}", "--threads=1", "--workers=0"]) as process, ExitStack() as stack:
        for number in range(FIRST_NUMBER, FIRST_NUMBER + 50):
            thief = connect(process.address)
            stack.enter_context(thief.connection)
            name = b"\0" + struct.pack(">I", number)
            thief.connection.sendall(GREETING)
            thief.exactly(64)
            thief.connection.sendall(frame(READY + b"\x08Identity" + struct.pack(">I", len(name)) + name, COMMAND))
            thief.frame()
        with Client.connect(process.address) as client:
            assert client.generate_character(design=m.Design(seed=1), animations=("idle",))
        assert process.process.poll() is None


def test_a_crowd_that_never_stops_talking_covers_nobody(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections were judged only when there was nothing to read: whoever saw to that could send a message without end."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells how much a connection has received")
    monkeypatch.setattr(strangers, "TALK_BURST", 10**9)  # the crowd may go on
    monkeypatch.setattr(strangers, "HELLO_S", 1.0)
    garbage = frame(b"\xc1") * 30_000
    with running(config(bundles=(str(tiny),))) as server, ExitStack() as stack:
        silent = stack.enter_context(talking(server, hello=False))
        crowd = [stack.enter_context(talking(server, hello=False)) for _ in range(60)]
        endless = stack.enter_context(talking(server))
        for one in crowd:  # more than is read before the test is over
            one.connection.setblocking(False)
            with suppress(BlockingIOError):
                one.connection.send(garbage)
        endless.connection.settimeout(1)  # who waits for room to send more does not see the end
        with suppress(OSError):
            for _ in range(300):  # 30 MB, were nobody to look
                endless.connection.sendall(frame(b"", MORE) * 50_000)
                time.sleep(0.02)
        assert server._inbox.behind(), "the crowd was too small to show anything"
        endless.connection.settimeout(ANSWER_S)
        assert ended(endless)
        assert ended(silent)
        assert server._strangers.ended["unfinished"] == 1
        for one in crowd:
            one.connection.close()


def test_who_talks_without_measure_is_ended(
    tiny: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers, "SETTLED_S", 0.1)
    with (
        running(config(bundles=(str(tiny),))) as server,
        talking(server) as known,
        talking(server, hello=False) as stranger,
    ):
        for client in (known, stranger):
            client.connection.settimeout(2)  # who waits for room to send more does not see the end
            with suppress(OSError):
                for _ in range(200):
                    client.connection.sendall(frame(m.encode(m.Credit("no job", 1))[0]) * 1000)
            assert ended(client)
        still_well(server)
        assert server._strangers.ended["flood"] + server._strangers.ended["unfinished"] == 2  # whichever was seen first
    assert "127.0.0.1: " in caplog.text


def test_large_messages_count_as_many(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a message costs whoever reads it grows with its bytes and its frames."""
    monkeypatch.setattr(strangers, "SETTLED_S", 0.1)
    large = frame(m.encode(m.Ping("p"))[0] + bytes(60_000))
    many = frame(b"", MORE) * 5000 + frame(b"")
    with running(config(bundles=(str(tiny),))) as server:
        for wrong, most in ((large, rate.TALK_BURST * rate.UNIT_BYTES // len(large)), (many, rate.TALK_BURST // 5000)):
            with talking(server) as client:
                count = 0
                with suppress(OSError):
                    while count < 20 * most:  # of messages of one unit there could be more
                        client.connection.sendall(wrong)
                        count += 1
                        time.sleep(0.01)
                assert ended(client)
        still_well(server)


def test_a_connection_that_breaks_off_while_it_floods_does_not_end_the_server(tiny: Path) -> None:
    """libzmq aborts where it had stopped reading a connection, as much waits, and finds a ping among what it had read of it."""
    ping = frame(b"\x04PING\x00\x00", COMMAND)
    with ServerProcess([f"--bundle={tiny}", "--threads=1", "--workers=0"]) as process:
        for _ in range(20):
            flood = connect(process.address)
            flood.shake_hands()
            with suppress(OSError):
                flood.connection.sendall((frame(b"\xc1") * 40 + ping) * 40)
                flood.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            flood.connection.close()  # with a reset
            time.sleep(0.05)
        with Client.connect(process.address) as client:
            assert client.generate_character(design=m.Design(seed=1), animations=("idle",))
        assert process.process.poll() is None


def test_beyond_loopback_a_flood_waits_on_its_own_machine(tiny: Path) -> None:
    """libzmq would take in tiny messages ten times as fast as they are looked at."""
    settings = config(bundles=(str(tiny),), address="tcp://0.0.0.0:0", token=TOKEN)
    with running(settings) as server, ExitStack() as stack:
        here = f"tcp://127.0.0.1:{server.address.rpartition(':')[2]}"
        crowd = [connect(here) for _ in range(10)]
        for one in crowd:
            stack.enter_context(one.connection)
            one.shake_hands()
            assert isinstance(one.hello(TOKEN), m.Welcome)
            one.connection.setblocking(False)
        ahead, until = 0, time.monotonic() + 3
        while time.monotonic() < until:
            for one in crowd:
                with suppress(OSError):
                    one.connection.send(frame(b"\xc1") * 20_000)
            ahead = max(ahead, *(c.passed - c.taken for c in tuple(server._departures.outside.values())), 0)
        assert 0 < ahead <= frames.AHEAD + frames.PIECE_BYTES
        for one in crowd:
            one.connection.close()
        with Client.connect(here, token=TOKEN) as client:
            assert client.generate_character(design=m.Design(seed=1), animations=("idle",))


def test_a_server_at_rest_is_not_behind(tiny: Path) -> None:
    """A front would have whoever comes wait for nothing."""
    with running(config(bundles=(str(tiny),))) as server:
        still_well(server)
        for _ in range(8):
            time.sleep(0.09)
            assert not server._inbox.behind()


def test_what_is_left_of_a_flood_is_not_held_against_who_comes_next(tiny: Path) -> None:
    """The system gives the next connection the descriptor of the last: by that number libzmq tells who sent a message."""
    with running(config(bundles=(str(tiny),))) as server:
        for _ in range(20):
            with talking(server, hello=False) as flood, suppress(OSError):
                flood.connection.sendall(frame(b"\xc1") * 20_000)
            with talking(server) as honest:
                honest.send(m.Ping("p"))
                assert honest.reply()[0] == m.Pong("p")


def test_what_the_dead_have_sent_is_thrown_away(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message is sent sooner than it is looked at: connections that came, spoke and went kept the server busy, and filled its memory, until each of
    their messages had been answered.
    """
    looked_at, receive = [], Service.receive

    def slowly(self: Service, route: bytes, frames: list[bytes], peer: Peer) -> None:
        looked_at.append(route)
        time.sleep(0.01)
        receive(self, route, frames, peer)

    monkeypatch.setattr(Service, "receive", slowly)
    with running(config(bundles=(str(tiny),))) as server:
        for hello in (False, True):
            looked_at.clear()
            with talking(server, hello=hello) as client:
                client.connection.sendall(frame(b"\xc1") * 300)
            still_well(server)
            assert len(looked_at) < 150, hello


def test_after_a_flood_the_system_gets_its_memory_back(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """glibc would keep what libzmq took for messages that waited."""
    given = threading.Event()

    def give_back() -> None:
        memory.give_back()
        given.set()

    monkeypatch.setattr(inbox, "give_back", give_back)
    monkeypatch.setattr(inbox, "FLOOD_S", 0.05)
    with running(config(bundles=(str(tiny),))) as server:
        still_well(server)
        assert not given.is_set()
        with talking(server, hello=False) as flood, suppress(OSError):
            flood.connection.sendall(frame(b"\xc1") * 100_000)
        assert given.wait(ANSWER_S)
        still_well(server)


def test_a_reader_that_grants_much_and_often_is_no_flood(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One credit for each chunk: each chunk allows one message more."""
    monkeypatch.setattr(rate, "TALK_BURST", 8)
    monkeypatch.setattr(rate, "TALK_PER_S", 1e-3)
    with running(config(bundles=(str(tiny),))) as server, Dealer(server.address) as dealer:
        dealer.hello()
        dealer.send(
            m.Generate("many", design=m.Design(seed=1), count=20, credit=1, preview=False, animations=("idle",))
        )
        seqs = []
        while not isinstance(reply := dealer.reply(), m.Done):
            if isinstance(reply, m.Chunk):
                seqs.append(reply.seq)
                dealer.send(m.Credit("many", 1 << 20))
        assert seqs == list(range(20))
        assert not server._strangers.ended


def test_bye_and_hello_fill_no_bucket(tiny: Path) -> None:
    with (
        running(config(bundles=(str(tiny),), requests_per_s=0.01, requests_burst=5)) as server,
        Dealer(server.address) as dealer,
    ):
        answers: list[str] = []
        for i in range(6):
            dealer.send(m.Hello((1,)), m.Describe(str(i)))
            replies = [dealer.reply(), dealer.reply()]
            answers += [r.code if isinstance(r, m.Error) else type(r).__name__ for r in replies]
            if isinstance(replies[0], m.Welcome):
                dealer.send(m.Bye())
    assert answers[:4] == ["Welcome", "Description"] * 2  # the first hello is for nothing
    assert set(answers[4:]) <= {"Welcome", "Description", "busy", "hello_required"}
    assert answers.count("Description") == 3
    assert answers[-2:] == ["busy", "hello_required"]


def test_describe_is_the_same_for_everybody_but_its_id(tiny: Path) -> None:
    with running(config(bundles=(str(tiny),))) as server, Dealer(server.address) as dealer:
        dealer.hello()
        studio = next(iter(server._service._shelf.current.values()))
        for name in ("a", "\u00e9\u4e2d", "x" * 64):
            dealer.send(m.Describe(name))
            wanted = {**m.to_wire(studio.description()), "id": name}
            assert dealer.socket.recv_multipart() == [codec.pack_map(wanted)]


def test_what_is_logged_of_a_request_does_nothing_to_a_terminal(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    """U+009B begins a command of a terminal like ESC [; U+2028 ends a line; U+202E turns it round."""
    nasty = "a\x1b[2J\x9b2Jb\u2028c\u202ed\r\n2026-11-30 INFO forged"
    recipe = {"format": 1, "model": nasty, "model_sha256": nasty, "seed": 0, "archetype": "", "novelty": 0, "layers": {}, "ramps": {}}  # fmt: skip
    caplog.set_level(logging.DEBUG)
    with running(config(bundles=(str(tiny),))) as server, Dealer(server.address) as dealer:
        dealer.send(m.Hello((1,), client=nasty, session=nasty, codecs=(nasty,)))
        assert isinstance(dealer.reply(), m.Welcome)
        design = {"archetype": nasty, "items": {"hair": nasty}}
        for table in (
            {"type": nasty, "id": nasty},
            {"type": "describe", "id": nasty, "model": nasty},
            {"type": "generate", "id": nasty, "recipe": recipe},
            {"type": "generate", "id": nasty, "recipe": {**recipe, "model": "tiny", "model_sha256": nasty}},
            {"type": "generate", "id": nasty, "design": design, "credit": 1 << 20},
            {"type": "generate", "id": nasty, "design": {}, "animations": [nasty]},
            {"type": "generate", "id": nasty, "design": {}, "output": {"format": nasty}},
            {"type": "cancel", "id": nasty},
        ):
            dealer.send_raw([codec.pack_map(table)])
            while not isinstance(reply := dealer.reply(), m.Error | m.Cancelled):
                pass
            assert isinstance(reply, m.Cancelled) or reply.id == nasty
    lines = [record.getMessage() for record in caplog.records]
    assert any("forged" in line for line in lines)
    assert [line for line in lines if not line.isprintable()] == []
    written = [logs.JsonLines().format(record) for record in caplog.records]
    assert nasty in [json.loads(line).get("request") for line in written]
    assert [line for line in written if not (line.isascii() and line.isprintable())] == []


# the port for health and metrics


@contextmanager
def asked(server: Server, request: bytes) -> Iterator[socket.socket]:
    with connect(server.metrics_address).connection as connection:
        connection.sendall(request)
        yield connection


def answer(server: Server, request: bytes) -> bytes:
    with asked(server, request) as connection:
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_a_page_in_a_browser_reads_no_metrics(tiny: Path) -> None:
    """Its own host, which leads here now, is what the browser asks for."""
    with running(config(bundles=(str(tiny),), metrics_address="http://127.0.0.1:0")) as server:
        for host in (
            "evil.example",
            "evil.example:9464",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "0",
            "",
        ):
            got = answer(server, f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert got.startswith(b"HTTP/1.0 421"), host
            assert b"vcg_" not in got
        for host in ("localhost", "localhost:9464", "127.0.0.1", "127.0.0.2:1", "[::1]", "[::1]:9464"):
            assert b" 200 OK" in answer(server, f"GET /live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()), host
        assert b" 200 OK" in answer(server, b"GET /live HTTP/1.0\r\n\r\n")


def test_slow_requests_for_health_end_and_hold_few_threads(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REQUEST_S", 1.0)
    with running(config(bundles=(str(tiny),), metrics_address="http://127.0.0.1:0")) as server, ExitStack() as stack:
        slow = [stack.enter_context(asked(server, b"GET /live HTTP/1.1\r\n")) for _ in range(3 * health.REQUESTS)]
        assert b" 200 OK" in answer(server, b"GET /live HTTP/1.1\r\n\r\n")
        assert server._health is not None
        assert len(server._health._server._since) <= health.REQUESTS
        for connection in slow:  # a byte now and then keeps none alive
            with suppress(ConnectionError):
                while True:
                    connection.settimeout(0.1)
                    try:
                        assert connection.recv(1) == b""
                        break
                    except TimeoutError:
                        connection.sendall(b"X: y\r\n")
        assert b" 200 OK" in answer(server, b"GET /live HTTP/1.1\r\n\r\n")
