"""CURVE with known clients: which public keys may connect. libzmq asks, pyzmq's authenticator answers, a file decides."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import zmq
from zmq.auth.thread import ThreadAuthenticator

from vcg_bridge.contract.errors import ConfigError
from vcg_bridge.server.logs import Sparse
from vcg_bridge.server.renewal import Renewed

log = logging.getLogger("vcg_bridge.server")

DOMAIN = "vcg"
KEY_LENGTH = 40  # characters of Z85


def read_keys(path: Path) -> dict[str, str]:
    """Public key -> name, of a file with a key and a name a line; # begins a remark line. Raises ConfigError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--known-clients {path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    keys = {}
    for number, line in enumerate(lines, 1):
        key, _, name = line.strip().partition(" ")
        if not key or (key.startswith("#") and len(key) != KEY_LENGTH):
            continue
        if len(key) != KEY_LENGTH or not key.isascii():
            raise ConfigError(
                f"--known-clients {path}: line {number} does not begin with a public key",
                hint="40 characters, a space, a name: the line that `vcg keys new` prints",
            )
        keys[key] = name.strip()
    return keys


class KnownClients:
    """Answers libzmq's question for every CURVE handshake of one context."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], path: Path) -> None:
        """Raises ConfigError."""
        self._path = path
        self._tell = Sparse(log)
        self.renewed = Renewed("--known-clients", (path,), self._take)
        """Looks whether the file has changed, before every handshake too: a key that was taken out is refused at once."""
        self._keys = read_keys(path)
        self._authenticator = ThreadAuthenticator(context)
        self._authenticator.start()
        self._authenticator.configure_curve_callback(DOMAIN, self)

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the key may connect. Called by the authenticator, in its thread."""
        del domain
        self.renewed.check(time.monotonic())
        text = key.decode("ascii", "replace")
        known = self.knows(text)
        if known:
            log.info("key of %s connects", self.name(text))
        else:
            self._tell(logging.WARNING, "an unknown key is refused: %s", text)
        return known

    def _take(self) -> str:
        self._keys = read_keys(self._path)
        return f"{len(self._keys)} keys"

    def knows(self, key: str) -> bool:
        """Whether the key was in the file when that was last read. In any thread."""
        return key in self._keys

    def name(self, key: str) -> str:
        """Whose key it is, as the file says, or its beginning."""
        return self._keys.get(key) or key[:8]

    def close(self) -> None:
        """Stop answering."""
        self._authenticator.stop()
