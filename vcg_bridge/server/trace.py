"""A time line of all that the server does, as Chrome trace events: https://ui.perfetto.dev opens the file.

The file is a JSON array that is written as things happen, an event a line, each at once and whole: where the process is killed the array
has no end, which Perfetto takes as well.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from pathlib import Path

from vcg_bridge.contract.errors import OutputError

log = logging.getLogger("vcg_bridge.server")

MOST_BYTES = 512 << 20
"""After that nothing more is written."""

SOCKET = "socket"
"""The track of what is sent."""


class Trace:
    """A file of events. Safe in threads. Times are of time.monotonic(), seconds."""

    def __init__(self, path: Path) -> None:
        """Raises OutputError where it cannot be written."""
        try:
            # Without a buffer: what happened just before a kill is what one wants to see, and no event is cut in two.
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            raise OutputError(f"--trace {path}: cannot be written: {error.strerror or error}") from None
        self._lock, self._start = threading.Lock(), time.monotonic()
        self._bytes, self._full = 0, False
        self._put(b"[\n")
        self._write({"ph": "M", "name": "process_name", "args": {"name": "vcg serve"}})
        self._tracks: dict[str, int] = {}
        self._track(SOCKET)

    def span(self, track: str, name: str, begin: float, end: float, **args: object) -> None:
        """Something that took a while. track: who did it, a row of its own."""
        tid = self._track(track)
        self._write(
            {"ph": "X", "name": name, "tid": tid, "ts": self._at(begin), "dur": (end - begin) * 1e6, "args": args}
        )

    def _track(self, name: str) -> int:
        if name not in self._tracks and not self._full:
            self._tracks[name] = len(self._tracks) + 1
            self._write({"ph": "M", "name": "thread_name", "tid": self._tracks[name], "args": {"name": name}})
        return self._tracks.get(name, 0)

    def job(self, label: str, begin: float, end: float, **args: object) -> None:
        """A job from its request to its end: jobs overlap, so each has a row of its own."""
        common = {"cat": "job", "name": label, "id": label, "tid": self._track(SOCKET)}
        self._write({"ph": "b", **common, "ts": self._at(begin), "args": args})
        self._write({"ph": "e", **common, "ts": self._at(end)})

    def instant(self, name: str, at: float, **args: object) -> None:
        """Something that happened on the socket."""
        self._write({"ph": "i", "s": "t", "name": name, "tid": self._track(SOCKET), "ts": self._at(at), "args": args})

    def close(self) -> None:
        """Make the array whole."""
        with self._lock:
            if not self._file.closed:
                self._put(b"{}]\n")
                self._file.close()

    def _at(self, moment: float) -> float:
        return (moment - self._start) * 1e6

    def _write(self, event: dict[str, object]) -> None:
        if self._full:
            return
        line = json.dumps({"pid": os.getpid(), "tid": 1, **event}) + ",\n"
        with self._lock:
            if self._full or self._file.closed:
                return
            self._put(line.encode())
            if self._bytes > MOST_BYTES and not self._full:
                self._full = True
                log.warning("--trace: the file has its %d MiB; the time line ends here", MOST_BYTES >> 20)

    def _put(self, data: bytes) -> None:
        """Write all of it or, where that cannot be, nothing, and no more: a full disk ends the trace, not the server."""
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:]) or 0
            self._bytes += written
        except OSError as error:
            if not self._full:
                log.warning("--trace: the time line ends here: %s", error.strerror or error)
            self._full = True
            with contextlib.suppress(OSError):
                self._file.truncate(self._bytes)
                self._file.seek(self._bytes)
