"""Who may connect: what may be bound without authentication, the token of `hello`, and who guesses it."""

from __future__ import annotations

import errno
import hashlib
import hmac
import ipaddress
import logging
import socket
from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import zmq

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import AddressError, AuthError, BusyError, ConfigError
from vcg_bridge.server.logs import Sparse
from vcg_bridge.server.rate import Bucket, whom

log = logging.getLogger("vcg_bridge.server")

LEAST_TOKEN = 16
"""Characters of a token that guards an address beyond loopback."""

GUESSES = 20
"""Wrong tokens of one address that are told so at once."""

GUESS_S = 3.0
"""For one more. Beyond that every hello of the address has to wait, also one with the right token: an answer would tell it from a wrong one."""

ADDRESSES = 4096
"""Of which wrong tokens are remembered, the latest."""


class Endpoint(NamedTuple):
    """Where a server listens."""

    host: str  # name or address; "*" every interface
    port: int  # 0: the system chooses

    @property
    def url(self) -> str:
        """As ZeroMQ binds it."""
        return f"tcp://{self.host}:{self.port or '*'}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


def parse_address(address: str, scheme: str = "tcp") -> Endpoint:
    """SCHEME://HOST:PORT; port 0 or *: any free one. Raises ConfigError."""
    example = f"for example {scheme}://{v.DEFAULT_HOST}:{v.DEFAULT_PORT}"
    found, slashes, rest = address.partition("://")
    host, colon, port = rest.rpartition(":")
    if found != scheme or not slashes or not colon or not host or any(c in host for c in "/;@ "):
        raise ConfigError(f"{address!r} is no address to listen at", hint=example)
    if port == "*":
        return Endpoint(host, 0)
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"{address!r}: {port!r} is no port", hint=f"0 to 65535, {example}")
    return Endpoint(host, int(port))


def check_address(address: str, token: str, scheme: str = "tcp") -> Endpoint:
    """The endpoint, if it is safe to listen there. Raises ConfigError: beyond loopback a token is needed."""
    endpoint = parse_address(address, scheme)
    if endpoint.loopback:
        return endpoint
    if not token:
        raise ConfigError(
            f"{address} can be reached from other machines, and this server asks nobody who they are",
            hint=f"listen at {scheme}://127.0.0.1:{endpoint.port}, or set a token (VCG_TOKEN) that clients must show",
        )
    if len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"{address} can be reached from other machines, and the token has only {len(token)} characters",
            hint=f"use {LEAST_TOKEN} or more, for example of: python -c 'import secrets; print(secrets.token_hex(16))'",
        )
    return endpoint


def token_in(path: Path) -> str:
    """The token in a file. Raises ConfigError where it cannot be read or is empty."""
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"--token-file {path}: cannot be read: {reason}") from None
    if not token:
        raise ConfigError(f"--token-file {path}: the file is empty", hint="it must hold the token and nothing else")
    return token


def check_token(wanted: str, given: str) -> None:
    """Raise AuthError unless `given` is the token. Takes as long for a near miss as for a far one."""
    if not wanted:
        return
    if not given:
        raise AuthError("this server asks for a token", hint="give the one it was started with (VCG_TOKEN)")
    digests = [hashlib.sha256(x.encode("utf-8", "replace")).digest() for x in (wanted, given)]
    if not hmac.compare_digest(*digests):
        raise AuthError("the token is wrong", hint="use the one the server was started with (VCG_TOKEN)")


class Guesses:
    """The wrong tokens of each address. Who shares it with a guesser has to wait with them; who is connected is not asked again."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()  # the latest last
        self._waiting: dict[str, int] = {}  # hellos turned away since the bucket was empty
        self._tell, self._tell_wait, self._tell_end = (
            Sparse(log),
            Sparse(log),
            Sparse(log),
        )  # there may be many addresses
        self.refused = 0
        """Wrong tokens since the start."""

    def check(self, address: str, now: float) -> None:
        """Raises BusyError where the address has guessed too often lately."""
        source = whom(address)
        bucket = self._buckets.get(source)
        wait_ms = bucket.wait_ms(now) if bucket is not None else 0
        if not wait_ms:
            return
        if source not in self._waiting:
            self._tell_wait(
                logging.WARNING, "%s: %d wrong tokens or more; its hellos have to wait", source or "somebody", GUESSES
            )
        self._waiting[source] = self._waiting.get(source, 0) + 1
        raise BusyError(
            "too many wrong tokens came from your address",
            hint="stop the program that sends them, then wait a little",
            retry_after_ms=wait_ms,
        )

    def wrong(self, address: str, now: float) -> None:
        """A wrong token came, after `check`."""
        source = whom(address)
        self.refused += 1
        bucket = self._buckets.get(source)
        if bucket is None:
            bucket = self._buckets[source] = Bucket(1 / GUESS_S, GUESSES, now)
            self._tell(logging.WARNING, "%s: a wrong token", source or "somebody")
            if len(self._buckets) > ADDRESSES:
                self._waiting.pop(self._buckets.popitem(last=False)[0], None)
        self._buckets.move_to_end(source)
        bucket.take(now)

    def look(self, now: float) -> None:
        """Forget who has been quiet for as long as a full burst takes."""
        for source, bucket in tuple(self._buckets.items()):
            if not bucket.full(now):
                continue
            del self._buckets[source]
            turned_away = self._waiting.pop(source, 0)
            if turned_away:
                words = "%s: no wrong tokens any more; %d hellos had to wait"
                self._tell_end(logging.WARNING, words, source or "somebody", turned_away)


def address_error(endpoint: Endpoint, error: OSError | zmq.ZMQError, option: str = "") -> AddressError:
    """Why it cannot be listened at. option: what the user gave it with, where that is not plain."""
    where, begin = f"{endpoint.host}:{endpoint.port}", f"{option}: " if option else ""
    if error.errno == errno.EADDRINUSE:
        return AddressError(
            f"{begin}port {endpoint.port} of {endpoint.host} is taken: another program, perhaps another `vcg serve`, listens there",
            hint=f"use that server, stop it, or choose another port, for example {endpoint.port + 1}",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return AddressError(
            f"{begin}no permission to listen at {where}", hint="ports below 1024 are reserved; choose a higher one"
        )
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV, errno.EINVAL):
        return AddressError(
            f"{begin}this machine has no address {endpoint.host!r}", hint="use 127.0.0.1 for this machine alone"
        )
    return AddressError(f"{begin}cannot listen at {where}: {error.strerror or error}", hint="choose another address")
