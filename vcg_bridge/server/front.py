"""The front: takes connections before the ROUTER does, ends TLS, and hands what is inside to the ROUTER, byte for byte, as fast as it is read.

One thread with an asyncio loop. It answers nothing: ZMTP goes through it as it is, and the ROUTER's own limits and timeouts hold
for what is inside. What the front limits is what the ROUTER cannot: connections, handshakes, names of peers, the bytes between both sides, the
frames of a message before they are gathered, and how fast messages come (docs/adr/0012).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from vcg_bridge.relay import BUFFER_BYTES, join
from vcg_bridge.server.auth import Endpoint, address_error
from vcg_bridge.server.departures import Carried
from vcg_bridge.server.frames import CountedReader, FrameCounter
from vcg_bridge.server.logs import Sparse
from vcg_bridge.server.rate import whom

log = logging.getLogger("vcg_bridge.server")

HANDSHAKE_S = 10.0
"""For the TLS handshake. What follows, the ROUTER's own handshake limit bounds."""

HANDSHAKES = 64
"""Unfinished at once. One more ends the oldest of the address that has most of them: an honest one takes milliseconds."""

STALL_S = 60.0
"""A side that takes nothing for so long while bytes wait for it is gone: it does not answer the ROUTER's heartbeats either."""

CLOSE_S = 2.0
"""For the last bytes of a connection whose other end is gone, and for the closing messages of TLS."""


INSIDE = "-router"
"""How the path of the ROUTER's own endpoint ends, where it is ipc."""


@dataclass(frozen=True)
class Way:
    """From clients to the ROUTER."""

    option: str  # what the user set the endpoint with, where that is not plain
    endpoint: Endpoint
    inside: str  # the ROUTER's own endpoint, ipc or tcp
    context: ssl.SSLContext | None  # of the server's side of TLS; None: without
    curve: bool = False  # what goes through is encrypted for the ROUTER

    @property
    def name(self) -> str:
        """For the log."""
        return "tcp" if self.context is None else "TLS"


class Front:
    """Listens when made; serves from `start` to `stop`."""

    def __init__(
        self,
        way: Way,
        connections: int,
        most_bytes: int,
        outside: MutableMapping[object, Carried],
        behind: Callable[[], bool],
    ) -> None:
        """connections: served at once. most_bytes: of one message. outside: gets whom each of our ends of a connection to the ROUTER
        carries, by its name. behind: whether the ROUTER's messages are not read as fast as they come. Raises AddressError.
        """
        self._way, self._most, self._most_bytes, self._context = way, connections, most_bytes, way.context
        self._outside, self._behind = outside, behind
        self._listener = _listen(way)
        port = self._listener.getsockname()[1]
        host = (
            way.endpoint.host
            if way.endpoint.host != "*"
            else f"[{self._listener.getsockname()[0]}]".replace("[0.0.0.0]", "0.0.0.0")
        )
        self.address = f"{way.name.lower()}://{host}:{port}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shaking: dict[asyncio.Task[None], str] = {}  # handshakes and their addresses, the oldest first
        self._open: set[asyncio.Task[None]] = set()
        self._refused = 0  # since the last line about it in the log
        self._thread = threading.Thread(target=self._run, name=f"vcg-{way.name.lower()}", daemon=True)
        self._stopping: asyncio.Event | None = None
        self._lock = threading.Lock()
        self._stopped = False
        self._tell, self._tell_full = Sparse(log), Sparse(log)
        self._numbers = count()

    @property
    def connections(self) -> int:
        """Served now."""
        return len(self._open)

    def renew(self, context: ssl.SSLContext) -> None:
        """Give that certificate to whoever connects from now on. Connections that are there keep the one they began with."""
        self._context = context

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Take no more connections, let those that are open end, cut those that do not. Returns whether the thread has ended."""
        with self._lock:
            self._stopped = True
            loop, stopping = self._loop, self._stopping
        if self._thread.ident is None:
            self._listener.close()
            return True
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                loop.call_soon_threadsafe(stopping.set)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:
            log.exception("a fault of the %s front; it serves no more", self._way.name)

    async def _serve(self) -> None:
        with self._lock:
            self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
            if self._stopped:
                self._stopping.set()
        accepting = asyncio.create_task(self._accept())
        try:
            await self._stopping.wait()
        finally:
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)
            self._listener.close()
            for task in self._shaking:
                task.cancel()
            tasks = {*self._shaking, *self._open}
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=CLOSE_S)
                for task in late:
                    task.cancel()
                await asyncio.gather(*late, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(self._listener)
            except OSError as error:  # too many files are open, or it was gone before we looked
                self._tell_full(logging.WARNING, "%s: cannot accept a connection: %s", self._way.name, error)
                await asyncio.sleep(0.1)
                continue
            if len(self._open) >= self._most:
                if not self._refused:
                    words = "%s: %d connections are open, as many as allowed; %s is refused"
                    self._tell_full(logging.WARNING, words, self._way.name, self._most, peer[0])
                self._refused += 1
                connection.close()
                continue
            if len(self._shaking) >= HANDSHAKES:
                worst, _ = Counter(map(whom, self._shaking.values())).most_common(1)[0]
                oldest = next(task for task, address in self._shaking.items() if whom(address) == worst)
                del self._shaking[oldest]
                oldest.cancel()
            task = loop.create_task(self._connection(connection, str(peer[0])))
            self._shaking[task] = str(peer[0])
            task.add_done_callback(self._ended)
            await asyncio.sleep(0)  # it begins, and so will end its connection however it ends; and others have a turn

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._shaking.pop(task, None)
        self._open.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error(
                "a fault of the %s front in one connection; it goes on", self._way.name, exc_info=task.exception()
            )
        if self._refused and len(self._open) < self._most:
            words = "%s: %d connections were refused; there is room again"
            self._tell_full(logging.WARNING, words, self._way.name, self._refused)
            self._refused = 0

    async def _connection(self, connection: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        counter = FrameCounter(self._most_bytes, curve=self._way.curve)
        carried = Carried(peer)
        reader = CountedReader(BUFFER_BYTES, loop, counter, carried, self._behind)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            limits = (
                {}
                if self._way.context is None
                else {"ssl_handshake_timeout": HANDSHAKE_S, "ssl_shutdown_timeout": CLOSE_S}
            )
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self._context, **limits)
        except OSError as error:  # ssl.SSLError, timeouts and resets among them
            self._tell(
                logging.INFO, "%s: %s: no handshake: %s", self._way.name, peer, getattr(error, "reason", None) or error
            )
            connection.close()
            return
        except BaseException:
            connection.close()
            raise
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        task = asyncio.current_task()
        assert task is not None
        self._shaking.pop(task, None)
        self._open.add(task)
        try:
            with self._end(carried) as inner:
                within, out = await self._enter(inner)
                log.debug("%s: %s connected", self._way.name, peer)
                await join((reader, writer), (within, out), close_s=CLOSE_S, stall_s=STALL_S)
        except OSError as error:
            self._tell_full(logging.WARNING, "%s: the server inside cannot be reached: %s", self._way.name, error)
            writer.transport.abort()
        if reader.complaint:
            self._tell(logging.WARNING, "%s: %s: %s; it is ended", self._way.name, peer, reader.complaint)

    @contextmanager
    def _end(self, carried: Carried) -> Iterator[socket.socket]:
        """Our end of a new connection to the ROUTER. It has a name, by which the ROUTER's side learns whom it carries. Raises OSError."""
        ipc = self._way.inside.startswith("ipc:")
        inner = socket.socket(socket.AF_UNIX if ipc else socket.AF_INET)
        # No longer than the ROUTER's own, which the system has taken: paths of sockets have to be short.
        file = Path(self._way.inside.removeprefix("ipc://").removesuffix(INSIDE) + f"-{next(self._numbers) % 100_000}")
        name: object = None
        try:
            inner.setblocking(False)
            inner.bind(str(file) if ipc else ("127.0.0.1", 0))
            name = inner.getsockname()
            self._outside[name] = carried
            yield inner
        finally:
            self._outside.pop(name, None)
            inner.close()
            if ipc:
                file.unlink(missing_ok=True)

    async def _enter(self, inner: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        scheme, _, rest = self._way.inside.partition("://")
        loop = asyncio.get_running_loop()
        if scheme == "ipc":
            await loop.sock_connect(inner, rest)
            return await asyncio.open_unix_connection(sock=inner, limit=BUFFER_BYTES)
        host, _, port = rest.rpartition(":")
        await loop.sock_connect(inner, (host, int(port)))
        return await asyncio.open_connection(sock=inner, limit=BUFFER_BYTES)


def _listen(way: Way) -> socket.socket:
    """A listening socket that does not block. Raises AddressError."""
    endpoint = way.endpoint
    host = endpoint.host.strip("[]")
    try:
        if host == "*":
            both = socket.has_dualstack_ipv6()
            family = socket.AF_INET6 if both else socket.AF_INET
            listener = socket.create_server(("", endpoint.port), family=family, backlog=128, dualstack_ipv6=both)
        else:
            family, *_, address = socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM)[0]
            listener = socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise address_error(endpoint, error, way.option) from None
    listener.setblocking(False)
    return listener
