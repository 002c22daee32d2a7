"""ZMTP 3.0 by hand over any socket: what an engine plugin does, and what a hostile one could."""

from __future__ import annotations

import socket
import struct

from vcg_bridge.contract import messages as m

GREETING = b"\xff" + b"\0" * 7 + b"\x01\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + b"\0" + b"\0" * 31
READY = b"\x05READY" + b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
MORE, LONG, COMMAND = 1, 2, 4


def frame(data: bytes, flags: int = 0) -> bytes:
    """One frame as it goes over the wire."""
    if len(data) > 255:
        return struct.pack(">BQ", flags | LONG, len(data)) + data
    return struct.pack(">BB", flags, len(data)) + data


class Zmtp:
    """A DEALER on a connected socket, plain or TLS. Every wait is bounded by the socket's own timeout."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def shake_hands(self) -> None:
        """Greeting and READY of both sides."""
        self.connection.sendall(GREETING)
        greeting = self.exactly(64)
        assert greeting[0] == 0xFF, greeting
        assert greeting[12:16] == b"NULL", greeting
        self.connection.sendall(frame(READY, COMMAND))
        flags, ready = self.frame()
        assert flags & COMMAND, ready
        assert ready.startswith(b"\x05READY"), ready

    def send(self, request: m.Request) -> None:
        """One message."""
        frames = m.encode(request)
        assert len(frames) == 1
        self.connection.sendall(frame(frames[0]))

    def message(self) -> list[bytes]:
        """The frames of the next message. Pings of the other side are answered."""
        frames: list[bytes] = []
        while True:
            flags, data = self.frame()
            if flags & COMMAND:
                if data.startswith(b"\x04PING"):
                    self.connection.sendall(frame(b"\x04PONG" + data[7:], COMMAND))
                continue
            frames.append(data)
            if not flags & MORE:
                return frames

    def reply(self) -> tuple[m.Reply, list[bytes]]:
        """The next message, and its blobs."""
        return m.decode_reply(self.message())

    def hello(self, token: str = "", session: str = "") -> m.Reply:
        """Say hello; what is answered."""
        self.send(m.Hello((1,), client="zmtp by hand", codecs=("zstd", "raw"), token=token, session=session))
        return self.reply()[0]

    def frame(self) -> tuple[int, bytes]:
        """Flags and bytes of the next frame."""
        flags = self.exactly(1)[0]
        size = struct.unpack(">Q", self.exactly(8))[0] if flags & LONG else self.exactly(1)[0]
        return flags, self.exactly(size)

    def exactly(self, size: int) -> bytes:
        """So many bytes. Raises EOFError where the other side ends before."""
        parts = []
        while size:
            data = self.connection.recv(min(size, 1 << 20))
            if not data:
                raise EOFError
            parts.append(data)
            size -= len(data)
        return b"".join(parts)
