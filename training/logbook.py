"""log.jsonl of one training: a line for every N steps, the mean of each figure over them, exact after a kill.

A resumed training forgets the lines after its checkpoint. A checkpoint between two lines (Ctrl-C) keeps the sums of the line begun in
window.json, marked with its step, so that the next line is the one of the unbroken run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.files import write_text
from training.watch import Finding

LOG = "log.jsonl"
WINDOW = "window.json"
WARNINGS = "warnings"

Line = Mapping[str, float]
"""`step` and the mean of each figure since the line before."""


class Logbook:
    """The log of one folder and the sums of the line begun."""

    def __init__(self, folder: Path, at: int, *, write: bool = True) -> None:
        """Open the log at step `at`, forgetting what comes after it."""
        self._path, self._window = folder / LOG, folder / WINDOW
        self._write = write
        self.saved_at = at
        texts = self._path.read_text(encoding="utf-8").splitlines() if self._path.is_file() else []
        kept = [(text, line) for text in texts if (line := _read(text)) and line["step"] <= at]
        self.lines: list[Line] = [{k: v for k, v in line.items() if k != WARNINGS} for _, line in kept]
        if write:
            write_text(self._path, "".join(text + "\n" for text, _ in kept))
            self._file = self._path.open("a", encoding="utf-8")
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        if self._window.is_file():
            window = json.loads(self._window.read_text(encoding="utf-8"))
            if window["step"] == at:
                self._sums, self._counts = window["sums"], window["counts"]

    def add(self, scalars: Mapping[str, float]) -> None:
        """Count the figures of one step into the line begun."""
        for name, value in scalars.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def mean(self) -> dict[str, float]:
        """Means of the line begun, to six digits."""
        return {k: float(f"{v / self._counts[k]:.6g}") for k, v in self._sums.items()}

    def write(self, line: Line, findings: Sequence[Finding]) -> None:
        """End the line begun."""
        if self._write:
            said = {WARNINGS: [f.cause for f in findings]} if findings else {}
            self._file.write(json.dumps({**line, **said}) + "\n")
        self._sums, self._counts = {}, {}

    def before_save(self, at: int) -> None:
        """Bring the log to the disk and keep the line begun, before a checkpoint of step `at` is written."""
        self._file.flush()
        if self._sums:
            write_text(self._window, json.dumps({"step": at, "sums": self._sums, "counts": self._counts}) + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._write:
            self._file.close()


def _read(text: str) -> dict[str, float] | None:
    """A line, or None where a kill cut it off."""
    try:
        line = json.loads(text)
    except json.JSONDecodeError:
        return None
    return line if isinstance(line, dict) and "step" in line else None
