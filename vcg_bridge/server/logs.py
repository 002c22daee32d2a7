"""The log, for people or for programs."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import TextIO

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


def set_up(level: int, *, json_lines: bool, stream: TextIO = sys.stderr) -> None:
    """Write the log of this process to a stream, unless whoever runs us has set it up already."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if json_lines else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
