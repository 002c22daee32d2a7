"""Which connections the ROUTER has, and which have ended. A ROUTER tells only who tries to send; whose work should stop at once must not
wait for that, and who never says anything must be seen as well."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import zmq

from vcg_bridge.server.logs import Sparse

log = logging.getLogger("vcg_bridge.server")

_EVENTS = {
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "no_zmtp",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "mechanism",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "keys",
}
ROUTES = 4096
"""Whose peers are remembered: more than can be open."""

REASONS = tuple(_EVENTS.values())
"""Why handshakes are refused."""

_ADDRESS = "inproc://vcg-monitor"

_TCP_INFO_BYTES, _RECEIVED_AT = 136, 128  # Linux' struct tcp_info up to, and the place of, tcpi_bytes_received


class Peer(NamedTuple):
    """The other end of a connection."""

    descriptor: int = -1  # of our socket; the system uses numbers again,
    use: int = 0  # so this counts which use it is
    address: str = ""  # IP address; "" where it is not known


@dataclass(eq=False)
class Carried:
    """Whom a front carries over a connection of its own."""

    address: str
    received: int = 0  # bytes that have come through
    passed: int = 0  # units (`rate.units`) that have, and
    taken: int = 0  # those of the messages that were read, about


@dataclass(eq=False)
class Connection:
    """One that is open, as far as libzmq has said."""

    peer: Peer
    name: tuple[object, int]  # what tells it from a later connection with the same descriptor
    since: float  # s; when it was accepted, or last had a session
    heard: float = -1.0  # s; when its session last sent a message
    received: int = 0  # bytes, at `since` or `heard`
    taken: int = 0  # bytes of the messages that were read since then
    opened: float = 0.0  # s; when it was accepted
    carried: Carried | None = None  # where it is a front's
    key: str = ""  # CURVE's public key of its other end, where keys are known and it has sent something
    leaving: bool = False  # it was cut; libzmq will say when it has gone


class Departures:
    """Reads what libzmq's monitor says of the ROUTER's connections."""

    def __init__(self, router: zmq.Socket[bytes], clock: Callable[[], float]) -> None:
        router.monitor(_ADDRESS, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED | sum(_EVENTS))
        self._router, self._clock = router, clock
        self.socket: zmq.Socket[bytes] = router.context.socket(zmq.PAIR)
        self.socket.RCVHWM = 0  # libzmq's own thread writes to it, and must never wait for us
        self.socket.LINGER = 0
        self.socket.connect(_ADDRESS)
        self._uses: Counter[int] = Counter()
        self._routes: OrderedDict[bytes, Peer] = OrderedDict()  # of those that were asked for
        self._failed = ""  # why the handshake failed whose end is told next
        self._tell = Sparse(log)
        self.outside: dict[object, Carried] = {}
        """A front's own end of a connection to the ROUTER -> whom it carries."""
        self.open: dict[int, Connection] = {}
        """By descriptor."""
        self.failed_handshakes: Counter[str] = Counter()
        """Why -> how many, since the start."""

    def read(self) -> list[tuple[int, int]]:
        """The connections that have ended since the last call: descriptor and use."""
        gone: list[tuple[int, int]] = []
        while True:
            try:
                event, _endpoint = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return gone
            kind, value = struct.unpack("=HI", event)
            if kind in _EVENTS:
                why = _EVENTS[kind]
                self.failed_handshakes[why] += 1
                # Of the other reasons libzmq's one thread tells in one breath with the end; keys it refuses in words first.
                self._failed = why if why != "keys" else ""
                continue
            ended = self.open.pop(value, None)
            # libzmq is silent about some ends; then a descriptor that comes again tells.
            if kind == zmq.EVENT_DISCONNECTED or ended is not None:
                gone.append((value, self._uses[value]))
                self._uses[value] += 1
            if kind == zmq.EVENT_ACCEPTED:
                self._accepted(value)
            elif self._failed:
                where = ended.peer.address if ended is not None else "somebody"
                self._tell(logging.INFO, "no handshake with %s: %s", where, self._failed)
                self._failed = ""

    def _accepted(self, descriptor: int) -> None:
        name: tuple[object, int] = (None, 0)
        with _socket(descriptor) as found, contextlib.suppress(OSError):  # that it has ended is told next
            if found is not None:
                name = _name(found)
        carried, now = self.outside.get(name[0]), self._clock()
        address = carried.address if carried is not None else _host(name[0])
        peer = Peer(descriptor, self._uses[descriptor], address)
        self.open[descriptor] = Connection(peer, name, now, opened=now, carried=carried)

    def peer(self, route: bytes, frame: zmq.Frame) -> Peer:
        """Who sent a message. What `read` gave before is of earlier uses of its descriptor.

        frame: of the message. It tells a number that may be another connection's by now, if its own has ended: so the first frame of a route
        says whose it is.
        """
        found = self._routes.get(route)
        if found is None:
            found = self._routes[route] = self._peer(frame)
            if len(self._routes) > ROUTES:
                self._routes.popitem(last=False)
        return found

    def _peer(self, frame: zmq.Frame) -> Peer:
        address, descriptor = _said(frame, "Peer-Address"), -1
        with contextlib.suppress(zmq.ZMQError):  # the connection is not over a socket that has one
            descriptor = int(frame.get(zmq.SRCFD))
        connection = self.open.get(descriptor)
        if connection is None:  # it has ended, and that was told
            return Peer(descriptor, self._uses[descriptor] - 1, address)
        if connection.carried is None and address not in ("", connection.peer.address):
            return Peer(address=address)
        connection.key = _said(frame, "User-Id")
        return connection.peer

    def at(self, peer: Peer) -> Connection | None:
        """Its connection, where it is open."""
        connection = self.open.get(peer.descriptor)
        return connection if connection is not None and connection.peer.use == peer.use else None

    def left(self, route: bytes) -> bool:
        """Whether the connection has ended of whom `peer` was asked for."""
        peer = self._routes.get(route)
        return peer is not None and peer.descriptor >= 0 and self.at(peer) is None

    def received(self, connection: Connection) -> int:
        """Bytes that its other end has sent so far; 0 where the system does not tell (only Linux does, of TCP)."""
        if connection.carried is not None:
            return connection.carried.received
        with _socket(connection.peer.descriptor) as found:
            if found is None or sys.platform != "linux" or found.family == socket.AF_UNIX:
                return 0
            try:
                info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
            except OSError:  # no socket of TCP uses that number now
                return 0
            return int.from_bytes(info[_RECEIVED_AT:_TCP_INFO_BYTES], sys.byteorder)

    def cut(self, connection: Connection) -> None:
        """End a connection, which libzmq has no call for: it finds its socket at its end, and says so to the monitor as ever.

        Whether the descriptor is still that connection's is looked at just before. Where libzmq uses it again in that very moment, another
        client has to connect again.
        """
        descriptor, connection.leaving = connection.peer.descriptor, True
        with _socket(descriptor) as found, contextlib.suppress(OSError):  # its other end was quicker
            if found is not None and _name(found) == connection.name:
                found.shutdown(socket.SHUT_RDWR)
                return
        if self.open.get(descriptor) is connection:
            del self.open[descriptor]

    def close(self) -> None:
        """Stop listening."""
        self._router.disable_monitor()
        self.socket.close(0)


@contextmanager
def _socket(descriptor: int) -> Iterator[socket.socket | None]:
    """libzmq's own socket, to ask and to shut down; it stays open. None where it is gone."""
    try:
        found = socket.socket(fileno=descriptor)
    except (OSError, ValueError):  # closed, or something else by now
        yield None
        return
    try:
        yield found
    finally:
        found.detach()


def _name(found: socket.socket) -> tuple[object, int]:
    """Raises OSError where it has ended: libzmq may close it in its own thread at any moment."""
    return found.getpeername(), os.fstat(found.fileno()).st_ino if os.name == "posix" else 0


def _said(frame: zmq.Frame, what: str) -> str:
    """What libzmq knows of whoever sent a frame; "" nothing."""
    try:
        return str(frame.get(what))
    except zmq.ZMQError:
        return ""


def _host(name: object) -> str:
    """The address in what getpeername gives; "" for a socket of this machine's files."""
    return str(name[0]) if isinstance(name, tuple) else ""
