"""The ZeroMQ side of a client: one DEALER at a time, and a monitor that says when its connection breaks.

libzmq's own reconnecting is off: a new connection needs a new hello, so the session decides. To a server behind TLS each
DEALER has a tunnel.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import zmq

from vcg_bridge.client.options import ClientOptions
from vcg_bridge.client.session import Session
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import AuthError, BadRequest, Disconnected

if TYPE_CHECKING:
    from vcg_bridge.client.tunnel import Tunnel

LINGER_MS = 200  # for the goodbye to leave
_TUNNEL_S = 3.0  # for the tunnels' threads at the end; they take milliseconds
_AT_A_TIME = 64  # messages taken before others have their turn

_BROKEN: dict[int, str] = {
    zmq.EVENT_CLOSED: "the connection was refused",
    zmq.EVENT_DISCONNECTED: "the connection was closed by the other side",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "something else than a VCG Bridge server listens there, or the keys are wrong or missing",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the server wants another kind of authentication (CURVE keys, or none)",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the server refused the keys",
}
_EVENTS: int = sum(_BROKEN)  # single bits


class Link:
    """Moves frames between a session and its socket. Never blocks."""

    def __init__(self, session: Session) -> None:
        """Raises ConfigError where the certificate to trust cannot be read."""
        self._session = session
        self._trust = None
        if session.options.tls is not None:
            from vcg_bridge.client.trust import Trust

            certificate = session.options.tls_certificate
            self._trust = Trust(Path(certificate) if certificate is not None else None)
        self._tunnel: Tunnel | None = None  # of the DEALER
        self._ending: list[Tunnel] = []  # of those before it
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: tuple[zmq.Socket[bytes], zmq.Socket[bytes]] | None = None  # DEALER, monitor

    @property
    def closed(self) -> bool:
        """close() was called."""
        return self._context.closed

    @property
    def sockets(self) -> tuple[zmq.Socket[bytes], ...]:
        """What to wait on for something to read; empty where there is no connection."""
        return self._sockets or ()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors of the sockets, for an event loop. They tell of a change once: look at `readable` first."""
        return tuple(int(socket.getsockopt(zmq.FD)) for socket in self.sockets)

    @property
    def readable(self) -> bool:
        """Something can be received now."""
        return any(int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN for socket in self.sockets)

    def keep(self, now: float) -> None:
        """Have a socket exactly when the session wants one, and send what it has to send."""
        if self.closed:
            raise Disconnected("the client was closed", hint="make a new one")
        session = self._session
        if session.state not in ("greeting", "ready"):
            self._drop()
        if session.state == "waiting" and now >= session.open_at:
            self._open()
            session.opened(now)
        self._flush(now)

    def receive(self) -> bool:
        """Hand what has arrived to the session. True where there may be more."""
        for number, frames in enumerate(self._arrived()):
            self._session.received(frames, time.monotonic())
            if number >= _AT_A_TIME:
                return True
        if self._sockets is not None and self._session.state in ("greeting", "ready"):
            try:  # a break counts after all that came before it
                kind, value = struct.unpack("=hi", self._sockets[1].recv_multipart(zmq.NOBLOCK)[0])
            except zmq.Again:
                return False
            if kind in _BROKEN:
                self._broken(kind)
            elif self._tunnel is not None:
                self._tunnel.admit(value)
            return True
        return False

    def close(self) -> None:
        """Send what is left and free everything."""
        if not self.closed:
            linger_ms = LINGER_MS if self._session.outgoing else 0
            self._flush(time.monotonic())
            self._drop(linger_ms)
            self._context.term()
            for tunnel in self._ending:
                tunnel.join(_TUNNEL_S)

    def _broken(self, kind: int) -> None:
        tunnel = self._tunnel
        if tunnel is not None and tunnel.error is not None:
            self._session.refuse(tunnel.error)
        else:
            self._session.lost((tunnel.fault if tunnel is not None else "") or _BROKEN[kind], time.monotonic())

    def _arrived(self) -> Iterator[list[bytes]]:
        while self._sockets is not None and self._session.state in ("greeting", "ready"):
            try:
                yield self._sockets[0].recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return

    def _flush(self, now: float) -> None:
        outgoing = self._session.outgoing
        while outgoing and self._sockets is not None:
            try:
                self._sockets[0].send_multipart(outgoing[0], zmq.NOBLOCK)
            except zmq.Again:  # a thousand messages are queued: the connection hangs
                self._session.lost("the server takes no more messages", now)
                return
            outgoing.popleft()

    def _open(self) -> None:
        options = self._session.options
        address, events = options.address, _EVENTS
        if self._trust is not None and options.tls is not None:
            from vcg_bridge.client.tunnel import Tunnel

            self._ending = [tunnel for tunnel in self._ending if not tunnel.ended]
            self._tunnel = Tunnel(*options.tls, self._trust)
            address = self._tunnel.address
            events = _EVENTS | zmq.EVENT_CONNECTED if self._tunnel.guarded else _EVENTS
        dealer = self._context.socket(zmq.DEALER)
        self._sockets = dealer, dealer.get_monitor_socket(events)
        _set_up(dealer, options)
        try:
            dealer.connect(address)
        except zmq.ZMQError as error:
            raise BadRequest(f"cannot connect to {options.address!r}: {error.strerror}") from error

    def _drop(self, linger_ms: int = 0) -> None:
        if self._sockets is not None:
            dealer, monitor = self._sockets
            self._sockets = None
            dealer.disable_monitor()
            monitor.close(0)
            dealer.close(linger_ms)
        if self._tunnel is not None:
            self._tunnel.stop()
            self._ending.append(self._tunnel)
            self._tunnel = None


def _set_up(dealer: zmq.Socket[bytes], options: ClientOptions) -> None:
    """The options of a client's DEALER, before it connects. Raises AuthError for keys that are none."""
    dealer.setsockopt(zmq.RECONNECT_IVL, -1)
    dealer.setsockopt(zmq.LINGER, 0)
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
