"""The blocking client. No thread of its own besides ZeroMQ's; not for use from several threads at once."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import zmq

from vcg_bridge.client.jobs import JobState
from vcg_bridge.client.link import Link
from vcg_bridge.client.options import ClientOptions
from vcg_bridge.client.pictures import Gatherer, Generated, Picture
from vcg_bridge.client.session import Question, Session
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.description import Description
from vcg_bridge.contract.errors import Timeout

FOREVER = float("inf")


class Client:
    """A connection to a server.

    with Client.connect() as client:
        for picture in client.generate(design=Design(seed=7, archetype="guard")):
            ...
    """

    def __init__(self, options: ClientOptions | None = None) -> None:
        self.options = options or ClientOptions()
        self._session = Session(self.options)
        self._link = Link(self._session)

    @classmethod
    def connect(
        cls,
        address: str = ClientOptions.address,
        *,
        timeout_s: float = 5.0,
        wait: bool = False,
        **options: Any,
    ) -> Client:
        """A client that is connected and welcome.

        Raises NoServer at once where nothing listens (with `wait`: when timeout_s is over) and within timeout_s where
        what listens is no VCG Bridge server; VersionMismatch; AuthError for a token, key or certificate that is wrong;
        ConfigError for a token that would travel in clear, and a certificate file that is none. options: further fields
        of ClientOptions.
        """
        client = cls(ClientOptions(address=address, **options))
        try:
            client.open(timeout_s=timeout_s, wait=wait)
        except BaseException:
            client.close()
            raise
        return client

    def open(self, *, timeout_s: float = 5.0, wait: bool = False) -> m.Welcome:
        """Connect, or connect again after a failure. See `connect`."""
        session = self._session
        if session.state not in ("ready", "greeting"):
            session.start(time.monotonic(), timeout_s, patient=wait)
        self._pump(lambda: session.state in ("ready", "failed"), FOREVER)
        return self.welcome

    @property
    def welcome(self) -> m.Welcome:
        """What the server said of itself: version, limits, models. Raises why there is no connection."""
        if self._session.error is not None:
            raise self._session.error
        assert self._session.welcome is not None, "open() was not called"
        return self._session.welcome

    def describe(self, model: str = "", *, timeout_s: float | None = None) -> Description:
        """All that can be made with a model ("": the server's default)."""
        answer = self._ask(m.Describe(uuid.uuid4().hex, model), timeout_s)
        assert isinstance(answer, Description)
        return answer

    def ping(self, *, timeout_s: float | None = None) -> float:
        """Seconds that a round trip takes."""
        begin = time.perf_counter()
        self._ask(m.Ping(uuid.uuid4().hex), timeout_s)
        return time.perf_counter() - begin

    def generate(self, request: m.Generate | None = None, **fields: Any) -> Job:
        """Start a job. fields: those of messages.Generate; without an id it gets a random one.

        Raises BadRequest or RecipeError at once for what is wrong by form alone.
        """
        if request is None:
            request = m.Generate(fields.pop("id", "") or uuid.uuid4().hex, **fields)
        job = Job(self, self._session.generate(request, time.monotonic()))
        self._link.keep(time.monotonic())
        return job

    def generate_characters(self, request: m.Generate | None = None, **fields: Any) -> Iterator[Generated]:
        """The same, gathered: each character when it is complete."""
        gatherer = Gatherer()
        for picture in self.generate(request, **fields):
            complete = gatherer.add(picture)
            if complete is not None:
                yield complete

    def generate_character(self, request: m.Generate | None = None, **fields: Any) -> Generated:
        """One character, complete."""
        characters = list(self.generate_characters(request, **fields))
        return characters[0]

    def close(self) -> None:
        """Say goodbye and free everything. The server drops what is unfinished."""
        if not self._link.closed:
            self._session.stop(time.monotonic())
            self._link.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # the wheels

    def _ask(self, request: m.Describe | m.Ping, timeout_s: float | None) -> Description | m.Pong:
        limit = self.options.timeout_s if timeout_s is None else timeout_s
        question = self._session.ask(request, time.monotonic())
        self._pump(lambda: question.answered, time.monotonic() + limit)
        return answer_of(self._session, question, limit, self.options.address)

    def _pump(self, until: Callable[[], bool], deadline: float) -> bool:
        """Send, receive and keep the connection, until something is so or the deadline is past."""
        while True:
            self._link.keep(time.monotonic())
            if until():
                return True
            now = time.monotonic()
            if now >= deadline:
                return False
            self._wait(max(min(self._session.wakeup(), deadline, now + 3600) - now, 0))
            self._link.receive()
            self._session.tick(time.monotonic())

    def _wait(self, seconds: float) -> None:
        poller = zmq.Poller()
        for socket in self._link.sockets:
            poller.register(socket, zmq.POLLIN)
        if poller.sockets:
            poller.poll(math.ceil(seconds * 1000))
        else:
            time.sleep(seconds)


def answer_of(session: Session, question: Question, limit: float, address: str) -> Description | m.Pong:
    """What became of a question. Raises its error, or Timeout."""
    session.forget(question)
    if question.error is not None:
        raise question.error
    if question.answer is None:
        kind = type(question.request).__name__.lower()
        raise Timeout(f"no answer to {kind} from {address} within {limit:g} s", hint=session.trouble)
    return question.answer


class Job:
    """A running generate: iterate over its pictures, decoded and checked, as they come.

    The server gets new credit as pictures are taken: it never runs far ahead of the loop. Leaving the loop early
    cancels the job; so does leaving a `with` block.
    """

    def __init__(self, client: Client, state: JobState) -> None:
        self._client = client
        self._state = state

    @property
    def id(self) -> str:
        """Names the request; asking again with it gives the same answer."""
        return self._state.id

    @property
    def accepted(self) -> m.Accepted | None:
        """How much will come, once the server has said so."""
        return self._state.accepted

    @property
    def done(self) -> m.Done | None:
        """Timings and licence, once the job is complete."""
        return self._state.done

    def next(self, timeout_s: float = FOREVER) -> Picture | None:
        """The next picture, None at the end. Raises what went wrong, Timeout, or Cancelled."""
        client, state = self._client, self._state
        if not client._pump(lambda: state.ready, time.monotonic() + timeout_s):
            raise Timeout(f"no picture from {client.options.address} within {timeout_s:g} s")
        picture = state.take()
        if picture is not None:
            client._session.taken(state, time.monotonic())
            client._link.keep(time.monotonic())
        elif state.error is not None:
            raise state.error
        return picture

    def __iter__(self) -> Iterator[Picture]:
        try:
            while (picture := self.next()) is not None:
                yield picture
        finally:
            self._abandon()

    def cancel(self, *, timeout_s: float | None = None) -> None:
        """Stop it; returns when the server has. Iterating it raises Cancelled then."""
        client = self._client
        limit = client.options.timeout_s if timeout_s is None else timeout_s
        client._session.cancel(self._state, time.monotonic())
        if not client._pump(lambda: self._state.finished, time.monotonic() + limit):
            raise Timeout(f"no answer to cancel from {client.options.address} within {limit:g} s")

    def _abandon(self) -> None:
        self._client._session.cancel(self._state, time.monotonic())
        self._client._link.keep(time.monotonic())

    def __enter__(self) -> Job:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()
