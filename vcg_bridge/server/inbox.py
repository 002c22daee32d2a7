"""The receiving side of the ROUTER: its messages, whom they come from, and which connections have to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ParamSpec

import zmq

from vcg_bridge.server.departures import Departures, Peer
from vcg_bridge.server.frames import FRAMES, wire_bytes
from vcg_bridge.server.known_clients import KnownClients
from vcg_bridge.server.memory import give_back
from vcg_bridge.server.rate import units
from vcg_bridge.server.service import Service
from vcg_bridge.server.strangers import Strangers

P = ParamSpec("P")

log = logging.getLogger("vcg_bridge.server")

TURN, TURN_S = 64, 0.005
"""Messages that are read before anything else is looked at, and seconds after which no other is. libzmq itself looks only after a hundred whether
somebody else has sent something too.
"""

BUSY_LOOK_S = 0.02
"""How often it is looked how much has come over each connection, where there is always more to read: libzmq takes in what it gets."""

BEHIND_S = 0.1
"""There was something to read for so long: a front waits until there is nothing."""

FLOOD_S = 2.0
"""There was something to read for so long: much memory is free now, which libzmq had taken for what waited."""


def guarded(act: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Whatever one message or event brings about, it does not end the server."""
    try:
        act(*args, **kwargs)
    except Exception:
        log.exception("a fault of the server; it goes on")


class Inbox:
    """Owned by the server's thread, but for `behind`."""

    def __init__(
        self,
        router: zmq.Socket[bytes],
        departures: Departures,
        strangers: Strangers,
        known: Callable[[], KnownClients | None],
    ) -> None:
        """known: whose keys may be connected; None: keys are not asked for."""
        self._router, self._departures, self._strangers, self._known = router, departures, strangers, known
        self._looked = time.monotonic()
        self._busy: float | None = None  # s; since when there has always been something to read

    def behind(self) -> bool:
        """Whether messages come faster than they are read."""
        busy = self._busy
        return busy is not None and time.monotonic() - busy > BEHIND_S

    def read(self, service: Service) -> None:
        """Read and deal with messages for a moment."""
        until = time.monotonic() + TURN_S
        for _ in range(TURN):
            try:
                route = self._router.recv(zmq.NOBLOCK)
            except zmq.Again:
                self.idle()
                return
            if self._departures.left(route):
                guarded(self._discard)
            elif (peer := self._strangers.muted(route)) is not None:
                guarded(self._skip, peer)
            else:
                guarded(self._message, service, route)
            if (now := time.monotonic()) > until:
                break
        self._busy = self._busy or now
        if now - self._looked > BUSY_LOOK_S:
            guarded(self.end_overdue, service, now)

    def idle(self) -> None:
        """There is nothing to read."""
        if self._busy is not None and time.monotonic() - self._busy > FLOOD_S:
            give_back()
        self._busy = None

    def _message(self, service: Service, route: bytes) -> None:
        """The message behind a name. Of one with many frames only the first are kept: libzmq has no limit on them."""
        router = self._router
        first = router.recv(zmq.NOBLOCK, copy=False)
        frames, size, count, taken = [first.bytes], len(first), 1, wire_bytes(len(first))
        while router.getsockopt(zmq.RCVMORE):
            frame = router.recv(zmq.NOBLOCK)
            size, count, taken = size + len(frame), count + 1, taken + wire_bytes(len(frame))
            if count <= FRAMES:
                frames.append(frame)
        session = service.session(route)
        if session is None:
            guarded(self.take_leave, service)  # of whoever had this connection's descriptor before
        peer = self._departures.peer(route, first) if session is None else session.peer
        if self._departures.left(route):
            return
        connection = self._departures.at(peer)
        cost = units(count, size)
        if connection is not None:
            connection.taken += taken
            if connection.carried is not None:
                connection.carried.taken += cost
        talk = None if session is None else session.bounds.talk
        if not self._strangers.floods(route, peer, cost, time.monotonic(), talk):
            service.receive(route, frames + [b""] * (count - len(frames)), peer)

    def _skip(self, peer: Peer) -> None:
        """What comes from somebody who has sent too much is not looked at, until it is ended."""
        self._discard()
        connection = self._departures.at(peer)
        if connection is not None and connection.carried is not None:
            connection.carried.taken += 1
        if connection is not None and self._strangers.ends(connection, time.monotonic()):
            self._departures.cut(connection)

    def _discard(self) -> None:
        """The rest of a message whose name was read. Nobody waits for an answer: so what a flood leaves behind costs little."""
        self._router.recv(zmq.NOBLOCK)
        while self._router.getsockopt(zmq.RCVMORE):
            self._router.recv(zmq.NOBLOCK)

    def take_leave(self, service: Service) -> None:
        """Of connections that have ended, and of strangers for whom there is no room."""
        departures = self._departures
        for descriptor, use in departures.read():
            guarded(service.gone, descriptor, use)
        for connection in self._strangers.crowd(departures.open.values(), service.heard):
            departures.cut(connection)

    def end_overdue(self, service: Service, now: float) -> None:
        """End connections that say no hello, do not end their message, send faster than is read, or whose key is known no more."""
        self.take_leave(service)
        self._looked, empty = now, not self._router.poll(0)
        for connection in self._strangers.overdue(self._departures.open.values(), service.heard, now, idle=empty):
            self._departures.cut(connection)
        known = self._known()
        if known is None:
            return
        for connection in tuple(self._departures.open.values()):
            if connection.key and not connection.leaving and not known.knows(connection.key):
                log.warning("a key is known no more; the connection of %.8s is ended", connection.key)
                self._departures.cut(connection)
