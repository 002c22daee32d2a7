"""Which connections have ended. A ROUTER tells only who tries to send; whose work should stop at once must not wait for that."""

from __future__ import annotations

import struct
from collections import Counter
from typing import NamedTuple

import zmq

_EVENTS = {
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "no_zmtp",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "mechanism",
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "keys",
}
REASONS = tuple(_EVENTS.values())
"""Why handshakes are refused."""

_ADDRESS = "inproc://vcg-monitor"


class Peer(NamedTuple):
    """The other end of a connection."""

    descriptor: int = -1  # of our socket; the system uses numbers again,
    use: int = 0  # so this counts which use it is
    address: str = ""  # IP address; "" where it is not known


class Departures:
    """Reads what libzmq's monitor says of the ROUTER's connections."""

    def __init__(self, router: zmq.Socket[bytes]) -> None:
        router.monitor(_ADDRESS, zmq.EVENT_DISCONNECTED | sum(_EVENTS))
        self._router = router
        self.socket: zmq.Socket[bytes] = router.context.socket(zmq.PAIR)
        self.socket.RCVHWM = 0  # libzmq's own thread writes to it, and must never wait for us
        self.socket.LINGER = 0
        self.socket.connect(_ADDRESS)
        self._uses: Counter[int] = Counter()
        self.failed_handshakes: Counter[str] = Counter()
        """Why -> how many, since the start."""

    def read(self) -> list[tuple[int, int]]:
        """The connections that have ended since the last call: descriptor and use."""
        gone: list[tuple[int, int]] = []
        while True:
            try:
                event, _address = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return gone
            kind, value = struct.unpack("=HI", event)
            if kind == zmq.EVENT_DISCONNECTED:
                gone.append((value, self._uses[value]))
                self._uses[value] += 1
            elif kind in _EVENTS:
                self.failed_handshakes[_EVENTS[kind]] += 1

    def peer(self, frame: zmq.Frame) -> Peer:
        """Who sent a frame. What `read` gave before is of earlier uses of its descriptor."""
        try:
            descriptor = int(frame.get(zmq.SRCFD))
        except zmq.ZMQError:  # the connection is not over a socket that has one
            descriptor = -1
        try:
            address = str(frame.get("Peer-Address"))
        except zmq.ZMQError:
            address = ""
        return Peer(descriptor, self._uses[descriptor], address)

    def close(self) -> None:
        """Stop listening."""
        self._router.disable_monitor()
        self.socket.close(0)
