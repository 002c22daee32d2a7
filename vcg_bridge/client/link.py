"""The ZeroMQ side of a client: one DEALER at a time.

libzmq's own reconnecting is off: a new connection needs a new hello, so the session decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import zmq

from vcg_bridge.client.dealer import Dealer, trust_of
from vcg_bridge.client.session import Session
from vcg_bridge.contract.errors import Disconnected

LINGER_MS = 200  # for the goodbye to leave
_TUNNEL_S = 3.0  # for the tunnels' threads at the end; they take milliseconds
_AT_A_TIME = 64  # messages taken before others have their turn


class Link:
    """Moves frames between a session and its socket. Never blocks."""

    def __init__(self, session: Session) -> None:
        """Raises ConfigError where the certificate to trust cannot be read."""
        self._session = session
        self._trust = trust_of(session.options)
        self._dealer: Dealer | None = None
        self._ending: list[Dealer] = []  # those before it
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    @property
    def closed(self) -> bool:
        """close() was called."""
        return self._context.closed

    @property
    def sockets(self) -> tuple[zmq.Socket[bytes], ...]:
        """What to wait on for something to read; empty where there is no connection."""
        return (self._dealer.socket, self._dealer.monitor) if self._dealer is not None else ()

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
        return self._hear()

    def close(self) -> None:
        """Send what is left and free everything."""
        if not self.closed:
            linger_ms = LINGER_MS if self._session.outgoing else 0
            self._flush(time.monotonic())
            self._drop(linger_ms)
            self._context.term()
            for dealer in self._ending:
                dealer.join(_TUNNEL_S)

    def _hear(self) -> bool:
        """Do what the next event of the connection asks for. False where there is none."""
        if self._dealer is None or self._session.state not in ("greeting", "ready"):
            return False
        try:
            end = self._dealer.event()
        except zmq.Again:
            return False
        if end is not None and end.final is not None:
            self._session.refuse(end.final)
        elif end is not None:
            self._session.lost(end.reason, time.monotonic())
        return True

    def _arrived(self) -> Iterator[list[bytes]]:
        while self._dealer is not None and self._session.state in ("greeting", "ready"):
            try:
                yield self._dealer.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return

    def _flush(self, now: float) -> None:
        outgoing = self._session.outgoing
        while outgoing and self._dealer is not None:
            try:
                self._dealer.socket.send_multipart(outgoing[0], zmq.NOBLOCK)
            except zmq.Again:  # the connection is gone, and what ended it waits to be heard; or it hangs: a thousand messages are queued
                while self._hear():
                    pass
                self._session.lost("the server takes no more messages", now)
                return
            outgoing.popleft()

    def _open(self) -> None:
        self._ending = [dealer for dealer in self._ending if not dealer.ended]
        self._dealer = Dealer(self._context, self._session.options, self._trust)

    def _drop(self, linger_ms: int = 0) -> None:
        if self._dealer is not None:
            self._dealer.close(linger_ms)
            self._ending.append(self._dealer)
            self._dealer = None
