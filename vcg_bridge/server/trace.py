"""A time line of all that the server does, as Chrome trace events: https://ui.perfetto.dev opens the file.

The file is a JSON array that is written as things happen. Perfetto reads it also where it was cut off by a kill.
"""

from __future__ import annotations

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

DRAW, FINISH, SOCKET = 1, 2, 3
"""Tracks: the threads of the server."""

_NAMES = {DRAW: "draw", FINISH: "compose and encode", SOCKET: "socket"}


class Trace:
    """A file of events. Safe in threads. Times are of time.monotonic(), seconds."""

    def __init__(self, path: Path) -> None:
        """Raises OutputError where it cannot be written."""
        try:
            self._file = path.open("w", encoding="utf-8", buffering=1 << 16)
        except OSError as error:
            raise OutputError(f"--trace {path}: cannot be written: {error.strerror or error}") from None
        self._lock, self._start, self._full = threading.Lock(), time.monotonic(), False
        self._file.write("[\n")
        self._write({"ph": "M", "name": "process_name", "args": {"name": "vcg serve"}})
        for track, name in _NAMES.items():
            self._write({"ph": "M", "name": "thread_name", "tid": track, "args": {"name": name}})

    def span(self, track: int, name: str, begin: float, end: float, **args: object) -> None:
        """Something that took a while."""
        self._write(
            {"ph": "X", "name": name, "tid": track, "ts": self._at(begin), "dur": (end - begin) * 1e6, "args": args}
        )

    def job(self, label: str, begin: float, end: float, **args: object) -> None:
        """A job from its request to its end: jobs overlap, so each has a row of its own."""
        common = {"cat": "job", "name": label, "id": label, "tid": SOCKET}
        self._write({"ph": "b", **common, "ts": self._at(begin), "args": args})
        self._write({"ph": "e", **common, "ts": self._at(end)})

    def instant(self, name: str, at: float, **args: object) -> None:
        """Something that happened on the socket."""
        self._write({"ph": "i", "s": "t", "name": name, "tid": SOCKET, "ts": self._at(at), "args": args})

    def close(self) -> None:
        """Make the array whole."""
        with self._lock:
            if not self._file.closed:
                try:
                    self._file.write("{}]\n")
                    self._file.close()
                except OSError as error:
                    log.warning("--trace: the file is cut off: %s", error.strerror or error)

    def _at(self, moment: float) -> float:
        return (moment - self._start) * 1e6

    def _write(self, event: dict[str, object]) -> None:
        line = json.dumps({"pid": os.getpid(), "tid": SOCKET, **event}) + ",\n"
        with self._lock:
            if self._full or self._file.closed:
                return
            try:
                self._file.write(line)
                self._full = self._file.tell() > MOST_BYTES
            except OSError:  # a full disk ends the trace, not the server
                self._full = True
