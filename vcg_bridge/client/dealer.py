"""One connection: a DEALER, the monitor that says when it breaks, and to a server behind TLS the tunnel that it leads through."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from vcg_bridge.client.options import ClientOptions
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import AuthError, BadRequest, VcgError

if TYPE_CHECKING:
    from vcg_bridge.client.trust import Trust

MESSAGES = 0
"""That libzmq reads ahead of us: without limit, it is credit that says how much may be under way. At a limit it stops reading, and libzmq 4.3.5 ends
the process (an assertion) where the connection breaks off meanwhile and a ping of ZMTP is left of it.
"""

_BROKEN: dict[int, str] = {
    zmq.EVENT_CLOSED: "the connection was refused",
    zmq.EVENT_DISCONNECTED: "the connection was closed by the other side",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "something else than a VCG Bridge server listens there, or the keys are wrong or missing",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the server wants another kind of authentication (CURVE keys, or none)",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the server refused the keys",
}
_EVENTS: int = sum(_BROKEN)  # single bits


@dataclass(frozen=True)
class Break:
    """A connection has ended, or there was none."""

    reason: str  # for people
    final: VcgError | None = None  # where trying again is of no use


def trust_of(options: ClientOptions) -> Trust | None:
    """How the certificate of a tls:// server is judged. Raises ConfigError where the one to trust cannot be read."""
    if options.tls is None:
        return None
    from vcg_bridge.client.trust import Trust

    return Trust(Path(options.tls_certificate) if options.tls_certificate is not None else None)


class Dealer:
    """From its first moment on the way to the server, and never connected again: whoever wants that makes a new one."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        options: ClientOptions,
        trust: Trust | None,
        messages: int = MESSAGES,
    ) -> None:
        """trust: of these options. messages: that libzmq reads ahead; 0: without limit. Raises BadRequest, AuthError."""
        self.socket: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self._tunnel = None
        address, events = options.address, _EVENTS
        if trust is not None and options.tls is not None:
            from vcg_bridge.client.tunnel import Tunnel

            self._tunnel = Tunnel(*options.tls, trust)
            address = self._tunnel.address
            events = _EVENTS | zmq.EVENT_CONNECTED if self._tunnel.guarded else _EVENTS
        self.monitor: zmq.Socket[bytes] = self.socket.get_monitor_socket(events)
        try:
            _set_up(self.socket, options, messages)
            self.socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise BadRequest(f"cannot connect to {options.address!r}: {error.strerror}") from error
        except VcgError:
            self.close()
            raise

    def event(self) -> Break | None:
        """Take the next event of the monitor; None where it is no end. Raises zmq.Again where there is none.

        An end counts after all that came before it: read the socket first.
        """
        kind, value = struct.unpack("=hi", self.monitor.recv_multipart(zmq.NOBLOCK)[0])
        tunnel = self._tunnel
        if kind in _BROKEN:
            return Break((tunnel.fault if tunnel else "") or _BROKEN[kind], tunnel.error if tunnel else None)
        if tunnel is not None:
            tunnel.admit(value)
        return None

    def close(self, linger_ms: int = 0) -> None:
        """End it. linger_ms: for what is still to be sent."""
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(linger_ms)
        if self._tunnel is not None:
            self._tunnel.stop()

    @property
    def ended(self) -> bool:
        """Closed, and no thread of it is left."""
        return self.socket.closed and (self._tunnel is None or self._tunnel.ended)

    def join(self, timeout_s: float) -> None:
        """After `close`: wait for its thread."""
        if self._tunnel is not None:
            self._tunnel.join(timeout_s)


def _set_up(dealer: zmq.Socket[bytes], options: ClientOptions, messages: int) -> None:
    """The options of a client's DEALER, before it connects. Raises AuthError for keys that are none."""
    dealer.setsockopt(zmq.RECONNECT_IVL, -1)
    dealer.setsockopt(zmq.LINGER, 0)
    dealer.setsockopt(zmq.RCVHWM, messages)
    dealer.setsockopt(zmq.MAXMSGSIZE, v.MAX_BLOB_BYTES)  # libzmq drops a peer that sends a larger frame
    dealer.setsockopt(zmq.HEARTBEAT_IVL, options.ping_ms)  # libzmq's thread answers for us while our caller is busy
    dealer.setsockopt(zmq.HEARTBEAT_TIMEOUT, options.dead_ms)
    dealer.setsockopt(zmq.IPV6, 1)
    if options.curve is not None:
        keys = options.curve
        try:
            dealer.setsockopt(zmq.CURVE_SERVERKEY, keys.server.encode())
            dealer.setsockopt(zmq.CURVE_PUBLICKEY, keys.public.encode())
            dealer.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode())
        except (zmq.ZMQError, ValueError) as error:
            raise AuthError(f"a CURVE key is not valid: {error}", hint="keys are 40 characters of Z85") from error
