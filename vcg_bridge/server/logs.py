"""The log, for people or for programs."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

FIELDS = ("client", "request")
"""What lines about a job carry besides their words: `extra` of the logging calls."""

MOST_HELD = 8 << 20
"""Bytes of lines that wait to be written; more are lost."""

FLUSH_S = 2.0
"""For the last lines, when the process ends."""

AGAIN_S = 0.05
"""Where the system wants to be asked again."""


class JsonLines(logging.Formatter):
    """A JSON object a line: time (UTC), level, message, client and request where they are known, exception."""

    def format(self, record: logging.LogRecord) -> str:
        milliseconds = int(record.created * 1000) % 1000
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{milliseconds:03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)  # in ASCII: some characters beyond it end lines, or mean something to a terminal


class Sparse:
    """A kind of line that strangers can bring about as often as they like: some at once, then one in a while, with the number left out."""

    def __init__(
        self, log: logging.Logger, burst: int = 20, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """burst: lines at once. every_s: for one more."""
        self._log, self._burst, self._every, self._clock = log, burst, every_s, clock
        self._left, self._at, self._dropped = float(burst), clock(), 0

    def __call__(self, level: int, words: str, *values: object, **more: Any) -> None:
        """Log it, or count it."""
        if not self._log.isEnabledFor(level):
            return
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) / self._every)
        self._at = now
        if self._left < 1:
            self._dropped += 1
            return
        self._left -= 1
        dropped, self._dropped = self._dropped, 0
        if dropped:
            words, values = words + " (and %d like it since)", (*values, dropped)
        self._log.log(level, words, *values, **more)


class Beside(logging.Handler):
    """Writes the log in a thread of its own: whoever logs never waits, whether the reader stalls, has gone, or the disk is full.

    Lines that cannot be written are counted, and that they are missing is said in the log once it takes lines again.
    """

    def __init__(self, descriptor: int) -> None:
        """descriptor: where lines go. It stays open."""
        super().__init__()
        self.lost = 0
        """Lines that were not written, since the start."""
        self._descriptor = descriptor
        self._lines: deque[bytes] = deque()
        self._held, self._writing, self._ended = 0, False, False  # bytes of all lines that wait
        self._in_vain = False  # the latest flush did not come to an end
        self._dropped = 0  # lines for which there was no room, since one was taken
        self._failed, self._why = 0, ""  # lines that could not be written since one was, and why
        self._torn = False  # half a line is written
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line over. Never waits."""
        try:
            self.say(self.format(record))
        except Exception as error:  # a line that cannot be made is no reason to end what wanted to say it
            self.say(f"a line of the log could not be made: {type(error).__name__}: {error}")

    def say(self, line: str) -> None:
        """Hand over a line that is written as it is."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._change:
            if self._held + len(data) > MOST_HELD:
                self.lost += 1
                self._dropped += 1
                return
            if self._dropped:
                data = self._missing(self._dropped, "the reader stalls") + data
                self._dropped = 0
            self._lines.append(data)
            self._held += len(data)
            self._change.notify_all()

    def flush(self) -> None:
        """Wait until all is written, but not for ever."""
        with self._change:
            # Who has waited in vain once does not wait again: at its end Python asks twice.
            limit = 0.0 if self._in_vain else FLUSH_S
            self._in_vain = not self._change.wait_for(lambda: not self._lines and not self._writing, limit)

    def close(self) -> None:
        """Write what is left, for a moment, and end the thread."""
        self.flush()
        with self._change:
            self._ended = True
            self._change.notify_all()
        super().close()

    def _run(self) -> None:
        while True:
            with self._change:
                self._writing = False
                self._change.notify_all()
                self._change.wait_for(lambda: self._lines or self._ended)
                if not self._lines:
                    return
                data = self._lines.popleft()
                self._held -= len(data)
                self._writing = True
            self._write(data)

    def _write(self, data: bytes) -> None:
        left = b"\n" + data if self._torn else data
        if self._failed:
            left = left[: len(left) - len(data)] + self._missing(self._failed, self._why) + data
        try:
            while left:
                try:
                    written = os.write(self._descriptor, left)
                except BlockingIOError:  # whoever started us made it so
                    time.sleep(AGAIN_S)
                    continue
                left = left[written:]
                self._torn = bool(left)
        except OSError as error:
            with self._change:
                self.lost += 1
            self._failed, self._why = self._failed + 1, error.strerror or str(error)
        else:
            self._failed = 0

    def _missing(self, lines: int, why: str) -> bytes:
        """What stands in the log where lines are missing."""
        words = {
            "levelno": logging.ERROR,
            "levelname": "ERROR",
            "msg": "%d lines of the log are missing here: %s",
            "args": (lines, why),
        }
        return self.format(logging.makeLogRecord(words)).encode("utf-8", "backslashreplace") + b"\n"


def lines_lost() -> int:
    """Lines of this process' log that could not be written."""
    return sum(handler.lost for handler in logging.getLogger().handlers if isinstance(handler, Beside))


def set_up(level: int, *, json_lines: bool, stream: TextIO | None = None) -> Callable[[str], None]:
    """Write the log of this process to a stream, unless whoever runs us has set it up already. stream: None: standard error.

    Returns what says a line to whoever starts the server, whatever the level: as it is to people, as one of the log to programs.
    """
    stream = sys.stderr if stream is None else stream
    try:
        handler: logging.Handler = Beside(stream.fileno())
    except (AttributeError, OSError, ValueError):  # no file of the system's: nobody can stall it
        handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if json_lines else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(handler)
        root.setLevel(level)

    def say(line: str) -> None:
        if json_lines:
            handler.handle(
                logging.makeLogRecord({"levelno": logging.INFO, "levelname": "INFO", "msg": "%s", "args": (line,)})
            )
        elif isinstance(handler, Beside):
            handler.say(line)
        else:
            print(line, file=stream)

    return say
