"""Which connections are ended because of what they say or do not: without a hello, without an end of a message, without measure.

A policy without sockets: it is told what there is, and says what has to go.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Mapping

from vcg_bridge.server.departures import ROUTES, Connection, Peer
from vcg_bridge.server.logs import Sparse
from vcg_bridge.server.rate import Bucket, whom

log = logging.getLogger("vcg_bridge.server")

HELLO_S = 20.0
"""From the connection to its hello, handshakes included."""

LEAST = 64
"""Connections without a hello that are let be at once; where more clients than that may be connected, as many as those."""

STRANGER_BYTES = 96 << 10
"""That a connection may send before its hello, handshakes included: one request of any size."""

UNFINISHED_BYTES = 1 << 20
"""That one message of a client may take before it has ended. The largest that is answered at all is a quarter of it."""

WAITING_BYTES = 1 << 21
"""That a client may send faster than it is read: ten thousand requests at once are a half to two thirds of it."""

TALK_PER_S, TALK_BURST = 20.0, 512
"""Units (`rate.units`) that a connection may send before its hello is taken, in the long run and at once."""

SETTLED_S = 2.0
"""After that nothing is left of who had a connection's descriptor before."""

REASONS = ("no_hello", "crowd", "unfinished", "flood")
"""Why connections are ended."""


class Strangers:
    """Counts what it has ended."""

    def __init__(self, clients: int, received: Callable[[Connection], int]) -> None:
        """clients: that may be connected. received: bytes that came over a connection so far."""
        self.most, self._received = max(LEAST, clients), received
        self._tell = {why: Sparse(log) for why in REASONS}
        self.number = 0
        """Connections without a session, when last looked at."""
        self._talk: OrderedDict[bytes, Bucket] = OrderedDict()  # by route
        self._muted: OrderedDict[bytes, Peer] = OrderedDict()  # by route
        self.ended: Counter[str] = Counter()
        """Why -> how many, since the start."""

    def crowd(self, connections: Collection[Connection], sessions: Mapping[tuple[int, int], float]) -> list[Connection]:
        """Whom there is no room for: of the address that has most strangers the oldest, until there is. Cheap while there is room.

        sessions: descriptor and use of those that have one -> when it last sent anything.
        """
        if len(connections) - len(sessions) <= self.most:
            return []
        strangers = sorted(
            (c for c in connections if not c.leaving and c.peer[:2] not in sessions), key=lambda c: c.since
        )
        crowds = Counter(whom(c.peer.address) for c in strangers)
        going: list[Connection] = []
        for _ in range(len(strangers) - self.most):
            worst, _ = max(crowds.items(), key=lambda item: item[1])
            crowds[worst] -= 1
            leaver = next(c for c in strangers if whom(c.peer.address) == worst)
            strangers.remove(leaver)
            going.append(leaver)
        self.ended["crowd"] += len(going)
        for leaver in going:
            self._tell["crowd"](
                logging.INFO, "%s: %d connections say no hello; it is ended", leaver.peer.address, self.most
            )
        return going

    def floods(self, route: bytes, peer: Peer, cost: int, now: float, session: Bucket | None) -> bool:
        """Whether a message is more than its sender may send. Then it is not dealt with, nor is anything else that comes from there.

        cost: in units. session: what its session may send.
        """
        talk = session or self._talk.get(route)
        if talk is None:
            talk = self._talk[route] = Bucket(TALK_PER_S, TALK_BURST, now)
            if len(self._talk) > ROUTES:
                self._talk.popitem(last=False)
        if talk.spend(cost, now):
            return False
        self._muted[route] = peer
        if len(self._muted) > ROUTES:
            self._muted.popitem(last=False)
        return True

    def muted(self, route: bytes) -> Peer | None:
        """Who sends there, if it has sent too much."""
        return self._muted.get(route)

    def ends(self, connection: Connection, now: float) -> bool:
        """Whether a connection has to go over which too much comes. A new one has not: it may have the descriptor of the one that sent it, of
        which something was still to be read.
        """
        if connection.leaving or now - connection.opened < SETTLED_S:
            return False
        self.ended["flood"] += 1
        self._tell["flood"](logging.WARNING, "%s: too many or too large messages; it is ended", connection.peer.address)
        return True

    def overdue(
        self, connections: Collection[Connection], sessions: Mapping[tuple[int, int], float], now: float, *, idle: bool
    ) -> list[Connection]:
        """Whose time is over, and who has sent too much that is no whole message yet or waits to be read. To be asked a few times a second.

        idle: all that had arrived was read.
        """
        going: list[Connection] = []
        self.number = 0
        for connection in connections:
            if connection.leaving:
                continue
            heard = sessions.get(connection.peer[:2])
            if heard is not None:
                connection.since = now
                if heard != connection.heard and idle:  # a message has ended since
                    connection.heard, connection.received, connection.taken = heard, self._received(connection), 0
                    continue
            else:
                self.number += 1
            if heard is None:
                waits, most = self._received(connection) - connection.received, STRANGER_BYTES
            else:
                waits = self._received(connection) - connection.received - connection.taken
                most = UNFINISHED_BYTES if idle else WAITING_BYTES
            if heard is None and now - connection.since > HELLO_S:
                self.ended["no_hello"] += 1
                self._tell["no_hello"](
                    logging.INFO, "%s: no hello in %g s; it is ended", connection.peer.address, HELLO_S
                )
            elif waits > most:
                self.ended["unfinished"] += 1
                where = connection.peer.address
                self._tell["unfinished"](
                    logging.WARNING, "%s: %d bytes that are not read yet, or no message; it is ended", where, waits
                )
            else:
                continue
            going.append(connection)
        return going
