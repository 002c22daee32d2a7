"""The ZeroMQ side of a client: one DEALER at a time, and a monitor that says when its connection breaks.

libzmq's own reconnecting is off: a new connection needs a new hello, so the session decides.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import zmq

from vcg_bridge.client.options import ClientOptions
from vcg_bridge.client.session import Session
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import AuthError, BadRequest, Disconnected

LINGER_MS = 200  # for the goodbye to leave
_AT_A_TIME = 64  # messages taken before others have their turn

_BROKEN = {
    zmq.EVENT_CLOSED: "the connection was refused",
    zmq.EVENT_DISCONNECTED: "the connection was closed by the other side",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "something else than a VCG Bridge server listens there, or the keys are wrong or missing",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "the server wants another kind of authentication (CURVE keys, or none)",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "the server refused the keys",
}
_EVENTS = sum(_BROKEN)  # single bits


class Link:
    """Moves frames between a session and its socket. Never blocks."""

    def __init__(self, session: Session) -> None:
        self._session = session
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
                kind, _ = struct.unpack("=hi", self._sockets[1].recv_multipart(zmq.NOBLOCK)[0])
            except zmq.Again:
                return False
            if kind in _BROKEN:
                self._session.lost(_BROKEN[kind], time.monotonic())
            return True
        return False

    def close(self) -> None:
        """Send what is left and free everything."""
        if not self.closed:
            self._flush(time.monotonic())
            self._drop(LINGER_MS)
            self._context.term()

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
        dealer = self._context.socket(zmq.DEALER)
        self._sockets = dealer, dealer.get_monitor_socket(_EVENTS)
        _set_up(dealer, options)
        try:
            dealer.connect(options.address)
        except zmq.ZMQError as error:
            raise BadRequest(f"cannot connect to {options.address!r}: {error.strerror}") from error

    def _drop(self, linger_ms: int = 0) -> None:
        if self._sockets is not None:
            dealer, monitor = self._sockets
            self._sockets = None
            dealer.disable_monitor()
            monitor.close(0)
            dealer.close(linger_ms)


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
