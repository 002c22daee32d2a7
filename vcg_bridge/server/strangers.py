"""Which connections are ended because of what they do not say: those without a hello, and those whose message never ends.

A policy without sockets: it is told what there is, and says what has to go.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from vcg_bridge.server.departures import Connection
from vcg_bridge.server.logs import Sparse
from vcg_bridge.server.rate import whom

log = logging.getLogger("vcg_bridge.server")

HELLO_S = 20.0
"""From the connection to its hello, handshakes included."""

LEAST = 64
"""Connections without a hello that are let be at once; where more clients than that may be connected, as many as those."""

UNFINISHED_BYTES = 1 << 20
"""That one message may take before it has ended. The largest that is answered at all is a quarter of it; and what a stranger may send."""

REASONS = ("no_hello", "crowd", "unfinished")
"""Why connections are ended."""


class Strangers:
    """Counts what it has ended."""

    def __init__(self, clients: int, received: Callable[[Connection], int]) -> None:
        """clients: that may be connected. received: bytes that came over a connection so far."""
        self.most, self._received = max(LEAST, clients), received
        self._tell = Sparse(log)
        self.number = 0
        """Connections without a session, when last looked at."""
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
            self._tell(logging.INFO, "%s: %d connections say no hello; it is ended", leaver.peer.address, self.most)
        return going

    def overdue(
        self, connections: Collection[Connection], sessions: Mapping[tuple[int, int], float], now: float
    ) -> list[Connection]:
        """Whose time is over, and who has sent too much without ending its message. To be asked a few times a second, and only when all that has
        arrived was read.
        """
        going: list[Connection] = []
        self.number = 0
        for connection in connections:
            if connection.leaving:
                continue
            heard = sessions.get(connection.peer[:2])
            if heard is not None:
                connection.since = now
                if heard != connection.heard:  # a message has ended since
                    connection.heard, connection.received = heard, self._received(connection)
                    continue
            else:
                self.number += 1
            if heard is None and now - connection.since > HELLO_S:
                self.ended["no_hello"] += 1
                self._tell(logging.INFO, "%s: no hello in %g s; it is ended", connection.peer.address, HELLO_S)
            elif (size := self._received(connection) - connection.received) > UNFINISHED_BYTES:
                self.ended["unfinished"] += 1
                log.warning("%s: %d bytes and no end of the message; it is ended", connection.peer.address, size)
            else:
                continue
            going.append(connection)
        return going
