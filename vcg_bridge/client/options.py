"""How a client connects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from vcg_bridge import __version__
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.blobs import available_codecs
from vcg_bridge.contract.errors import BadRequest

_ADDRESS = re.compile(r"tcp://(\[[0-9A-Fa-f:.%\w]+\]|[\w.-]+):(\d{1,5})|ipc://.+")


@dataclass(frozen=True)
class CurveKeys:
    """Keys for an encrypted, authenticated connection, each in 40 characters of Z85."""

    server: str  # the server's public key
    public: str  # this client's
    secret: str = field(repr=False)


@dataclass(frozen=True)
class ClientOptions:
    """Where the server is, who we are, how long we wait."""

    address: str = v.DEFAULT_ADDRESS
    name: str = f"vcg-python/{__version__}"  # for the server's log
    token: str = field(default="", repr=False)  # where the server asks for one
    curve: CurveKeys | None = None
    codecs: tuple[str, ...] = field(default_factory=available_codecs)  # preferred first
    window_bytes: int = 8 << 20  # what the server may send of one job before we have taken it
    timeout_s: float = 10.0  # wait for the answer to a small request
    retry_s: float = 60.0  # how long a lost connection is tried again before its jobs fail
    ping_ms: int = v.PING_MS  # silence after which we send a ping
    dead_ms: int = v.DEAD_MS  # silence after that ping that means the server is gone

    def __post_init__(self) -> None:
        match = _ADDRESS.fullmatch(self.address)
        if match is None or (match[2] and not 0 < int(match[2]) < 65536):
            raise BadRequest(f"{self.address!r} is no address", hint=f"for example {v.DEFAULT_ADDRESS}")
        if not 1 <= self.window_bytes <= v.MAX_CREDIT:
            raise BadRequest(f"window_bytes must be 1 to {v.MAX_CREDIT}, not {self.window_bytes}")
