"""The blocking client when the other side is absent, wrong, slow, rude or dies."""

from __future__ import annotations

import gzip
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
import zmq

from tests.support.listeners import raw_server
from tests.support.peer import Peer, plane, rewritten
from tests.support.zmtp import COMMAND, Zmtp, frame
from vcg_bridge.client import Client, CurveKeys
from vcg_bridge.contract import codec
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import (
    AuthError,
    BadRequest,
    BusyError,
    Disconnected,
    IntegrityError,
    NoServer,
    ProtocolError,
    Timeout,
    VersionMismatch,
)

pytestmark = pytest.mark.socket
DESIGN = m.Design(seed=7)
RETRY_S = 1.2
"""Between the fourth try and the fifth: a client that gives up then has long known why."""


# absent


def test_nothing_listens_is_said_at_once(port: int) -> None:
    begin = time.monotonic()
    with pytest.raises(NoServer, match=r"no VCG Bridge server at tcp://127.0.0.1:\d+: .*refused.*vcg serve"):
        Client.connect(f"tcp://127.0.0.1:{port}", timeout_s=30)
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 64, b"\xff" + bytes(63)])
def test_something_else_listens(answer: bytes) -> None:
    with raw_server([answer]) as address, pytest.raises(NoServer, match=f"no VCG Bridge server at {address}"):
        Client.connect(address, timeout_s=1)


def test_another_zeromq_program_listens() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    router = context.socket(zmq.ROUTER)
    port = router.bind_to_random_port("tcp://127.0.0.1")
    try:
        with pytest.raises(NoServer, match="does not answer as a VCG Bridge server"):
            Client.connect(f"tcp://127.0.0.1:{port}", timeout_s=1)
    finally:
        router.close(0)
        context.term()


def test_an_answer_that_is_no_message_is_no_server() -> None:
    with Peer() as peer:
        peer.change = lambda reply, frames: [b"\x81\xa1a\xc1"]
        with pytest.raises(NoServer):
            Client.connect(peer.address)


@pytest.mark.parametrize("address", ["", "127.0.0.1:7421", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "http://a:1"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(BadRequest, match="is no address"):
        Client.connect(address)


def test_waits_for_a_server_that_starts_late(port: int) -> None:
    peer = Peer(port)
    timer = threading.Timer(0.5, peer.__enter__)
    timer.start()
    try:
        with Client.connect(f"tcp://127.0.0.1:{port}", wait=True, timeout_s=30) as client:
            assert client.ping() > 0
    finally:
        timer.join()
        peer.__exit__()
    with pytest.raises(NoServer):
        Client.connect(f"tcp://127.0.0.1:{port}", wait=True, timeout_s=0.3)


# refused


def test_another_version_is_a_version_mismatch() -> None:
    with Peer() as peer:
        peer.change = lambda reply, frames: m.encode(m.Error("version", "this server speaks protocol 2", "update"))
        with pytest.raises(VersionMismatch, match="speaks protocol 2"):
            Client.connect(peer.address)
        peer.change = lambda reply, frames: rewritten(frames, version=2)
        with pytest.raises(VersionMismatch, match="protocol 2"):
            Client.connect(peer.address)


def test_a_wrong_token_is_an_auth_error() -> None:
    with Peer() as peer:
        peer.change = lambda reply, frames: m.encode(m.Error("auth", "wrong token"))
        with pytest.raises(AuthError, match="wrong token"):
            Client.connect(peer.address, token="no")


def test_curve_keys() -> None:
    public, secret = zmq.curve_keypair()
    mine, my_secret = (x.decode() for x in zmq.curve_keypair())
    peer = Peer()
    peer.secret_key = secret
    with peer:
        right = CurveKeys(public.decode(), mine, my_secret)
        with Client.connect(peer.address, curve=right) as client:
            assert [p.data for p in client.generate(design=DESIGN)] == [plane(i) for i in range(3)]
        wrong = CurveKeys(mine, mine, my_secret)
        with pytest.raises(NoServer, match="keys are wrong"):
            Client.connect(peer.address, curve=wrong)
        with pytest.raises(NoServer, match=r"keys are wrong or missing|another kind of authentication"):
            Client.connect(peer.address)
        with pytest.raises(AuthError, match="not valid"):
            Client.connect(peer.address, curve=CurveKeys("short", mine, my_secret))
    assert my_secret not in repr(right)


# dies


def test_a_server_that_dies_and_comes_back_costs_nothing(port: int) -> None:
    first = Peer(port)
    with first:
        first.delay_s = 0.005
        client = Client.connect(first.address)
        job = client.generate(design=DESIGN, count=40)
        got = [job.next() for _ in range(20)]
    with Peer(port) as second, client:
        got += list(job)
        assert [p.chunk.seq for p in got if p] == list(range(120))
        assert [p.data for p in got if p] == [plane(i) for i in range(120)]
        assert job.done is not None
        (again,) = second.of_type(m.Generate)
        assert isinstance(again, m.Generate)
        assert again.id == job.id
        assert again.first_seq >= 20
        assert second.sent_chunks[0] == again.first_seq  # nothing twice
        hellos = [*first.of_type(m.Hello), *second.of_type(m.Hello)]
        assert len({x.session for x in hellos if isinstance(x, m.Hello)}) == 1


def test_a_server_that_stays_away_ends_the_job(port: int) -> None:
    peer = Peer(port)
    with peer:
        peer.delay_s = 0.01
        client = Client.connect(peer.address, retry_s=RETRY_S)
        job = client.generate(design=DESIGN, count=100)
        assert job.next() is not None
    with client:
        with pytest.raises(Disconnected, match="could not be made again: the connection was refused"):
            list(job)
        with pytest.raises(Timeout, match="refused"):
            client.describe(timeout_s=0.5)
        with Peer(port):  # and the next request finds it again
            assert client.describe(timeout_s=30).layers


def test_what_broke_the_connection_is_said_where_only_sending_fails() -> None:
    with Peer() as peer:
        client = Client.connect(peer.address)
    with client:
        until, said = time.monotonic() + 60, ""
        while not said:  # until libzmq refuses what is sent: with no time at all the client does not look for news
            assert time.monotonic() < until
            with pytest.raises(Timeout) as caught:
                client.describe(timeout_s=0)
            said = caught.value.hint
    assert "closed by the other side" in said


def test_a_server_that_forgot_us_is_greeted_again() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.delay_s = 0.01
        job = client.generate(design=DESIGN, count=20)
        assert job.next() is not None
        peer._known.clear()
        peer._jobs.clear()
        assert client.ping() > 0
        assert [p.chunk.seq for p in job] == list(range(1, 60))
        assert len(peer.of_type(m.Hello)) == 2


def test_a_server_that_hangs_is_noticed() -> None:
    with Peer() as peer, Client.connect(peer.address, ping_ms=100, dead_ms=300, retry_s=0.5) as client:
        peer.silent = True
        job = client.generate(design=DESIGN)
        with pytest.raises(Disconnected, match="could not be made again"):
            list(job)
        with pytest.raises(Timeout, match="no answer to describe"):
            client.describe(timeout_s=0.2)


def test_a_server_that_goes_down_is_waited_for() -> None:
    def refuse(request: m.Generate) -> m.Error | None:
        refused.append(request.id)
        return None if len(refused) > 2 else m.Error("shutting_down", "the server is going down", id=request.id)

    refused: list[str] = []
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.say(m.Bye("going down"))
        peer.refuse = refuse
        assert [p.chunk.seq for p in client.generate(design=DESIGN)] == [0, 1, 2]
        assert len(refused) == 3


# busy


def test_busy_is_tried_again() -> None:
    def refuse(request: m.Generate) -> m.Error | None:
        refused.append(time.monotonic())
        return None if len(refused) > 3 else m.Error("busy", "full", "", request.id, {"retry_after_ms": 150})

    refused: list[float] = []
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.refuse = refuse
        assert [p.chunk.seq for p in client.generate(design=DESIGN)] == [0, 1, 2]
        assert refused[2] - refused[1] >= 0.14


def test_busy_for_too_long_is_an_error() -> None:
    with Peer() as peer, Client.connect(peer.address, retry_s=0.3) as client:
        peer.refuse = lambda request: m.Error("busy", "full", "", request.id, {"retry_after_ms": 100})
        with pytest.raises(BusyError) as caught:
            list(client.generate(design=DESIGN))
        assert caught.value.retry_after_ms == 100


def test_a_stalled_job_goes_on_where_it_stopped() -> None:
    def stall(reply: m.Reply, frames: list[bytes]) -> list[bytes]:
        if isinstance(reply, m.Chunk) and reply.seq == 4 and not stalled:
            stalled.append(1)
            peer._jobs.clear()
            return m.encode(m.Error("stalled", "no credit for 60 s", id=reply.id))
        return frames

    stalled: list[int] = []
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.change = stall
        assert [p.chunk.seq for p in client.generate(design=DESIGN, count=3)] == list(range(9))
        second = peer.of_type(m.Generate)[1]
        assert isinstance(second, m.Generate)
        assert second.first_seq == 4


# wrong


def bomb(frames: list[bytes]) -> list[bytes]:
    """10 MB that claim to be 768 bytes."""
    return [*rewritten(frames, codec="gzip")[:1], gzip.compress(bytes(10_000_000))]


WRONG = {
    "another sha256": lambda f: rewritten(f, sha256=bytes(32)),
    "a damaged blob": lambda f: [f[0], bytes([f[1][0] ^ 1]) + f[1][1:]],
    "a blob that is cut off": lambda f: [f[0], f[1][:-3]],
    "a blob with something behind it": lambda f: [f[0], f[1] + b"x"],
    "a compressed bomb": bomb,
    "another raw_length": lambda f: rewritten(f, raw_length=769, width=769, height=1),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("kind", ["raw", "gzip", "zstd"])
def test_wrong_blobs_are_refused(what: str, kind: str) -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.codec = kind
        peer.change = lambda reply, frames: WRONG[what](frames) if isinstance(reply, m.Chunk) and reply.seq else frames
        job = client.generate(design=DESIGN)
        assert job.next() is not None
        with pytest.raises(IntegrityError):
            job.next()
        client.ping()
        assert m.Cancel(job.id) in peer.requests  # the rest need not come
        peer.change = None
        assert len(list(client.generate(design=DESIGN))) == 3  # the connection is sound


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seq": 3}, "chunk 3 came where chunk 1 was due"),
        ({"character": 1}, "lacks its recipe"),
        ({"width": 7}, "768 bytes for 7 x 32 pixels"),
    ],
)
def test_wrong_chunks_are_protocol_errors(fields: dict[str, object], message: str) -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.change = lambda reply, frames: (
            rewritten(frames, **fields) if isinstance(reply, m.Chunk) and reply.seq == 1 else frames
        )
        with pytest.raises(ProtocolError, match=message):
            list(client.generate(design=DESIGN, count=2))


def test_a_job_that_ends_early_is_a_protocol_error() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.change = lambda reply, frames: None if isinstance(reply, m.Chunk) and reply.seq == 2 else frames
        with pytest.raises(ProtocolError, match="ended after 2 chunks"):
            list(client.generate(design=DESIGN))


@pytest.mark.parametrize("frames", [[b""], [b"\xc1"], [codec.pack_map({"type": "nonsense"})], [b"\x80", b"blob"]])
def test_garbage_from_the_server_ends_everything_with_one_error(frames: list[bytes]) -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        peer.change = lambda reply, _: frames
        with pytest.raises(ProtocolError):
            list(client.generate(design=DESIGN))
        peer.change = None
        assert client.ping() > 0  # a new connection


def test_a_server_that_breaks_off_while_we_are_busy_does_not_end_us() -> None:
    """libzmq aborts where it had stopped reading a connection, as much waits, and finds a ping among what it had read of it."""
    busy = (
        "import sys, time, zmq\nfrom vcg_bridge.client.dealer import Dealer\nfrom vcg_bridge.client.options import ClientOptions\n"
        "with zmq.Context() as context:\n    dealer = Dealer(context, ClientOptions(sys.argv[1]), None)\n"
        "    print('here', flush=True)\n    sys.stdin.read()\n    assert dealer.monitor.poll(60_000)\n    dealer.close()"
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-c", busy, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as client:
            server = Zmtp(listener.accept()[0])
            with server.connection:
                server.shake_hands()
                server.connection.settimeout(2)
                with suppress(TimeoutError):  # where nobody reads on
                    server.connection.sendall((frame(b"\x80") * 40 + frame(b"\x04PING\0\0", COMMAND)) * 400)
                server.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.communicate(timeout=60)
    assert client.returncode == 0


def test_doubled_chunks_are_taken_once() -> None:
    with Peer() as peer, Client.connect(peer.address) as client:
        job = client.generate(design=DESIGN, count=2)
        assert job.next() is not None

        def double(reply: m.Reply, frames: list[bytes]) -> list[bytes]:
            if isinstance(reply, m.Chunk):
                peer._router.send_multipart([next(iter(peer._known)), *frames])
            return frames

        peer.change = double
        assert [p.chunk.seq for p in job] == [1, 2, 3, 4, 5]
