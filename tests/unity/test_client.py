"""The C# client on mono against the real server and against peers that misbehave. See also tests/conformance."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
import zmq.auth.thread
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.conformance.proxy import Proxy
from tests.conformance.stage import TOKEN, House
from tests.support.listeners import raw_server
from tests.support.peer import Peer, plane, rewritten
from tests.support.tiny_bundle import write_tiny_bundle
from tests.support.zmtp import COMMAND, GREETING, READY, frame
from tests.unity.core_program import RUN_S, CoreProgram
from vcg_bridge import __version__
from vcg_bridge.contract import messages as m

pytestmark = [pytest.mark.unity, pytest.mark.socket]


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        peer.codec = "gzip"
        yield peer


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Real servers: plain, with a token, behind TLS."""
    tiny = write_tiny_bundle(tmp_path_factory.mktemp("unity") / "tiny")
    with House(tiny, tmp_path_factory.mktemp("house")).open() as house:
        yield house


def test_a_character_from_the_shipped_bundle(program: CoreProgram, shipped: str) -> None:
    first = program.run("character", f"address={shipped}")
    assert int(first.split()[1]) > 10
    assert program.run("character", f"address={shipped}", "codecs=raw") == first


def test_a_character_is_what_was_sent(program: CoreProgram, peer: Peer) -> None:
    data = b"".join(plane(i) for i in range(3))
    assert program.run("character", f"address={peer.address}") == f"{hashlib.sha256(data).hexdigest()} 3"
    (hello,) = peer.of_type(m.Hello)
    assert isinstance(hello, m.Hello)
    assert hello.codecs == ("gzip", "raw")
    assert hello.client == f"vcg-unity/{__version__}"


def test_a_slow_reader_bounds_what_is_under_way(program: CoreProgram, peer: Peer) -> None:
    peer.codec = "raw"
    window = 8000
    assert program.run("slow", f"address={peer.address}", f"window={window}") == "90 pictures"
    assert peer.most_in_flight < window + 4000  # a chunk more
    assert len(peer.of_type(m.Credit)) > 20


def test_cancel(program: CoreProgram, peer: Peer) -> None:
    peer.delay_s = 0.002
    assert program.run("cancel", f"address={peer.address}", "window=8000") == "cancelled, then 3 pictures"
    assert len(peer.of_type(m.Cancel)) == 1
    assert len(peer.sent_chunks) < 400


def test_many_threads_share_a_client(program: CoreProgram, peer: Peer) -> None:
    assert program.run("many", f"address={peer.address}") == f"{8 * 3 * 6} pictures"
    assert len(peer.of_type(m.Hello)) == 1


def with_help(program: CoreProgram, help_out: Callable[[], None], name: str, *arguments: str) -> str:
    """Run a check that waits in its middle until something has happened."""
    process = subprocess.Popen(
        program.command(name, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killer = threading.Timer(RUN_S, process.kill)
    killer.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("SIGNAL"), line
        help_out()
        out, err = process.communicate("\n")
    finally:
        killer.cancel()
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    return out.strip()


def test_a_connection_that_breaks_costs_nothing(program: CoreProgram, peer: Peer) -> None:
    peer.delay_s = 0.002
    proxy = Proxy(peer.address)

    def cut() -> None:
        proxy.down()
        proxy.up(peer.address)

    try:
        said = with_help(program, cut, "reconnect", f"address={proxy.address}", "window=4000")
    finally:
        proxy.close()
    assert said == "120 pictures"
    again = peer.of_type(m.Generate)
    assert len(again) == 2
    assert isinstance(again[1], m.Generate)
    assert again[1].first_seq >= 20


def test_another_server_at_the_same_port(program: CoreProgram, port: int) -> None:
    first = Peer(port)
    first.codec, first.delay_s = "gzip", 0.002
    second: list[Peer] = []

    def replace() -> None:
        first.__exit__()
        second.append(Peer(port).__enter__())
        second[0].codec = "raw"

    first.__enter__()
    try:
        assert with_help(program, replace, "reconnect", f"address={first.address}", "window=4000") == "120 pictures"
        (again,) = second[0].of_type(m.Generate)
        assert isinstance(again, m.Generate)
        assert second[0].sent_chunks[0] == again.first_seq
    finally:
        for peer in second:
            peer.__exit__()


def test_another_version_is_told(program: CoreProgram, peer: Peer) -> None:
    peer.change = lambda reply, frames: rewritten(frames, version=2)
    code, words = program.run("open", f"address={peer.address}").split("\t")
    assert code == "version"
    assert "protocol 2" in words
    assert "update" in words


def test_a_token(program: CoreProgram, house: House) -> None:
    address = f"address={house.addresses['token']}"
    assert program.run("open", address, f"token={TOKEN}").startswith("welcome\tvcg")
    assert program.run("open", address, "token=wrong").startswith("auth\t")
    assert program.run("open", address).startswith("auth\t")


def test_a_pin_is_of_the_certificate_or_of_its_key(program: CoreProgram, house: House) -> None:
    address, token = f"address={house.addresses['tls']}", f"token={TOKEN}"
    certificate = x509.load_pem_x509_certificate(house.certificates["right"].read_bytes())
    whole = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    colons = ":".join(whole[i : i + 2] for i in range(0, 64, 2)).upper()
    for pin in (whole, colons, hashlib.sha256(key).hexdigest()):
        assert program.run("open", address, token, f"pin={pin}").startswith("welcome\t"), pin
    assert program.run("open", address, token, f"certificate={house.certificates['right']}").startswith("welcome\t")
    code, words = program.run("open", address, token, f"pin={'0' * 64}").split("\t")
    assert code == "auth"
    assert "not the one that is pinned" in words
    assert whole in words  # so that somebody can look whether it is the right one after all
    assert program.run("open", address, token).startswith("bad_request\tTLS needs the pin")
    assert "64 hex digits" in program.run("open", address, token, "pin=abc")


def test_a_certificate_that_expired(program: CoreProgram, house: House) -> None:
    pin = f"certificate={house.certificates['expired']}"
    code, words = program.run("open", f"address={house.addresses['tls-expired']}", f"token={TOKEN}", pin).split("\t")
    assert code == "auth"
    assert "expired on 20" in words


def test_a_certificate_file_that_is_none(program: CoreProgram, house: House, tmp_path: Path) -> None:
    broken = tmp_path / "cert.pem"
    for content in (b"", b"-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n", b"hello"):
        broken.write_bytes(content)
        said = program.run("open", f"address={house.addresses['tls']}", f"certificate={broken}")
        assert said.startswith("config\t"), said
        assert str(broken) in said
    assert "cannot be read" in program.run("open", "address=tls://127.0.0.1:1", f"certificate={tmp_path / 'none'}")


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:7421", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "http://a:1", "tcp://a b:1"]
)
def test_an_address_that_is_none(program: CoreProgram, address: str) -> None:
    assert program.run("open", f"address={address}").startswith("bad_request\t")


@pytest.mark.parametrize("host", ["0.0.0.0", "127.1", "127.evil.example", "127.0.0.1.example", "127.00.0.1", "[::]"])
def test_no_secret_in_clear(program: CoreProgram, host: str, port: int) -> None:
    """Refused before it connects: nobody listens there, and that would be no_server. See also tests/conformance."""
    address = f"address=tcp://{host}:{port}"
    for secret, word in ((["token=s3cret"], "token"), (["user=me", "password=s3cret"], "password")):
        said = program.run("open", address, *secret)
        assert said.startswith(f"config\ta {word} for {host.strip('[]')} would travel in clear")
        assert "tls://HOST:PORT" in said
        assert "s3cret" not in said


def test_plain(program: CoreProgram) -> None:
    peer = Peer()
    peer._router.setsockopt(zmq.PLAIN_SERVER, 1)
    authenticator = zmq.auth.thread.ThreadAuthenticator(peer._context)
    with peer:
        authenticator.start()
        try:
            authenticator.configure_plain(domain="*", passwords={"me": "secret"})
            address = f"address={peer.address}"
            assert program.run("open", address, "user=me", "password=secret") == "welcome\tpeer"
            assert program.run("open", address, "user=me", "password=wrong").startswith("auth\tthe server refused user")
            code, words = program.run("open", address).split("\t")
            assert code == "no_server"
            assert "or it wants TLS or another kind of authentication" in words  # libzmq just closes
        finally:
            authenticator.stop()


def test_two_hundred_times_in_and_out(program: CoreProgram, peer: Peer) -> None:
    peer.delay_s = 0.0005
    assert program.run("teardown", 200, 1, f"address={peer.address}").startswith("200 cycles")
    assert len(peer.of_type(m.Hello)) > 100


def test_in_and_out_of_tls(program: CoreProgram, house: House) -> None:
    pin = f"certificate={house.certificates['right']}"
    said = program.run("teardown", 40, 2, f"address={house.addresses['tls']}", f"token={TOKEN}", pin)
    assert said.startswith("40 cycles")


def test_leaving_somebody_who_never_answers(program: CoreProgram) -> None:
    with raw_server([]) as address:
        assert program.run("nobody", 10, f"address={address}") == "nothing is left"


def test_leaving_somebody_who_takes_nothing(program: CoreProgram) -> None:
    (welcome,) = m.encode(m.Welcome(1, server="deaf"))
    router = READY.replace(b"DEALER", b"ROUTER")
    with raw_server([GREETING, frame(router, COMMAND), frame(welcome, 0)]) as address:
        assert program.run("stuck", f"address={address}") == "nothing is left"


def test_a_thousand_characters_take_no_memory(program: CoreProgram, house: House) -> None:
    said = program.run("memory", 1000, f"address={house.addresses['bundle']}")
    print(said)
    assert said.startswith("1000 characters")
