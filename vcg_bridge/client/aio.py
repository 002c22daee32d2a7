"""The client for asyncio. One task keeps the connection; any number of tasks may wait for jobs at once."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

from vcg_bridge.client.jobs import JobState
from vcg_bridge.client.link import Link
from vcg_bridge.client.options import ClientOptions
from vcg_bridge.client.pictures import Gatherer, Generated, Picture
from vcg_bridge.client.session import Session
from vcg_bridge.client.sync import answer_of
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.description import Description
from vcg_bridge.contract.errors import Timeout


class AsyncClient:
    """A connection to a server.

    async with await AsyncClient.connect() as client:
        async for picture in client.generate(design=Design(seed=7, archetype="guard")):
            ...
    """

    def __init__(self, options: ClientOptions | None = None) -> None:
        self.options = options or ClientOptions()
        self._session = Session(self.options)
        self._link = Link(self._session)
        self._keeper: asyncio.Task[None] | None = None
        self._kick = asyncio.Event()  # the session has something to send, or to begin
        self._pulse = asyncio.Event()  # something arrived; replaced each time

    @classmethod
    async def connect(
        cls,
        address: str = ClientOptions.address,
        *,
        timeout_s: float = 5.0,
        wait: bool = False,
        **options: Any,
    ) -> AsyncClient:
        """A client that is connected and welcome. Arguments and errors are those of Client.connect."""
        client = cls(ClientOptions(address=address, **options))
        try:
            await client.open(timeout_s=timeout_s, wait=wait)
        except BaseException:
            await client.close()
            raise
        return client

    async def open(self, *, timeout_s: float = 5.0, wait: bool = False) -> m.Welcome:
        """Connect, or connect again after a failure."""
        session = self._session
        if session.state not in ("ready", "greeting"):
            session.start(time.monotonic(), timeout_s, patient=wait)
        self._go()
        await self._until(lambda: session.state in ("ready", "failed", "idle"), None)  # idle: it was closed
        return self.welcome

    @property
    def welcome(self) -> m.Welcome:
        """What the server said of itself: version, limits, models. Raises why there is no connection."""
        if self._session.error is not None:
            raise self._session.error
        assert self._session.welcome is not None, "open() was not called"
        return self._session.welcome

    async def describe(self, model: str = "", *, timeout_s: float | None = None) -> Description:
        """All that can be made with a model ("": the server's default)."""
        answer = await self._ask(m.Describe(uuid.uuid4().hex, model), timeout_s)
        assert isinstance(answer, Description)
        return answer

    async def ping(self, *, timeout_s: float | None = None) -> float:
        """Seconds that a round trip takes."""
        begin = time.perf_counter()
        await self._ask(m.Ping(uuid.uuid4().hex), timeout_s)
        return time.perf_counter() - begin

    def generate(self, request: m.Generate | None = None, **fields: Any) -> AsyncJob:
        """Start a job. fields: those of messages.Generate; without an id it gets a random one.

        Raises BadRequest or RecipeError at once for what is wrong by form alone.
        """
        if request is None:
            request = m.Generate(fields.pop("id", "") or uuid.uuid4().hex, **fields)
        job = AsyncJob(self, self._session.generate(request, time.monotonic()))
        self._go()
        return job

    async def generate_characters(self, request: m.Generate | None = None, **fields: Any) -> AsyncIterator[Generated]:
        """The same, gathered: each character when it is complete."""
        gatherer = Gatherer()
        async with self.generate(request, **fields) as job:
            async for picture in job:
                complete = gatherer.add(picture)
                if complete is not None:
                    yield complete

    async def generate_character(self, request: m.Generate | None = None, **fields: Any) -> Generated:
        """One character, complete."""
        characters = [x async for x in self.generate_characters(request, **fields)]
        return characters[0]

    async def close(self) -> None:
        """Say goodbye and free everything. The server drops what is unfinished."""
        if self._link.closed:
            return
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        self._session.stop(time.monotonic())
        self._link.close()
        self._beat()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # the wheels

    async def _ask(self, request: m.Describe | m.Ping, timeout_s: float | None) -> Description | m.Pong:
        limit = self.options.timeout_s if timeout_s is None else timeout_s
        question = self._session.ask(request, time.monotonic())
        self._go()
        await self._until(lambda: question.answered, limit)
        return answer_of(self._session, question, limit, self.options.address)

    def _go(self) -> None:
        """Let the keeper send what is there; start it where it does not run."""
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep(), name="vcg-client")
        self._kick.set()

    async def _until(self, ready: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until something is so. False where the time is up before. Raises what killed the keeper."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not ready():
                    if self._keeper is not None and self._keeper.done() and not self._keeper.cancelled():
                        self._keeper.result()
                        return ready()
                    await self._pulse.wait()
        return ready()

    def _beat(self) -> None:
        """Wake everybody who waits."""
        self._pulse.set()
        self._pulse = asyncio.Event()

    async def _keep(self) -> None:
        """Send, receive and keep the connection for as long as one is wanted."""
        session, link = self._session, self._link
        try:
            while session.state not in ("idle", "failed"):
                self._kick.clear()
                link.keep(time.monotonic())
                if link.receive():
                    await asyncio.sleep(0)
                elif not session.outgoing and not self._kick.is_set():
                    now = time.monotonic()
                    await self._wait(max(min(session.wakeup(), now + 3600) - now, 0))
                session.tick(time.monotonic())
                self._beat()
            link.keep(time.monotonic())
        finally:
            self._beat()

    async def _wait(self, seconds: float) -> None:
        """Until a kick, which a socket with something to read gives as well, or the time.

        The descriptor of a ZeroMQ socket tells of a change once: everything must have been read before.
        """
        loop = asyncio.get_running_loop()
        watched: list[int] = []
        try:
            for descriptor in self._link.descriptors:
                loop.add_reader(descriptor, self._kick.set)
                watched.append(descriptor)
        except NotImplementedError:  # the default loop on Windows watches no descriptors: look again and again
            seconds = min(seconds, 0.01)
        try:
            if not self._link.readable:
                async with asyncio.timeout(seconds):
                    await self._kick.wait()
        except TimeoutError:
            pass
        finally:
            for descriptor in watched:
                loop.remove_reader(descriptor)


class AsyncJob:
    """A running generate: iterate over its pictures, decoded and checked, as they come.

    The server gets new credit as pictures are taken: it never runs far ahead of the loop. Leaving an `async with`
    block cancels the job. (Leaving `async for` early does so only when the iterator is collected: use `async with`.)
    """

    def __init__(self, client: AsyncClient, state: JobState) -> None:
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

    async def next(self, timeout_s: float | None = None) -> Picture | None:
        """The next picture, None at the end. Raises what went wrong, Timeout, or Cancelled."""
        client, state = self._client, self._state
        if not await client._until(lambda: state.ready, timeout_s):
            raise Timeout(f"no picture from {client.options.address} within {timeout_s} s")
        picture = state.take()
        if picture is not None:
            client._session.taken(state, time.monotonic())
            client._go()
        elif state.error is not None:
            raise state.error
        return picture

    async def __aiter__(self) -> AsyncIterator[Picture]:
        try:
            while (picture := await self.next()) is not None:
                yield picture
        finally:
            self._abandon()

    async def cancel(self, *, timeout_s: float | None = None) -> None:
        """Stop it; returns when the server has. Iterating it raises Cancelled then."""
        client = self._client
        limit = client.options.timeout_s if timeout_s is None else timeout_s
        self._abandon()
        if not await client._until(lambda: self._state.finished, limit):
            raise Timeout(f"no answer to cancel from {client.options.address} within {limit:g} s")

    def _abandon(self) -> None:
        self._client._session.cancel(self._state, time.monotonic())
        if not self._client._link.closed:
            self._client._go()

    async def __aenter__(self) -> AsyncJob:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()
