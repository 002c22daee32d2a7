"""Who is connected, and what the server knows of each."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from vcg_bridge.contract.errors import BusyError, IdConflict
from vcg_bridge.contract.messages import Hello
from vcg_bridge.server.departures import Peer
from vcg_bridge.server.jobs import Job
from vcg_bridge.server.rate import Bounds


@dataclass(eq=False)
class Session:
    """One client that has said hello."""

    route: bytes  # its ZeroMQ identity: made by our socket, new for each connection
    label: str  # for the log
    name: str  # hello.session; "" none
    codecs: tuple[str, ...]  # that both sides know, the client's order
    heard: float  # s; when it last sent anything
    bounds: Bounds
    peer: Peer = field(default_factory=Peer)
    jobs: dict[str, Job] = field(default_factory=dict)  # unfinished, by their id
    known: OrderedDict[str, bytes] = field(default_factory=OrderedDict)  # id -> key of its request, latest last
    backlog: deque[list[bytes]] = field(default_factory=deque)  # answers that its connection does not take yet
    backlog_bytes: int = 0

    def check_id(self, job_id: str, key: bytes) -> None:
        """Raise IdConflict where the id stands for another request."""
        if self.known.get(job_id, key) != key:
            state = "is in use" if job_id in self.jobs else "was used lately"
            raise IdConflict(f"the id {job_id!r} {state} for another request", hint="use a new id for each request")

    def remember(self, job_id: str, key: bytes, most: int) -> None:
        """Note what an id stands for."""
        self.known[job_id] = key
        self.known.move_to_end(job_id)
        while len(self.known) > most:
            self.known.popitem(last=False)

    def finished(self) -> OrderedDict[str, bytes]:
        """What is known of ids whose jobs are over."""
        return OrderedDict((i, key) for i, key in self.known.items() if i not in self.jobs)


class Sessions:
    """All of them, by connection and by name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_route: dict[bytes, Session] = {}
        self._by_name: dict[str, Session] = {}
        self._counter = 0

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._by_route.values()))

    def __len__(self) -> int:
        return len(self._by_route)

    def at(self, route: bytes) -> Session | None:
        """The session of a connection."""
        return self._by_route.get(route)

    def earlier(self, route: bytes, name: str) -> list[Session]:
        """What a hello replaces: the session of the same connection, and the one of the same name."""
        found = [self._by_route.get(route), self._by_name.get(name) if name else None]
        return list(dict.fromkeys(s for s in found if s is not None))

    def open(self, route: bytes, hello: Hello, codecs: tuple[str, ...], bounds: Bounds, now: float) -> Session:
        """A new session. The earlier ones must be closed. Raises BusyError where there are too many."""
        if len(self._by_route) >= self._most:
            raise BusyError(
                f"{len(self._by_route)} clients are connected, as many as this server takes",
                hint="try again later, or start a server of your own at another port",
                retry_after_ms=5000,
            )
        self._counter += 1
        session = Session(route, f"c{self._counter}", hello.session, codecs, now, bounds)
        self._by_route[route] = session
        if hello.session:
            self._by_name[hello.session] = session
        return session

    def close(self, session: Session) -> None:
        """Forget a session. Its jobs are the caller's business."""
        if self._by_route.get(session.route) is session:
            del self._by_route[session.route]
        if self._by_name.get(session.name) is session:
            del self._by_name[session.name]
