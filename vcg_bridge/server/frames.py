"""Frames of ZMTP 3, counted as they pass: libzmq gathers those of one message without limit, so who can see them counts before it does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from vcg_bridge.contract.errors import ProtocolError
from vcg_bridge.server.departures import Carried
from vcg_bridge.server.rate import Bucket, units

FRAMES = 16
"""Of one message. Protocol 1 has one in a request; the server answers a message of some more with what is wrong with it."""

FRONT_PER_S, FRONT_BURST = 8000.0, 4000
"""Units (`rate.units`) that come through for one client, in the long run and at once. What is more waits in its own machine."""

PIECE_BYTES = 1 << 13
"""That are read at once: four thousand messages fit into it."""

AHEAD = 256
"""Units that may wait for the server while it is behind. Who sends one message at a time does not wait for those who send thousands."""

BEHIND_S = 0.01
"""How soon it is looked again whether the server has caught up."""

CURVE_BYTES = 64
"""That encryption adds to a frame, at most."""

HANDSHAKE_BYTES = 512
"""Of the READY command: what clients of protocol 1 send has less than 64."""

_GREETING = 64
_MORE, _LONG, _COMMAND = 1, 2, 4
_READY = b"\x05READY"


def wire_bytes(size: int) -> int:
    """What a frame with so many bytes takes on its way, at least."""
    return size + (2 if size <= 255 else 9)


class FrameCounter:
    """One direction of one connection. It looks at lengths and flags, and into the handshake: a ROUTER takes a peer's own name at its word."""

    def __init__(self, most_bytes: int, *, curve: bool = False) -> None:
        """most_bytes: of one message, or of one command. curve: what is in the frames is encrypted; their number and length can be seen."""
        self._most = most_bytes + (CURVE_BYTES if curve else 0)
        self._head = bytearray()  # of the greeting, or of the frame that begins
        self._greeted = False
        self._ready: bytearray | None = (
            None if curve else bytearray()
        )  # the frame after the greeting; None once it was seen
        self._body = 0  # bytes of the frame that are still to come
        self._frames = 0  # of the message so far
        self._size = 0  # its bytes
        self.units = 0
        """What all that came cost whoever has to read it, `rate.units`."""

    def feed(self, data: bytes) -> None:
        """The next bytes. Raises ProtocolError for what is not ZMTP 3 and for a message of too many frames or bytes."""
        at, end = 0, len(data)
        if not self._greeted:
            at = _GREETING - len(self._head)
            self._head += data[:at]
            self._greet()
        while at < end:
            if self._body:
                step = min(self._body, end - at)
                self._body -= step
                if self._ready is not None:
                    self._ready += data[at : at + step]
                    if not self._body:
                        _check_ready(bytes(self._ready))
                        self._ready = None
                at += step
                continue
            wanted = 9 if self._head and self._head[0] & _LONG else 2
            piece = data[at : at + wanted - len(self._head)] if self._head else data[at : at + 1]
            self._head += piece
            at += len(piece)
            if len(self._head) == (9 if self._head[0] & _LONG else 2):
                self._begin(self._head[0], int.from_bytes(self._head[1:], "big"))
                self._head.clear()

    def _greet(self) -> None:
        head = bytes(self._head)
        if head[:1] not in (b"", b"\xff") or head[9:10] not in (b"", b"\x7f") or (len(head) > 10 and head[10] < 3):
            raise ProtocolError("this is no greeting of ZMTP 3")
        if len(head) == _GREETING:
            self._greeted = True
            self._head.clear()

    def _begin(self, flags: int, size: int) -> None:
        if flags & ~(_MORE | _LONG | _COMMAND):
            raise ProtocolError(f"a frame has the flags {flags:#x}, which ZMTP 3 does not know")
        self._body = size
        self.units += units(1, size)
        if self._ready is not None:
            if not flags & _COMMAND or not 0 < size <= HANDSHAKE_BYTES:
                raise ProtocolError("the greeting is not followed by a handshake")
            return
        if flags & _COMMAND:
            if size > self._most:
                raise ProtocolError(f"a command has {size} bytes")
            return
        self._frames += 1
        self._size += size
        if self._frames > FRAMES or self._size > self._most:
            raise ProtocolError(
                f"a message has more than {FRAMES} frames or {self._most} bytes", hint="a request has one frame"
            )
        if not flags & _MORE:
            self._frames = self._size = 0


def _check_ready(body: bytes) -> None:
    """Raise ProtocolError unless it is a READY command whose peer leaves its name to the ROUTER."""
    at, end = len(_READY), len(body)
    if not body.startswith(_READY):
        raise ProtocolError("the greeting is not followed by a handshake")
    while at < end:
        name = body[at + 1 : at + 1 + body[at]]
        at += 1 + len(name) + 4
        size = int.from_bytes(body[at - 4 : at], "big")
        if at + size > end:
            raise ProtocolError("the handshake's properties do not end with it")
        if size and name.lower() == b"identity":
            raise ProtocolError("this connection has a ZeroMQ identity of its own", hint="leave it empty")
        at += size


class CountedReader(asyncio.StreamReader):
    """Reads only what its counter lets pass."""

    def __init__(
        self,
        limit: int,
        loop: asyncio.AbstractEventLoop,
        counter: FrameCounter,
        carried: Carried,
        behind: Callable[[], bool],
    ) -> None:
        """behind: whether whoever gets what is read has too much of it already."""
        super().__init__(limit, loop)
        self._counter, self._carried, self._behind, self._counted = counter, carried, behind, 0
        self._talk = Bucket(FRONT_PER_S, FRONT_BURST, time.monotonic())
        self.complaint = ""
        """What was wrong with what came. It has ended with it."""

    async def read(self, n: int = -1) -> bytes:
        """As ever, but only so fast: then TCP makes the other side wait. Raises ConnectionAbortedError where the counter complains."""
        data = await super().read(min(n, PIECE_BYTES))
        try:
            self._counter.feed(data)
        except ProtocolError as error:
            self.complaint = error.message
            raise ConnectionAbortedError(error.message) from None
        carried = self._carried
        carried.received += len(data)
        cost, self._counted = self._counter.units - self._counted, self._counter.units
        carried.passed += cost
        wait_s = self._talk.owe(cost, time.monotonic())
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        while data and self._behind():
            if carried.passed - carried.taken <= AHEAD:
                return data
            await asyncio.sleep(BEHIND_S)
        carried.taken = carried.passed  # also what is no message, and what is encrypted
        return data
