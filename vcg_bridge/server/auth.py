"""Who may connect: what may be bound without authentication, and the token of `hello`."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import NamedTuple

from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import AuthError, ConfigError

LEAST_TOKEN = 16
"""Characters of a token that guards an address beyond loopback."""


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


def check_token(wanted: str, given: str) -> None:
    """Raise AuthError unless `given` is the token. Takes as long for a near miss as for a far one."""
    if not wanted:
        return
    if not given:
        raise AuthError("this server asks for a token", hint="give the one it was started with (VCG_TOKEN)")
    digests = [hashlib.sha256(x.encode("utf-8", "replace")).digest() for x in (wanted, given)]
    if not hmac.compare_digest(*digests):
        raise AuthError("the token is wrong", hint="use the one the server was started with (VCG_TOKEN)")
