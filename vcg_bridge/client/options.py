"""How a client connects."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from vcg_bridge import __version__
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.blobs import available_codecs
from vcg_bridge.contract.errors import BadRequest, ConfigError

_ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.%\w]+\]|[\w.-]+):(\d{1,5})|ipc://.+")


@dataclass(frozen=True)
class CurveKeys:
    """Keys for an encrypted, authenticated connection, each in 40 characters of Z85."""

    server: str  # the server's public key
    public: str  # this client's
    secret: str = field(repr=False)


@dataclass(frozen=True)
class ClientOptions:
    """Where the server is, who we are, how long we wait."""

    address: str = v.DEFAULT_ADDRESS  # tcp://HOST:PORT, tls://HOST:PORT
    name: str = f"vcg-python/{__version__}"  # for the server's log
    token: str = field(default="", repr=False)  # where the server asks for one
    tls_certificate: Path | str | None = None  # PEM file: the one to trust at tls://; None: the system's authorities
    curve: CurveKeys | None = None  # for tcp://
    codecs: tuple[str, ...] = field(default_factory=available_codecs)  # preferred first
    window_bytes: int = 8 << 20  # what the server may send of one job before we have taken it
    timeout_s: float = 10.0  # wait for the answer to a small request
    retry_s: float = 60.0  # how long a lost connection is tried again before its jobs fail
    ping_ms: int = v.PING_MS  # silence after which we send a ping
    dead_ms: int = v.DEAD_MS  # silence after that ping that means the server is gone

    def __post_init__(self) -> None:
        match = _ADDRESS.fullmatch(self.address)
        if match is None or (match[3] and not 0 < int(match[3]) < 65536):
            raise BadRequest(f"{self.address!r} is no address", hint=f"for example {v.DEFAULT_ADDRESS}")
        if not 1 <= self.window_bytes <= v.MAX_CREDIT:
            raise BadRequest(f"window_bytes must be 1 to {v.MAX_CREDIT}, not {self.window_bytes}")
        if match[1] == "tls":
            if self.curve is not None:
                raise BadRequest(f"{self.address} is TLS, which encrypts already", hint="leave the CURVE keys out")
        elif self.tls_certificate is not None:
            raise BadRequest(
                f"there is a certificate to trust, but {self.address} is not TLS",
                hint="tls://HOST:PORT, or no certificate",
            )
        elif match[1] == "tcp" and self.token and self.curve is None and not _is_loopback(match[2]):
            raise ConfigError(
                f"a token for {match[2]} would travel in clear",
                hint="use the server's TLS port, tls://HOST:PORT (vcg serve --tls), or its public key for CURVE "
                "(--server-key, curve)",
            )

    @property
    def tls(self) -> tuple[str, int] | None:
        """Host and port of a tls:// address, else None."""
        match = _ADDRESS.fullmatch(self.address)
        assert match is not None
        return (match[2].strip("[]"), int(match[3])) if match[1] == "tls" else None


def _is_loopback(host: str) -> bool:
    """As the server sees it, and the plugins: other names may lead anywhere."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
