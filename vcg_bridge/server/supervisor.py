"""systemd, where it has started us: it is told when clients can come, that the server's thread still works, when it goes down.

The protocol of sd_notify(3): datagrams of NAME=VALUE lines to the socket that NOTIFY_SOCKET names.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

SHARE = 3
"""Signs of life in the time within which one must come: two may be late."""


class Supervisor:
    """Says nothing where nobody has asked for it. Owned by the server's thread; nothing here waits."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """Takes what systemd has put there out of the environment: it is not for our children."""
        where = environment.pop("NOTIFY_SOCKET", "")
        microseconds, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        self._every: float | None = None  # s
        if microseconds.isdecimal() and int(microseconds) > 0 and pid in ("", str(os.getpid())):
            self._every = int(microseconds) / 1e6 / SHARE
        self._said, self._next = "", float("-inf")
        self._socket: socket.socket | None = None
        if where and hasattr(socket, "AF_UNIX"):
            with contextlib.suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
                self._socket.connect("\0" + where[1:] if where.startswith("@") else where)

    def turn(self, now: float, state: str) -> None:
        """The server's thread has had a turn. state: "" ready, else why nobody should come yet or any more. now: of the monotonic clock, s."""
        if self._socket is None:
            return
        words = state or "ready"
        if words != self._said:
            self._said = words
            self._tell(f"STATUS={words}\nREADY=1" if not state else f"STATUS={words}")
        if self._every is not None and now >= self._next:
            self._next = now + self._every
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """It goes down."""
        self._said = "going down"
        self._tell("STATUS=going down\nSTOPPING=1")

    def close(self) -> None:
        """Nothing more to say."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, words: str) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it is busy, or gone: nobody else wants to know
                self._socket.send(words.encode())
