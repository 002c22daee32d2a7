"""Who is at the other end of a scenario. Its `server` is one of:

bundle            `vcg serve` with a small bundle
token             the same with a token (TOKEN)
tls, tls-expired  the same behind TLS; with a certificate that has expired
tls-signed        TLS with a certificate that was signed by the key of `right`, and no server behind it
as/HOST           the server of `token`, its host written as one of HOSTS: all of these lead to this machine, or nowhere
plain-at-tls      the port of `tls` for a client that speaks none; tls-at-plain: the other way round
killed            the same behind a proxy that passes on a part of a job; SIGNAL kill: the server is killed, another is started
gone              the same; SIGNAL kill: and none is started
slow              the same behind a proxy that passes on a few bytes at a time
nothing           a port where nobody listens
raw/NAME          no ZeroMQ, or a bad one: see RAW
peer/NAME         an act of peers.py
"""

from __future__ import annotations

import contextlib
import datetime
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from tests.conformance.peers import ActPeer
from tests.conformance.proxy import Proxy
from tests.support.commands import start_vcg
from tests.support.listeners import raw_server
from tests.support.ports import reserved_port
from tests.support.zmtp import COMMAND, GREETING, LONG, READY, frame

TOKEN = "a-token-of-the-tests"
START_S = 60
HOSTS = ("localhost", "127.9.8.7", "0.0.0.0", "127.1", "127.0.0.1.example", "127.evil.example")

ROUTER = READY.replace(b"DEALER", b"ROUTER")
RAW: dict[str, list[bytes | None]] = {
    "mute": [],
    "slams-the-door": [None],
    "http": [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n" + b" " * 64],
    "greeting-cut": [GREETING[:20], None],
    "greeting-of-zeros": [bytes(64)],
    "zmtp-2": [GREETING[:10] + b"\x01" + GREETING[11:]],
    "curve": [GREETING.replace(b"NULL\0", b"CURVE")],
    "ready-damaged": [GREETING, frame(b"\x05READY\xff\xff", COMMAND)],
    "huge-frame": [GREETING, frame(ROUTER, COMMAND), struct.pack(">BQ", LONG, 1 << 40), bytes(1000)],
    "negative-length": [GREETING, frame(ROUTER, COMMAND), b"\x02" + b"\xff" * 8, bytes(1000)],
    "huge-command": [GREETING, struct.pack(">BQ", LONG | COMMAND, 1 << 30), bytes(1000)],
}
"""What is sent to whoever connects; None: then the connection is closed."""


class House:
    """The real servers, and certificates. One for all runners."""

    def __init__(self, bundle: Path, folder: Path) -> None:
        self._bundle, self._folder = bundle, folder
        self._number = 0
        self.certificates = {
            "right": _certificate(folder / "right"),
            "other": _certificate(folder / "other"),
            "expired": _certificate(folder / "expired", days=-2),
        }
        self.signed = _certificate(folder / "signed", "localhost", signed_by=self.certificates["right"])
        (folder / "token").write_text(TOKEN, encoding="utf-8")
        (folder / "token").chmod(0o600)
        self.addresses: dict[str, str] = {}

    @contextmanager
    def open(self) -> Iterator[House]:
        """Start those that all runners share, at once; end them after."""
        with ExitStack() as stack:
            tls = ["--tls-bind", "tls://127.0.0.1:0", "--token-file", self._folder / "token", "--tls"]
            started = {
                "bundle": self.start(),
                "token": self.start(*tls, *self._files("right")),
                "tls-expired": self.start(*tls, *self._files("expired")),
            }
            for process, _ in started.values():
                stack.callback(stop, process)
            for name, (process, ready) in started.items():
                self.addresses[name], *others = wait_until_ready(process, ready)
                if name != "bundle":
                    self.addresses["tls" if name == "token" else name] = others[0]
            yield self

    def start(self, *options: object) -> tuple[Popen[str], Path]:
        """`vcg serve` with the bundle at a free port, and the file in which it will say which."""
        self._number += 1
        ready = self._folder / f"ready-{self._number}"
        arguments = [
            "serve",
            "--bind",
            "tcp://127.0.0.1:0",
            "--bundle",
            self._bundle,
            "--device",
            "cpu",
            "--threads",
            "1",
        ]
        return start_vcg(*arguments, "--ready-file", ready, *options), ready

    def _files(self, name: str) -> tuple[Path, Path]:
        return self.certificates[name], self.certificates[name].with_name("key.pem")


class Stage:
    """What one runner meets. `use` it around the run."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._stack = ExitStack()
        self._proxies: dict[str, Proxy] = {}
        self._raw: dict[str, str] = {}
        self._late: list[threading.Thread] = []

    @contextmanager
    def use(self) -> Iterator[Stage]:
        """Start what is not shared; end it after."""
        with self._stack as stack:
            self._victim, ready = self._house.start()
            stack.callback(stop, self._victim)
            self._nothing = stack.enter_context(reserved_port())
            self.peer = stack.enter_context(ActPeer())
            for name, lines in RAW.items():
                self._raw[name] = stack.enter_context(raw_server(lines))
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self._house.signed, self._house.signed.with_name("key.pem"))
            self._signed = stack.enter_context(raw_server([GREETING], tls))
            (victim,) = wait_until_ready(self._victim, ready)
            self._proxies = {
                "killed": Proxy(victim, hold_after=60000),
                "gone": Proxy(self._house.addresses["bundle"], hold_after=60000),
                "slow": Proxy(self._house.addresses["bundle"], piece=600, pause_s=0.004),
            }
            for proxy in self._proxies.values():
                stack.callback(proxy.close)
            stack.callback(self._join)
            yield self

    def client(self, server: str, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of a scenario's client, with the address and the files of its server filled in."""
        found = {"address": self._address(server), **settings}
        if "tls_certificate" in found:
            found["tls_certificate"] = str(self._house.certificates[found["tls_certificate"]])
        if server.startswith("peer/"):
            found["token"] = server.removeprefix("peer/")
        if found.get("token") == "right":
            found["token"] = TOKEN
        return found

    def signal(self, server: str, name: str) -> None:
        """A scenario has come so far. Returns when what it waits for has happened."""
        if name != "kill" or server not in ("killed", "gone"):
            raise ValueError(f"the server {server!r} knows no signal {name!r}")
        self._proxies[server].down()
        if server == "killed":
            stop(self._victim, kill=True)
            thread = threading.Thread(target=self._another, name="another server")
            thread.start()
            self._late.append(thread)

    def _another(self) -> None:
        process, ready = self._house.start()
        self._stack.callback(stop, process)
        (address,) = wait_until_ready(process, ready)
        self._proxies["killed"].up(address)

    def _join(self) -> None:
        for thread in self._late:
            thread.join(START_S)

    def _address(self, server: str) -> str:
        kind, _, name = server.partition("/")
        if kind == "raw":
            return self._raw[name]
        if kind == "peer":
            assert name in self.peer.acts, name
            return self.peer.address
        if kind == "as":
            assert name in HOSTS, name
            return f"tcp://{name}:{self._house.addresses['token'].rpartition(':')[2]}"
        if server == "tls-signed":
            return self._signed.replace("tcp://", "tls://")
        if server == "plain-at-tls":
            return self._house.addresses["tls"].replace("tls://", "tcp://")
        if server == "tls-at-plain":
            return self._house.addresses["bundle"].replace("tcp://", "tls://")
        if server == "nothing":
            return f"tcp://127.0.0.1:{self._nothing}"
        if server in self._proxies:
            return self._proxies[server].address
        return self._house.addresses[server]


def wait_until_ready(process: Popen[str], ready: Path) -> list[str]:
    """The addresses at which a server listens."""
    for _ in range(START_S * 50):
        if ready.exists():
            return ready.read_text(encoding="utf-8").split()
        with contextlib.suppress(Exception):
            process.wait(0.02)
        if process.poll() is not None:
            raise AssertionError(f"vcg serve ended: {process.communicate()[1]}")
    raise AssertionError("vcg serve does not get ready")


def stop(process: Popen[str], *, kill: bool = False) -> None:
    """End a server that may have ended already."""
    if process.poll() is None:
        process.kill() if kill else process.terminate()
    process.communicate(timeout=30)


def _certificate(folder: Path, name: str = "vcg", *, days: int = 2, signed_by: Path | None = None) -> Path:
    """A certificate that signs itself, as the openssl command of docs/cli.md makes it: Godot can pin no other.

    signed_by: one whose key signs it instead.
    """
    folder.mkdir()
    key = signer = ec.generate_private_key(ec.SECP256R1())
    subject = issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    if signed_by is not None:
        issuer = x509.load_pem_x509_certificate(signed_by.read_bytes()).subject
        read = load_pem_private_key(signed_by.with_name("key.pem").read_bytes(), None)
        assert isinstance(read, ec.EllipticCurvePrivateKey)
        signer = read
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=3))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").touch(0o600)
    (folder / "key.pem").write_bytes(pem)
    return folder / "cert.pem"
