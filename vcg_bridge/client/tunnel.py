"""TLS for a DEALER, which has none: a private way in on this machine that leads through one TLS connection to the server.

The mirror of the server's TLS front. One thread with an asyncio loop for each connection; it reads no message.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tempfile
import threading
from pathlib import Path

import zmq

from vcg_bridge.client.trust import Trust
from vcg_bridge.contract.errors import InternalError, VcgError
from vcg_bridge.relay import BUFFER_BYTES, Stream, join

CONNECT_S = 10.0
"""For tcp to one address of the host."""

HANDSHAKE_S = 10.0
"""For the TLS handshake. Both together are less than the 30 s that libzmq gives a DEALER's own handshake."""

CLOSE_S = 0.5
"""For the last bytes of a connection that ends, and for the closing messages of TLS."""

IPC = hasattr(socket, "AF_UNIX") and bool(zmq.has("ipc"))
"""Sockets that lie in a folder: nobody else can open ours. Else a loopback port with a guard."""


class _Unreachable(Exception):
    """There is no connection, in words; it may be there at the next try."""


class Tunnel:
    """One connection to a server, from the moment it is made. `stop` ends it, or either side does."""

    def __init__(self, host: str, port: int, trust: Trust) -> None:
        self.fault = ""  # why there is no connection to the server (any more), where that is known
        self.error: VcgError | None = None  # the same, where trying again is of no use
        self._host, self._port, self._trust = host, port, trust
        self._way = _Way()
        self._loop = asyncio.SelectorEventLoop()  # on Windows the usual one cannot tell that somebody comes
        self._stopping = asyncio.Event()
        self._waits = True  # for others, with nothing in hand: it may be cancelled
        self._shaking: socket.socket | None = None  # in the TLS handshake
        self._thread = threading.Thread(target=self._run, name="tls tunnel", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the DEALER has to connect, once."""
        return self._way.address

    @property
    def guarded(self) -> bool:
        """The way in could be used by others: it waits until `admit` has said who may."""
        return self._way.guarded

    def admit(self, descriptor: int) -> None:
        """The DEALER's connection, as its monitor names it."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: it was stopped, or failed
            self._loop.call_soon_threadsafe(self._way.admit, _own_name(descriptor))

    def stop(self) -> None:
        """End soon. What the DEALER has handed over before it was closed still leaves, within CLOSE_S."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping.set)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end. False where it still looks up a name, which cannot be hurried."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def ended(self) -> bool:
        """Nothing of it is left."""
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except Exception as error:
            self.error = InternalError(f"a fault of the TLS connection: {error!r}", hint="worth a bug report")
        finally:
            self._way.close()

    async def _serve(self) -> None:
        carrying = asyncio.create_task(self._carry())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({carrying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if self._shaking is not None:
            with contextlib.suppress(OSError):  # it is gone already
                self._shaking.shutdown(socket.SHUT_RDWR)  # as if the other side did: asyncio then leaves nothing behind
        if not self._waits:  # the DEALER is closed, or will be: its last bytes are on their way
            await asyncio.wait({carrying}, timeout=2 * CLOSE_S)
        stopping.cancel()
        carrying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await carrying

    async def _carry(self) -> None:
        # The DEALER is let in first: so it notices by a connection that ends whatever goes wrong afterwards.
        connection = await self._way.enter()
        self._waits = False
        try:
            inside = await asyncio.open_connection(sock=connection, limit=BUFFER_BYTES)
        except BaseException:
            connection.close()
            raise
        try:
            outside = await self._reach()
        except _Unreachable as error:
            self.fault = str(error)
        except VcgError as error:
            self.error = error
        else:
            await join(inside, outside, close_s=CLOSE_S)
        finally:
            inside[1].transport.abort()

    async def _reach(self) -> Stream:
        """A TLS connection to the server that is trusted. Raises _Unreachable, or a VcgError that is final."""
        try:
            found = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM
            )  # holds up nobody: our own thread
        except (OSError, UnicodeError):
            raise _Unreachable(f"the host {self._host} is not known") from None
        why = "it was closed"
        for family, kind, protocol, _, address in found:
            if self._stopping.is_set():
                break
            try:
                connection = socket.socket(family, kind, protocol)
                try:
                    connection.setblocking(False)
                    self._waits = True
                    async with asyncio.timeout(CONNECT_S):
                        await asyncio.get_running_loop().sock_connect(connection, address)
                except BaseException:
                    connection.close()
                    raise
                finally:
                    self._waits = False
            except ConnectionRefusedError:
                why = "the connection was refused"
            except TimeoutError:
                why = "nothing answers there"
            except OSError as error:
                why = f"it cannot be reached: {error.strerror}"
            else:
                return await self._shake_hands(connection)
        raise _Unreachable(why)

    async def _shake_hands(self, connection: socket.socket) -> Stream:
        self._shaking = connection
        try:
            stream = await asyncio.open_connection(
                sock=connection, limit=BUFFER_BYTES, ssl=self._trust.context, server_hostname=self._host,
                ssl_handshake_timeout=HANDSHAKE_S, ssl_shutdown_timeout=CLOSE_S,
            )  # fmt: skip
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise self._trust.refusal(error, self._host) from None
        except OSError as error:
            connection.close()
            raise _Unreachable(_no_handshake(error)) from None
        except BaseException:
            connection.close()
            raise
        finally:
            self._shaking = None
        try:
            self._trust.check(stream[1].get_extra_info("ssl_object").getpeercert(binary_form=True))
        except VcgError:
            stream[1].transport.abort()
            raise
        return stream


def _no_handshake(error: OSError) -> str:
    if isinstance(error, ConnectionAbortedError):  # asyncio's word for a handshake that takes too long
        return "what listens there does not answer in TLS; see whether the server was started with --tls"
    if isinstance(error, ssl.SSLError):
        return f"what listens there does not speak TLS as we do ({error.reason}); `vcg serve --tls` opens a port of its own for it"
    return "what listens there closed the connection during the TLS handshake; see whether the server was started with --tls"


class _Way:
    """Where one DEALER of this process comes in, and nobody else."""

    def __init__(self) -> None:
        self.guarded = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._wanted: tuple[str, int] | None = None
        self._told = asyncio.Event()
        if IPC:
            self._folder = tempfile.TemporaryDirectory(prefix="vcg-", ignore_cleanup_errors=True)  # for our user alone
            path = str(Path(self._folder.name) / "tls")
            self.address, self._listener = f"ipc://{path}", socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._listener.bind(path)
                self._listener.listen(1)
            except OSError:  # the path is too long, or the folder is on a disk without sockets
                self.close()
            else:
                self._listener.setblocking(False)
                return
        self.guarded, self._listener = True, _loopback_listener()
        self.address = "tcp://{}:{}".format(*self._listener.getsockname())

    def admit(self, name: tuple[str, int] | None) -> None:
        """The name of the one connection that may come in."""
        self._wanted = name
        self._told.set()

    async def enter(self) -> socket.socket:
        """The DEALER's connection. Then the way is shut; whoever else came is sent away."""
        if self.guarded:
            await self._told.wait()
        # asyncio's own sock_accept fails loudly where it is cancelled in the moment in which somebody comes.
        loop, come = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._listener, come.set)
        try:
            while True:
                await come.wait()
                come.clear()
                try:
                    connection, name = self._listener.accept()
                except (BlockingIOError, ConnectionError):
                    continue
                if not self.guarded or name == self._wanted:
                    connection.setblocking(False)
                    return connection
                connection.close()
        finally:
            loop.remove_reader(self._listener)
            self.close()

    def close(self) -> None:
        """Shut it. Again is allowed."""
        self._listener.close()
        if self._folder is not None:
            self._folder.cleanup()


def _loopback_listener() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows lets others listen at a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _own_name(descriptor: int) -> tuple[str, int] | None:
    """Address and port of our end of a connection whose descriptor belongs to ZeroMQ; None where it is gone."""
    try:
        borrowed = socket.socket(fileno=descriptor)
    except OSError:
        return None
    try:
        host, port = borrowed.getsockname()[:2]
        return host.removeprefix("::ffff:"), port  # as the other end calls it: an IPv6 socket at an IPv4 address
    except (OSError, ValueError):
        return None
    finally:
        borrowed.detach()
