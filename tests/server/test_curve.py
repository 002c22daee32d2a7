"""CURVE with known clients: who has a key that the server knows, and who has not."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from tests.server.conftest import ANSWER_S, WINDOW, Dealer, config, running
from tests.support.zmtp import GREETING
from vcg_bridge.cli.keys import client_keys, server_keys
from vcg_bridge.cli.main import run
from vcg_bridge.client import Client
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import AuthError, ConfigError, Disconnected, NoServer, Timeout
from vcg_bridge.server import strangers
from vcg_bridge.server.config import ServerConfig, check_config
from vcg_bridge.server.known_clients import read_keys
from vcg_bridge.server.server import Server

pytestmark = pytest.mark.socket
TOKEN = "0123456789abcdef"
REFUSED = (AuthError, NoServer, Disconnected, Timeout)


@pytest.fixture
def anna(tmp_path: Path) -> Path:
    server_keys(tmp_path / "anna.key")
    return tmp_path / "anna.key"


@pytest.fixture
def guarded(tiny: Path, tmp_path: Path, anna: Path) -> Iterator[tuple[Server, str, Path]]:
    """A server that knows Anna, its public key, its file of known clients."""
    public, secret = server_keys(tmp_path / "server.key")
    known = tmp_path / "known"
    known.write_text(f"# people\n{server_keys(anna)[0]} Anna\n\n")
    settings = config(bundles=(str(tiny),), curve_secret_key=secret, known_clients=known, token=TOKEN)
    with running(settings) as server:
        yield server, public, known


def welcome(server: Server, public: str, own: Path | None, token: str = TOKEN) -> m.Welcome:
    with Client.connect(server.address, timeout_s=2, token=token, curve=client_keys(public, own)) as client:
        return client.welcome


def test_a_known_key_and_the_token_are_both_needed(
    guarded: tuple[Server, str, Path], anna: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, public, _ = guarded
    with caplog.at_level(logging.INFO):
        assert welcome(server, public, anna).models
        assert "key of Anna connects" in caplog.text
        with pytest.raises(AuthError):
            welcome(server, public, anna, token="")
        server_keys(tmp_path / "mallory.key")
        for stranger in (None, tmp_path / "mallory.key"):
            with pytest.raises(REFUSED):
                welcome(server, public, stranger)
        assert "an unknown key is refused" in caplog.text
    for secret in (TOKEN, server_keys(anna)[1]):
        assert secret not in caplog.text


def test_a_key_that_is_taken_out_of_the_file_is_refused(guarded: tuple[Server, str, Path], anna: Path) -> None:
    server, public, known = guarded
    assert welcome(server, public, anna).models
    known.write_text("# nobody\n")
    with pytest.raises(REFUSED):
        welcome(server, public, anna)
    known.write_text("this is no key\n")  # cannot be read: what was known stays so
    with pytest.raises(REFUSED):
        welcome(server, public, anna)
    known.write_text(f"{server_keys(anna)[0]} Anna\n")
    assert welcome(server, public, anna).models


def test_a_key_that_is_taken_out_of_the_file_ends_its_connection(
    guarded: tuple[Server, str, Path], anna: Path, tmp_path: Path
) -> None:
    server, public, known = guarded
    ben = tmp_path / "ben.key"
    known.write_text(f"{server_keys(anna)[0]} Anna\n{server_keys(ben)[0]} Ben\n")
    with (
        Client.connect(server.address, token=TOKEN, curve=client_keys(public, anna)) as stays,
        Client.connect(server.address, token=TOKEN, curve=client_keys(public, ben), timeout_s=3) as goes,
    ):
        until = time.monotonic() + ANSWER_S
        known.write_text(f"{server_keys(anna)[0]} Anna\n")
        while server._service.clients > 1:
            assert time.monotonic() < until
            time.sleep(0.02)
        with pytest.raises(REFUSED):  # it cannot come back
            goes.describe()
        assert stays.describe()


def test_plain_clients_and_wrong_server_keys_get_nothing(guarded: tuple[Server, str, Path], anna: Path) -> None:
    server, _, _ = guarded
    with Dealer(server.address) as dealer:
        dealer.send(m.Hello((1,), token=TOKEN))
        assert dealer.quiet(0.3)
    with pytest.raises(REFUSED):
        welcome(server, zmq.curve_keypair()[0].decode(), anna)


def test_a_recorded_handshake_is_worth_nothing(guarded: tuple[Server, str, Path], anna: Path) -> None:
    """The bytes of a good client, sent again: the server's part of the handshake is new each time."""
    server, public, _ = guarded
    host, _, port = server.address.removeprefix("tcp://").rpartition(":")
    recorded = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def relay() -> None:
            client, _ = listener.accept()
            inside = socket.create_connection((host, int(port)), ANSWER_S)

            def back() -> None:
                try:
                    while data := inside.recv(4096):
                        client.sendall(data)
                except OSError:
                    pass

            thread = threading.Thread(target=back)
            thread.start()
            try:
                while data := client.recv(4096):
                    recorded.extend(data)
                    inside.sendall(data)
            except OSError:
                pass
            inside.shutdown(socket.SHUT_RDWR)
            thread.join(ANSWER_S)
            client.close()
            inside.close()

        thread = threading.Thread(target=relay)
        thread.start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        with Client.connect(address, token=TOKEN, curve=client_keys(public, anna)) as client:
            assert client.generate_character(design=m.Design(seed=1), animations=("idle",)).pictures
        thread.join(ANSWER_S)
    assert len(recorded) > 500
    clients = server._service.clients
    with socket.create_connection((host, int(port)), ANSWER_S) as replay:
        replay.sendall(recorded)
        replay.settimeout(ANSWER_S)
        received = b""
        try:
            while data := replay.recv(4096):
                received += data
        except ConnectionError:
            pass
    assert len(received) < 300  # greeting and the server's WELCOME, and then the end
    assert server._service.clients <= clients


def test_slow_handshakes_end_and_keep_nobody_out(
    guarded: tuple[Server, str, Path], anna: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a greeting, a greeting, half a HELLO: none of them holds a place for long."""
    monkeypatch.setattr(strangers, "HELLO_S", 0.5)
    server, public, _ = guarded
    host, _, port = server.address.removeprefix("tcp://").rpartition(":")
    greeting = GREETING.replace(b"NULL".ljust(20, b"\0"), b"CURVE".ljust(20, b"\0"))
    hello = b"\x04\xc8\x05HELLO\x01\x00" + b"\0" * 72  # of its 200 bytes some
    slow = [socket.create_connection((host, int(port)), ANSWER_S) for _ in range(3)]
    for one, data in zip(slow, (greeting[:30], greeting, greeting + hello), strict=True):
        one.sendall(data)
    assert welcome(server, public, anna).models
    for one in slow:
        with suppress(ConnectionError):
            while one.recv(4096):
                pass
        one.close()
    assert welcome(server, public, anna).models


@pytest.mark.parametrize("line", ["short Anna", "x" * 41 + " Anna", "\N{SNOWMAN}" * 40])
def test_a_file_with_something_else_is_one_error(tmp_path: Path, line: str) -> None:
    (tmp_path / "known").write_text(f"# people\n{line}\n")
    with pytest.raises(ConfigError, match="line 2"):
        read_keys(tmp_path / "known")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keys(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="known by their CURVE keys"):
        check_config(ServerConfig(known_clients=tmp_path / "known"))


def test_keys_are_made_once_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "anna.key"
    assert run(["keys", "new", str(file)]) == 0
    line = capsys.readouterr().out.strip()
    assert file.stat().st_mode & 0o777 == 0o600
    (tmp_path / "known").write_text(line + "\n")
    assert list(read_keys(tmp_path / "known").values()) == ["anna"]
    assert file.read_text().strip() not in line
    before = file.read_bytes()
    assert run(["keys", "new", str(file)]) == 2
    assert file.read_bytes() == before
    capsys.readouterr()
    assert run(["keys", "show", str(file)]) == 0
    assert capsys.readouterr().out.strip() == line
    assert run(["keys", "show", str(tmp_path / "nowhere")]) == 2


def test_the_commands_use_a_key(
    guarded: tuple[Server, str, Path], anna: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Path
) -> None:
    server, public, _ = guarded
    monkeypatch.setenv("VCG_BUNDLES", str(tiny.parent))
    monkeypatch.setenv("VCG_TOKEN", TOKEN)
    common = ["generate", "--server", server.address, "--server-key", public, "--seed", "1", "--animations", "idle"]
    assert run([*common, "--client-key", str(anna), "--out", str(tmp_path / "a")]) == 0
    assert (tmp_path / "a" / "CREDITS.txt").exists()
    assert run([*common, "--client-key", str(tmp_path / "none"), "--out", str(tmp_path / "b")]) == 2
    assert WINDOW
