"""What the server does with each message, event and moment. Owned by the server's thread; it never waits."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import vcg_bridge
from vcg_bridge.contract import codec, messages
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.blobs import available_codecs
from vcg_bridge.contract.errors import (
    AuthError,
    BadRequest,
    HelloRequired,
    ProtocolError,
    ShuttingDown,
    VcgError,
    VersionMismatch,
    near,
)
from vcg_bridge.contract.messages import (
    Bye,
    Cancel,
    Cancelled,
    Credit,
    Describe,
    Generate,
    Hello,
    Message,
    Ping,
    Pong,
    Request,
    Welcome,
)
from vcg_bridge.server.auth import Guesses, check_token
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.crew import Crew
from vcg_bridge.server.departures import Peer
from vcg_bridge.server.endings import fault
from vcg_bridge.server.floor import Floor
from vcg_bridge.server.jobs import plan_of
from vcg_bridge.server.logs import Sparse
from vcg_bridge.server.mail import Mail
from vcg_bridge.server.metrics import Metrics
from vcg_bridge.server.rate import Bounds
from vcg_bridge.server.routes import is_ours
from vcg_bridge.server.sessions import Session, Sessions
from vcg_bridge.server.shelf import Shelf
from vcg_bridge.server.studio import Studio, usable_codecs
from vcg_bridge.server.trace import Trace
from vcg_bridge.server.worker import Event, Lost, Stage

log = logging.getLogger("vcg_bridge.server")

VERSIONS = 4096
"""Jobs of which it is remembered with which version of their bundle they began."""

CONNECTIONS = 4096
"""Whose bounds are remembered, and whose malformed messages are counted: more than can be open."""

STRIKES = 100
"""Malformed messages from one connection, with nothing right in between, that are answered."""


class Service:
    """Sessions and their jobs."""

    def __init__(
        self,
        config: ServerConfig,
        shelf: Shelf,
        mail: Mail,
        crew: Crew,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
        trace: Trace | None = None,
    ) -> None:
        """crew: those who draw."""
        self._config, self._shelf, self._mail, self._clock = config, shelf, mail, clock
        self._sessions = Sessions(config.clients)
        self._metrics = metrics or Metrics()
        self._floor = Floor(config, lambda sha256: shelf.get(sha256).manifest, mail, crew, clock, self._metrics, trace)
        self.token = config.token
        """That clients must show from now on."""
        self.guesses = Guesses()
        self._tell_of_stranger, self._tell_of_garbage = Sparse(log), Sparse(log)
        self._strikes: dict[bytes, int] = {}
        self._descriptions: dict[str, tuple[bytes, bytes]] = {}  # by version: what is before and behind the id
        self._versions: OrderedDict[tuple[str, str], str] = (
            OrderedDict()
        )  # session and job -> the version it began with
        self._bounds: OrderedDict[bytes, Bounds] = (
            OrderedDict()
        )  # of each connection that has said hello, and of some that had
        self._leaving = False  # no new jobs: the server goes down

    @property
    def unfinished(self) -> int:
        """Number of jobs."""
        return len(self._floor)

    @property
    def clients(self) -> int:
        """Number of sessions."""
        return len(self._sessions)

    @property
    def leaving(self) -> bool:
        """Whether it takes no more jobs."""
        return self._leaving

    @property
    def held_bytes(self) -> int:
        """Drawn but not sent, of all jobs."""
        return self._floor.held_bytes

    # what comes in

    @property
    def heard(self) -> dict[tuple[int, int], float]:
        """Of each connection with a session, by descriptor and use: when it last sent anything."""
        return {session.peer[:2]: session.heard for session in self._sessions}

    def session(self, route: bytes) -> Session | None:
        """The session of a connection."""
        return self._sessions.at(route)

    def gone(self, descriptor: int, use: int) -> None:
        """A connection has ended: whatever was done for it stops."""
        for session in self._sessions:
            if session.peer[:2] == (descriptor, use):
                self._drop(session, "has gone")

    def receive(self, route: bytes, frames: Sequence[bytes], peer: Peer = Peer()) -> None:  # noqa: B008
        """Deal with one message. peer: who sent it, where the route has no session."""
        if self._strikes.get(route, 0) >= STRIKES:
            return
        session = self._sessions.at(route)
        table: dict[str, codec.Wire] = {}
        try:
            if not is_ours(route):  # nobody can pose as another's connection
                raise ProtocolError("this connection has a ZeroMQ identity of its own", hint="leave it empty")
            table, _ = codec.unpack(frames, codec.REQUEST)
            request = messages.request_from_wire(table)
        except VcgError as error:
            self._refuse(route, session, messages.id_in(table), error)
            return
        self._strikes.pop(route, None)
        self._metrics.requests.labels(type(request).__name__.lower()).inc()
        try:
            if isinstance(request, Hello):
                self._hello(route, request, session.peer if session is not None else peer)
            elif session is None:
                raise HelloRequired("this server does not know you (any more)", hint="say hello first")
            else:
                session.heard = self._clock()
                self._serve(session, request)
        except VcgError as error:
            self._tell(route, session, error, getattr(request, "id", ""))
        except Exception as error:
            name = getattr(request, "id", "")
            self._tell(route, session, fault(error, f"a request of {_label(session)}", _about(session, name)), name)

    def _refuse(self, route: bytes, session: Session | None, request_id: str, error: VcgError) -> None:
        """Answer what is no request. Whoever sends nothing else is not answered for ever."""
        if isinstance(error, ProtocolError):
            if len(self._strikes) >= CONNECTIONS:  # connections that are long gone
                self._strikes.clear()
            self._strikes[route] = self._strikes.get(route, 0) + 1
            if self._strikes[route] == STRIKES:
                words = "%s sends nothing but malformed messages; it is not answered any more"
                self._tell_of_garbage(logging.WARNING, words, _label(session))
        if session is not None:
            session.heard = self._clock()
        self._tell(route, session, error, request_id)

    def _tell(self, route: bytes, session: Session | None, error: VcgError, request_id: str) -> None:
        tell = log.log if session is not None else self._tell_of_stranger
        tell(
            logging.INFO, "%s %r refused: [%s] %s", _label(session), request_id, error.code, error.message,
            extra=_about(session, request_id),
        )  # fmt: skip
        self._metrics.errors.labels(error.code).inc()
        self._answer(route, session, messages.error_message(error, request_id))

    def _answer(self, route: bytes, session: Session | None, message: Message) -> None:
        frames = messages.encode(message)
        if session is None:
            self._mail.stranger(route, frames)
        else:
            self._mail.answer(session, frames)

    def _send(self, session: Session, message: Message) -> None:
        self._mail.answer(session, messages.encode(message))

    # requests

    def _serve(self, session: Session, request: Request) -> None:
        match request:
            case Generate():
                self._generate(session, request)
            case Credit():
                self._credit(session, request)
            case Cancel():
                self._cancel(session, request)
            case Ping():
                self._send(session, Pong(request.id))
            case Describe():
                self._describe(session, request)
            case Bye():
                self._drop(session, "says bye")

    def _hello(self, route: bytes, hello: Hello, peer: Peer) -> None:
        if v.PROTOCOL_VERSION[0] not in hello.versions:
            raise VersionMismatch(
                f"you speak protocol {', '.join(map(str, hello.versions))}, this server {v.PROTOCOL_VERSION[0]}",
                hint="update the older side",
            )
        self._check_token(hello.token, peer.address)
        known: OrderedDict[str, bytes] = OrderedDict()
        bounds = self._bounds.get(route)
        if bounds is not None:
            bounds.requests.take(self._clock())
        for earlier in self._sessions.earlier(route, hello.session):
            bounds = bounds or earlier.bounds
            if earlier.name and earlier.name == hello.session:
                known = earlier.finished()
            self._drop(earlier, "says hello again")
        if bounds is None:
            bounds = Bounds.full(self._config.requests_per_s, self._config.requests_burst, self._clock())
        codecs = usable_codecs(hello.codecs, available_codecs())
        session = self._sessions.open(route, hello, codecs, bounds, self._clock())
        session.known, session.peer = known, peer
        self._bounds[route] = bounds
        if len(self._bounds) > CONNECTIONS:
            self._bounds.popitem(last=False)
        words = "%s is %.60r at %s, codecs %s"
        log.info(words, session.label, hello.client, peer.address or "an address unknown", " ".join(session.codecs))
        first = next(iter(self._shelf.current.values()))
        welcome = Welcome(
            version=v.PROTOCOL_VERSION[0],
            minor=v.PROTOCOL_VERSION[1],
            server=f"vcg-bridge {vcg_bridge.__version__}",
            codecs=session.codecs,
            limits=self._config.limits,
            models=tuple(studio.model for studio in self._shelf.current.values()),
            device=first.generator.device,
        )
        self._send(session, welcome)

    def _check_token(self, token: str, address: str) -> None:
        """Raises AuthError, or BusyError where too many wrong ones came from there."""
        if self.token:
            self.guesses.check(address, self._clock())
        try:
            check_token(self.token, token)
        except AuthError:
            if token:  # whoever shows none does not guess
                self.guesses.wrong(address, self._clock())
            raise

    def _describe(self, session: Session, request: Describe) -> None:
        self._spend(session)
        studio = self._studio(request.model)
        version = studio.manifest.sha256
        if version not in self._descriptions:
            self._descriptions = {x: d for x, d in self._descriptions.items() if self._shelf.has(x)}
            self._descriptions[version] = codec.pack_apart(messages.to_wire(studio.description()), "id")
        before, after = self._descriptions[version]
        self._mail.answer(session, [before + codec.pack_value(request.id) + after])

    def _studio(self, name: str) -> Studio:
        if not name:
            return next(iter(self._shelf.current.values()))
        if name not in self._shelf.current:
            raise BadRequest(
                f"this server has no model {name!r}",
                hint=near(name, self._shelf.current) or f"it has {', '.join(self._shelf.current)}",
            )
        return self._shelf.current[name]

    def _spend(self, session: Session) -> None:
        session.bounds.requests.take(self._clock())

    def _generate(self, session: Session, request: Generate) -> None:
        self._spend(session)
        if self._leaving:
            raise ShuttingDown("the server is going down", hint="connect again when it is back")
        named = (
            request.recipe.model if request.recipe is not None and request.recipe.model in self._shelf.current else ""
        )
        studio = self._studio(request.model or named)
        version = self._versions.get((session.name, request.id), "") if session.name else ""
        if version and self._shelf.has(version) and self._shelf.get(version).manifest.name == studio.manifest.name:
            studio = self._shelf.get(version)  # a retry gets the same answer, whatever is new since
        plan = plan_of(studio.manifest, request, self._config.limits)
        key = messages.request_key(request)
        session.check_id(request.id, key)
        self._floor.add(session, plan, key)
        session.remember(request.id, key, self._config.remembered)
        if session.name:
            self._versions[session.name, request.id] = plan.sha256
            if len(self._versions) > VERSIONS:
                self._versions.popitem(last=False)

    def _credit(self, session: Session, request: Credit) -> None:
        job = session.jobs.get(request.id)
        if job is not None:
            self._floor.grant(job, request.bytes)

    def _cancel(self, session: Session, request: Cancel) -> None:
        job = session.jobs.get(request.id)
        if job is not None:
            self._floor.cancel(job)
        self._send(session, Cancelled(request.id, active=job is not None))

    # time and endings

    def event(self, event: Event | Stage | Lost) -> None:
        """Deal with what those who draw say."""
        self._floor.event(event)

    def reload(self) -> None:
        """Look at all bundles anew."""
        self._shelf.look(self._clock(), self._floor.versions, all_of_them=True)

    def settle(self) -> None:
        """After every turn: put up new bundles, drop who is gone, free what is too much, keep those who draw busy. Cheap when idle."""
        self._shelf.put_up(self._clock())
        while self._mail.gone:
            session, why = self._mail.gone.popitem()
            self._drop(session, why)
        self._floor.shed()
        self._floor.draw_next()

    def retry_mail(self) -> None:
        """Try connections again that took no more."""
        for session in self._mail.retry():
            self._floor.push_all(session)

    def look_at_the_clock(self) -> None:
        """Drop jobs without credit and clients without a sign of life for too long."""
        self._floor.drop_stalled()
        self.guesses.look(self._clock())
        self._shelf.look(self._clock(), self._floor.versions)
        now, forget_ms = self._clock(), self._config.limits.forget_ms
        for session in self._sessions:
            if (now - session.heard) * 1000 > forget_ms:
                self._drop(session, f"was silent for {forget_ms / 1000:g} s")

    def leave(self, reason: str) -> None:
        """Take no more jobs and say so to everybody."""
        self._leaving = True
        for session in self._sessions:
            self._send(session, Bye(reason))

    def abandon(self) -> None:
        """End all jobs that are left."""
        self._floor.abandon()

    def _drop(self, session: Session, why: str) -> None:
        jobs = tuple(session.jobs.values())
        log.info("%s %s; %d jobs dropped", session.label, why, len(jobs))
        for job in jobs:
            self._floor.leave(job)
        self._mail.forget(session)
        self._sessions.close(session)


def _about(session: Session | None, request_id: str) -> dict[str, str]:
    """For the log: `logs.FIELDS`."""
    return {"client": _label(session), "request": request_id}


def _label(session: Session | None) -> str:
    return session.label if session is not None else "a stranger"
