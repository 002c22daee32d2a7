"""The TLS front, with a client that speaks ZMTP by hand, as the engine plugins do."""

from __future__ import annotations

import datetime
import hashlib
import logging
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import zmq

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from tests.support.certificates import Certificate, certificate
from tests.support.zmtp import GREETING, MORE, Zmtp, frame
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.blobs import decode_blob
from vcg_bridge.contract.errors import AddressError, ConfigError
from vcg_bridge.relay import BUFFER_BYTES
from vcg_bridge.server import auth, front, strangers
from vcg_bridge.server.config import ServerConfig, check_config
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket

TOKEN = "0123456789abcdef"
IDLE = m.Generate("idle", design=m.Design(seed=4), animations=("idle",), credit=WINDOW)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("right"))


def tls_config(tiny: Path, files: Certificate, **settings: object) -> ServerConfig:
    return config(
        bundles=(str(tiny),),
        tls_certificate=files.chain,
        tls_key=files.key,
        tls_address="tls://127.0.0.1:0",
        **settings,
    )


@pytest.fixture(scope="module")
def secured(tiny: Path, right: Certificate) -> Iterator[Server]:
    with running(tls_config(tiny, right, token=TOKEN)) as server:
        yield server


def plain(server: Server, source: str = "127.0.0.1") -> socket.socket:
    host, _, port = server.tls_address.removeprefix("tls://").rpartition(":")
    return socket.create_connection((host, int(port)), ANSWER_S, source_address=(source, 0))


@contextmanager
def connected(
    server: Server, pinned: Path, version: ssl.TLSVersion | None = None, source: str = "127.0.0.1"
) -> Iterator[Zmtp]:
    """A TLS connection that trusts that one certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(pinned)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    with plain(server, source) as bare, context.wrap_socket(bare, server_hostname="127.0.0.1") as wrapped:
        yield Zmtp(wrapped)


@contextmanager
def ready(server: Server, pinned: Path, token: str = TOKEN) -> Iterator[Zmtp]:
    with connected(server, pinned) as client:
        client.shake_hands()
        assert isinstance(client.hello(token), m.Welcome)
        yield client


def pictures(client: Zmtp, request: m.Generate) -> dict[int, bytes]:
    """The decoded pictures of a job, by seq, each checked."""
    client.send(request)
    found: dict[int, bytes] = {}
    while True:
        reply, blobs = client.reply()
        if isinstance(reply, m.Chunk):
            found[reply.seq] = decode_blob(reply.codec, blobs[0], reply.raw_length, reply.sha256)
            client.send(m.Credit(reply.id, len(blobs[0])))
        elif not isinstance(reply, m.Accepted):
            assert isinstance(reply, m.Done), reply
            assert sorted(found) == list(range(reply.chunks))
            return found


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + ANSWER_S
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def open_connections(server: Server) -> int:
    assert server._front is not None
    return server._front.connections


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_job_through_tls_is_the_same_as_without(secured: Server, right: Certificate, version: ssl.TLSVersion) -> None:
    with connected(secured, right.chain, version) as client:
        client.shake_hands()
        assert isinstance(client.hello(TOKEN), m.Welcome)
        through = pictures(client, IDLE)
    with Dealer(secured.address) as dealer:
        dealer.hello(token=TOKEN)
        answer = dealer.job(IDLE)
    assert through == {c.seq: decode_blob(c.codec, answer.blobs[c.seq], c.raw_length, c.sha256) for c in answer.chunks}


def test_large_answers_come_whole(secured: Server, right: Certificate) -> None:
    """Many times the buffers between both sides, to a client that reads late."""
    big = m.Generate("big", design=m.Design(seed=1), count=4, output=m.Output(format="rgba8", scale=8), credit=64 << 20)
    with connected(secured, right.chain) as client:
        client.shake_hands()
        client.send(m.Hello((1,), codecs=("raw",), token=TOKEN))
        client.reply()
        client.send(big)
        time.sleep(0.5)
        size, reply = 0, client.reply()[0]
        while not isinstance(reply, m.Done):
            reply, blobs = client.reply()
            if isinstance(reply, m.Chunk):
                assert hashlib.sha256(blobs[0]).digest() == reply.sha256
                size += len(blobs[0])
    assert size > 30 * BUFFER_BYTES


def test_the_token_is_asked_for_here_too(secured: Server, right: Certificate) -> None:
    for token in ("", "wrong-wrong-wrong-wrong"):
        with connected(secured, right.chain) as client:
            client.shake_hands()
            answer = client.hello(token)
            assert isinstance(answer, m.Error)
            assert answer.code == "auth"


def test_another_certificate_is_not_trusted(secured: Server, tmp_path: Path) -> None:
    other = certificate(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError), connected(secured, other.chain):
        pass


def test_an_expired_certificate_is_refused_by_clients_and_named_at_the_start(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = certificate(tmp_path, datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    with caplog.at_level(logging.WARNING), running(tls_config(tiny, old)) as server:
        assert f"{old.chain}: certificate has expired" in caplog.text
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"), connected(server, old.chain):
            pass


def test_an_old_version_of_tls_is_refused(secured: Server) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.deprecated_call():
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with plain(secured) as bare, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(bare)


def test_plain_bytes_get_nothing_from_the_tls_port(secured: Server, right: Certificate) -> None:
    for data in (GREETING, b"GET / HTTP/1.1\r\n\r\n", b"\0" * 5000, b"\x16\x03\x01\xff\xff" + b"x" * 70_000):
        with plain(secured) as bare:
            answer = b""
            try:
                bare.sendall(data)
                while more := bare.recv(4096):
                    answer += more
            except ConnectionError:
                pass
            assert len(answer) < 16  # a TLS alert at most
    with ready(secured, right.chain):
        pass


def test_the_router_is_reached_only_by_what_speaks_its_protocol(secured: Server, right: Certificate) -> None:
    """Inside of TLS the ROUTER's own rules hold: another mechanism, or too large a frame, ends both connections."""
    with connected(secured, right.chain) as client:
        client.connection.sendall(GREETING.replace(b"NULL", b"EVIL"))
        with pytest.raises((EOFError, ConnectionError)):
            client.exactly(100_000)
    with ready(secured, right.chain) as client:
        with suppress(OSError):  # it may break while this is sent
            client.connection.sendall(frame(b"x" * (1 << 20)))
        with pytest.raises((EOFError, OSError)):
            client.exactly(100_000)


def test_slow_handshakes_end_and_keep_nobody_out(
    tiny: Path, right: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "HANDSHAKE_S", 1.0)
    monkeypatch.setattr(front, "HANDSHAKES", 5)
    with running(tls_config(tiny, right)) as server:
        slow = [plain(server) for _ in range(20)]
        for connection in slow:
            connection.sendall(b"\x16\x03\x01")
        with ready(server, right.chain, token="") as client:
            assert len(pictures(client, IDLE)) == 2
        for connection in slow:  # those that were pushed out at once, the others when their time is over
            connection.settimeout(ANSWER_S)
            with suppress(ConnectionError):
                assert connection.recv(100) == b""
            connection.close()


def test_connections_are_limited_and_free_again(
    tiny: Path, right: Certificate, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strangers, "LEAST", 2)
    with running(tls_config(tiny, right, clients=1)) as server, caplog.at_level(logging.WARNING):
        with connected(server, right.chain), connected(server, right.chain), connected(server, right.chain):
            eventually(lambda: open_connections(server) == 3)
            with pytest.raises((ssl.SSLError, OSError)), connected(server, right.chain):
                pass
            assert "as many as allowed" in caplog.text
        eventually(lambda: open_connections(server) == 0)
        with ready(server, right.chain, "") as client:
            assert len(pictures(client, IDLE)) == 2


def test_many_connections_at_once(secured: Server, right: Certificate) -> None:
    open_ones = []
    try:
        for _ in range(50):
            one = connected(secured, right.chain)
            open_ones.append((one, one.__enter__()))
        for _, client in open_ones:
            client.shake_hands()
            client.send(m.Hello((1,), token=TOKEN))
        for _, client in open_ones:
            assert isinstance(client.reply()[0], m.Welcome)
    finally:
        for one, _ in open_ones:
            one.__exit__(None, None, None)
    eventually(lambda: open_connections(secured) == 0)


def test_a_client_that_breaks_off_leaves_nothing(secured: Server, right: Certificate) -> None:
    with ready(secured, right.chain) as client:
        client.send(m.Generate("x", design=m.Design(seed=1), count=100, credit=WINDOW))
        client.reply()
        client.connection.shutdown(socket.SHUT_RDWR)
    eventually(lambda: secured.unfinished == 0 and open_connections(secured) == 0)


def test_the_server_goes_and_says_so(tiny: Path, right: Certificate) -> None:
    """What runs is finished, the last answers arrive, TLS is closed in good order."""
    with running(tls_config(tiny, right)) as server, ready(server, right.chain, "") as client:
        client.send(IDLE)
        assert isinstance(client.reply()[0], m.Accepted)
        server.stop()
        kinds = []
        with suppress(EOFError):  # not an ssl.SSLEOFError: the end was announced
            while True:
                kinds.append(type(client.reply()[0]))
        assert m.Bye in kinds
        assert m.Done in kinds


def test_curve_holds_beside_tls(tiny: Path, right: Certificate) -> None:
    """With CURVE on the ROUTER, plugins come in by TLS, and nobody plain by the other door."""
    _, secret = zmq.curve_keypair()
    with running(tls_config(tiny, right, curve_secret_key=secret.decode())) as server:
        with ready(server, right.chain, "") as client:
            assert len(pictures(client, IDLE)) == 2
        with Dealer(server.address) as dealer:
            dealer.send(m.Hello((1,)))
            assert dealer.quiet(0.3)


@pytest.mark.parametrize("length", [107, 108])  # the longest path that Linux takes, and what it does not
def test_the_folder_for_what_passes_may_have_a_long_name(
    tiny: Path, right: Certificate, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    with tempfile.TemporaryDirectory() as short:
        folder = Path(short, "x" * (length - len(short) - len("//vcg-server-12345678/tls-router")))
        folder.mkdir()
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(folder))
            server = Server(tls_config(tiny, right))
        with running(made=server), Client.connect(server.tls_address, tls_certificate=right.chain) as client:
            assert client.ping() > 0


def test_beyond_loopback_only_with_a_token(tiny: Path, right: Certificate) -> None:
    open_to_all = ServerConfig(
        address="tcp://127.0.0.1:0", bundles=(str(tiny),), tls_certificate=right.chain, tls_key=right.key,
        tls_address="tls://0.0.0.0:0",
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"tls://0\.0\.0\.0:0 can be reached from other machines"):
        Server(open_to_all)
    with running(tls_config(tiny, right, token=TOKEN)) as server:
        assert server.tls_address.startswith("tls://127.0.0.1:")
    with running(config(bundles=(str(tiny),), tls_certificate=right.chain, tls_key=right.key, token=TOKEN,
                        tls_address="tls://*:0")) as server:  # fmt: skip
        port = int(server.tls_address.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), ANSWER_S).close()


def test_files_that_are_no_certificate(tiny: Path, right: Certificate, tmp_path: Path) -> None:
    garbage, other = tmp_path / "garbage.pem", certificate(tmp_path / "other")
    garbage.write_text("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
    locked = tmp_path / "locked.pem"
    locked.write_bytes(_encrypted(right.key))
    for chain, key, words in [
        (tmp_path / "none.pem", right.key, "none.pem cannot be read"),
        (right.chain, tmp_path, "cannot be read"),
        (garbage, right.key, "are no certificate and its key"),
        (right.chain, other.key, "is not the key of"),
        (right.chain, locked, "encrypted with a password"),
    ]:
        with pytest.raises(ConfigError, match=words):
            Server(tls_config(tiny, Certificate(chain, key, right.authority)))
    with pytest.raises(ConfigError, match="takes a certificate and its key"):
        check_config(ServerConfig(tls_certificate=right.chain))


def _encrypted(key: Path) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    loaded = load_pem_private_key(key.read_bytes(), None)
    return loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


def test_a_port_that_is_taken(tiny: Path, right: Certificate) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = tls_config(tiny, right)
        with pytest.raises(AddressError, match="--tls-bind"):
            Server(ServerConfig(**{**vars(taken), "tls_address": f"tls://127.0.0.1:{other.getsockname()[1]}"}))


def test_the_front_stands_still_for_a_client_that_does_not_read(secured: Server, right: Certificate) -> None:
    """Its buffers are bounded: the ROUTER sees the pressure, and other clients are served."""
    big = m.Generate(
        "big", design=m.Design(seed=1), count=50, output=m.Output(format="rgba8", scale=8), credit=64 << 20
    )
    with connected(secured, right.chain) as stalled:
        stalled.shake_hands()
        stalled.send(m.Hello((1,), codecs=("raw",), token=TOKEN))
        assert isinstance(stalled.reply()[0], m.Welcome)
        stalled.send(big)
        with ready(secured, right.chain) as other:
            for seed in range(5):
                assert len(pictures(other, m.Generate(f"j{seed}", design=m.Design(seed=seed), credit=WINDOW))) > 2
        assert secured.unfinished == 1
        assert secured.held_bytes < 100 << 20
        stalled.send(m.Cancel("big"))
    eventually(lambda: secured.unfinished == 0)


OTHERS = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 without set-up")


@OTHERS
def test_a_crowd_of_handshakes_pushes_out_only_its_own(
    tiny: Path, right: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "HANDSHAKES", 5)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with running(tls_config(tiny, right)) as server, plain(server, "127.0.0.3") as slow:
        crowd = [plain(server, "127.0.0.2") for _ in range(30)]
        for connection in crowd[:25]:
            with suppress(ConnectionError):
                assert connection.recv(100) == b""
        with context.wrap_socket(slow) as shaken:  # it had begun before all of them
            client = Zmtp(shaken)
            client.shake_hands()
            assert isinstance(client.hello(), m.Welcome)
        for connection in crowd:
            connection.close()


@OTHERS
def test_guessers_are_told_apart_by_their_addresses_behind_tls_too(
    tiny: Path, right: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "GUESSES", 3)
    with running(tls_config(tiny, right, token=TOKEN)) as server:
        codes = []
        for _ in range(5):
            with connected(server, right.chain, source="127.0.0.2") as client:
                client.shake_hands()
                reply = client.hello("another-token-of-theirs")
                assert isinstance(reply, m.Error)
                codes.append(reply.code)
        assert codes == ["auth"] * 3 + ["busy"] * 2
        with connected(server, right.chain, source="127.0.0.3") as client:
            client.shake_hands()
            assert isinstance(client.hello(TOKEN), m.Welcome)
        assert list(server._service.guesses._buckets) == ["127.0.0.2"]
        eventually(lambda: not server._departures.outside)


def test_who_says_no_hello_behind_tls_is_ended(tiny: Path, right: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "HELLO_S", 0.5)
    with running(tls_config(tiny, right)) as server:
        with connected(server, right.chain) as silent, connected(server, right.chain) as half:
            silent.shake_hands()
            half.connection.sendall(GREETING[:20])
            for client in (silent, half):
                with pytest.raises((EOFError, ConnectionError)):
                    client.exactly(1000)
        eventually(lambda: open_connections(server) == 0)
        with ready(server, right.chain, "") as client:
            assert len(pictures(client, IDLE)) == 2


def test_too_many_frames_in_a_message_are_not_gathered(
    secured: Server, right: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    """A few too many get an answer; for thousands the connection ends before the ROUTER has them."""
    ping = m.encode(m.Ping("p"))[0]
    with ready(secured, right.chain) as client:
        client.connection.sendall(frame(ping, MORE) + frame(b"blob"))
        reply, _ = client.reply()
        assert isinstance(reply, m.Error)
        assert "blob" in reply.message
        client.send(m.Ping("q"))
        assert client.reply()[0] == m.Pong("q")
        with suppress(OSError):
            client.connection.sendall(frame(b"", MORE) * 50_000)
        with pytest.raises((EOFError, OSError)):
            client.exactly(1000)
    eventually(lambda: "TLS: 127.0.0.1: a message has more than 16 frames" in caplog.text)
    assert secured._strangers.ended["unfinished"] == 0
    with ready(secured, right.chain):
        pass
