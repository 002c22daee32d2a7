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

SOCKET = "socket"
"""The track of what is sent."""


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
        self._tracks: dict[str, int] = {}
        self._track(SOCKET)

    def span(self, track: str, name: str, begin: float, end: float, **args: object) -> None:
        """Something that took a while. track: who did it, a row of its own."""
        tid = self._track(track)
        self._write(
            {"ph": "X", "name": name, "tid": tid, "ts": self._at(begin), "dur": (end - begin) * 1e6, "args": args}
        )

    def _track(self, name: str) -> int:
        if name not in self._tracks:
            self._tracks[name] = len(self._tracks) + 1
            self._write({"ph": "M", "name": "thread_name", "tid": self._tracks[name], "args": {"name": name}})
        return self._tracks[name]

    def job(self, label: str, begin: float, end: float, **args: object) -> None:
        """A job from its request to its end: jobs overlap, so each has a row of its own."""
        common = {"cat": "job", "name": label, "id": label, "tid": self._tracks[SOCKET]}
        self._write({"ph": "b", **common, "ts": self._at(begin), "args": args})
        self._write({"ph": "e", **common, "ts": self._at(end)})

    def instant(self, name: str, at: float, **args: object) -> None:
        """Something that happened on the socket."""
        self._write({"ph": "i", "s": "t", "name": name, "tid": self._tracks[SOCKET], "ts": self._at(at), "args": args})

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
        line = json.dumps({"pid": os.getpid(), "tid": 1, **event}) + ",\n"
        with self._lock:
            if self._full or self._file.closed:
                return
            try:
                self._file.write(line)
                self._full = self._file.tell() > MOST_BYTES
            except OSError:  # a full disk ends the trace, not the server
                self._full = True
