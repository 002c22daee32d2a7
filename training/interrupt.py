"""Ctrl-C: the first asks the training to save and end, the second ends it at once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

TOGETHER_S = 1.0
"""Signals this close count as one: a terminal sends Ctrl-C to torchrun and to its children, and torchrun passes it on to them again."""


class Interrupt:
    """While entered, SIGINT and SIGTERM set a flag instead of ending the process; a second one does what it always did."""

    def __init__(self, say: Callable[[], None] = lambda: None) -> None:
        """`say` is called at the first signal."""
        self._say = say
        self._first: float | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        """Whether the training was asked to end."""
        return self._first is not None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
            self._say()
        elif now - self._first > TOGETHER_S:
            self._restore()
            signal.raise_signal(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
