"""The TLS front: ends TLS for clients that have no CURVE, and hands what is inside to the ROUTER, byte for byte.

One thread with an asyncio loop. It reads no message: ZMTP goes through it as it is, and the ROUTER's own limits and timeouts hold
for what is inside. What this front limits is what the ROUTER never sees: connections, handshakes, the bytes between both sides, and the
frames of a message before the ROUTER has gathered them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import stat
import threading
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from vcg_bridge.contract.errors import AddressError, ConfigError
from vcg_bridge.relay import BUFFER_BYTES, join
from vcg_bridge.server.auth import Endpoint
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


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with that certificate chain and key, both PEM files. Raises ConfigError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION

    def no_password() -> str:
        raise ConfigError(f"--tls: {key} is encrypted with a password", hint="openssl pkey -in KEY -out PLAIN_KEY")

    for path in (certificate, key):
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise ConfigError(f"--tls: {path} cannot be read: {error.strerror}", hint="give two PEM files") from None
    try:
        context.load_cert_chain(certificate, key, no_password)
    except ssl.SSLError as error:
        if "KEY_VALUES_MISMATCH" in str(error.reason):
            raise ConfigError(f"--tls: {key} is not the key of {certificate}") from None
        raise ConfigError(
            f"--tls: {certificate} and {key} are no certificate and its key ({error.reason or error})",
            hint="give two PEM files, the certificate first",
        ) from None
    if os.name == "posix" and key.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("others can read the TLS key %s; chmod 600 it", key)
    problem = certificate_problem(context, certificate)
    if problem:
        log.warning("TLS certificate %s: %s; clients will refuse it", certificate, problem)
    return context


def certificate_problem(context: ssl.SSLContext, certificate: Path) -> str:
    """What a client that pins the certificate will find wrong with it: "certificate has expired". "" where nothing is.

    Found out by a handshake in memory, as the standard library has no reader of certificates.
    """
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False  # whatever the server is called today
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(certificate)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [context.wrap_bio(to_server, to_client, server_side=True), client.wrap_bio(to_client, to_server)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return str(error.verify_message)
            except ssl.SSLError as error:
                return str(error.reason or error)
    return ""


class TlsFront:
    """Listens when made; serves from `start` to `stop`."""

    def __init__(
        self,
        endpoint: Endpoint,
        context: ssl.SSLContext,
        inside: str,
        connections: int,
        most_bytes: int,
        outside: MutableMapping[object, str],
    ) -> None:
        """inside: the ROUTER's endpoint, ipc or tcp. connections: served at once. most_bytes: of one message. outside: gets the address of each
        client by the name of our end of its connection to the ROUTER. Raises AddressError.
        """
        self._context, self._inside, self._most, self._most_bytes = context, inside, connections, most_bytes
        self._outside = outside
        self._listener = _listen(endpoint)
        port = self._listener.getsockname()[1]
        self.address = f"tls://{endpoint.host}:{port}"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shaking: dict[asyncio.Task[None], str] = {}  # handshakes and their addresses, the oldest first
        self._open: set[asyncio.Task[None]] = set()
        self._refused = 0  # since the last line about it in the log
        self._thread = threading.Thread(target=self._run, name="vcg-tls", daemon=True)
        self._stopping: asyncio.Event | None = None
        self._lock = threading.Lock()
        self._stopped = False
        self._tell, self._tell_full = Sparse(log), Sparse(log)
        self._numbers = count()

    @property
    def connections(self) -> int:
        """Served now."""
        return len(self._open)

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
            log.exception("a fault of the TLS front; it serves no more")

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
                self._tell_full(logging.WARNING, "TLS: cannot accept a connection: %s", error)
                await asyncio.sleep(0.1)
                continue
            if len(self._open) >= self._most:
                if not self._refused:
                    words = "TLS: %d connections are open, as many as allowed; %s is refused"
                    self._tell_full(logging.WARNING, words, self._most, peer[0])
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
            log.error("a fault of the TLS front in one connection; it goes on", exc_info=task.exception())
        if self._refused and len(self._open) < self._most:
            self._tell_full(logging.WARNING, "TLS: %d connections were refused; there is room again", self._refused)
            self._refused = 0

    async def _connection(self, connection: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        reader = CountedReader(BUFFER_BYTES, loop, FrameCounter(self._most_bytes))
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection,
                ssl=self._context, ssl_handshake_timeout=HANDSHAKE_S, ssl_shutdown_timeout=CLOSE_S,
            )  # fmt: skip
        except OSError as error:  # ssl.SSLError, timeouts and resets among them
            self._tell(logging.INFO, "TLS: %s: no handshake: %s", peer, getattr(error, "reason", None) or error)
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
            with self._end(peer) as inner:
                within, out = await self._enter(inner)
                log.debug("TLS: %s connected", peer)
                await join((reader, writer), (within, out), close_s=CLOSE_S, stall_s=STALL_S)
        except OSError as error:
            self._tell_full(logging.WARNING, "TLS: the server inside cannot be reached: %s", error)
            writer.transport.abort()
        if reader.complaint:
            self._tell(logging.WARNING, "TLS: %s: %s; it is ended", peer, reader.complaint)

    @contextmanager
    def _end(self, peer: str) -> Iterator[socket.socket]:
        """Our end of a new connection to the ROUTER. It has a name, by which the ROUTER's side learns whom it carries. Raises OSError."""
        ipc = self._inside.startswith("ipc:")
        inner = socket.socket(socket.AF_UNIX if ipc else socket.AF_INET)
        file = Path(self._inside.removeprefix("ipc://")).with_name(str(next(self._numbers) % 100_000))
        name: object = None
        try:
            inner.setblocking(False)
            inner.bind(str(file) if ipc else ("127.0.0.1", 0))
            name = inner.getsockname()
            self._outside[name] = peer
            yield inner
        finally:
            self._outside.pop(name, None)
            inner.close()
            if ipc:
                file.unlink(missing_ok=True)

    async def _enter(self, inner: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        scheme, _, rest = self._inside.partition("://")
        loop = asyncio.get_running_loop()
        if scheme == "ipc":
            await loop.sock_connect(inner, rest)
            return await asyncio.open_unix_connection(sock=inner, limit=BUFFER_BYTES)
        host, _, port = rest.rpartition(":")
        await loop.sock_connect(inner, (host, int(port)))
        return await asyncio.open_connection(sock=inner, limit=BUFFER_BYTES)


def _listen(endpoint: Endpoint) -> socket.socket:
    """A listening socket that does not block. Raises AddressError."""
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
        raise AddressError(
            f"--tls-bind: cannot listen at {endpoint.host}:{endpoint.port}: {error.strerror or error}",
            hint="choose another port or address, or end what listens there",
        ) from None
    listener.setblocking(False)
    return listener
