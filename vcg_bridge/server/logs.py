"""The log, for people or for programs."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

FIELDS = ("client", "request")
"""What lines about a job carry besides their words: `extra` of the logging calls."""


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
        return json.dumps(line, ensure_ascii=False)


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


def set_up(level: int, *, json_lines: bool, stream: TextIO = sys.stderr) -> None:
    """Write the log of this process to a stream, unless whoever runs us has set it up already."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if json_lines else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
