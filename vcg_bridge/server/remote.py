"""What the server's ends of all replicas have in common: turns go out as orders, what comes of them comes in as reports."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

from vcg_bridge.generators.cache import CacheInfo
from vcg_bridge.server.jobs import Turn
from vcg_bridge.server.orders import Opened, Said, Stop, pack_stop, pack_turn, unpack_report
from vcg_bridge.server.worker import Event, Lost, Stage

log = logging.getLogger("vcg_bridge.server")


class RemoteReplica(ABC):
    """A replica somewhere else. Its methods are for the server's thread, but for `end` and `_heard`, which any thread may call."""

    def __init__(self, name: str, folder_of: Callable[[str], str], notify: Callable[[], None]) -> None:
        """folder_of: where the bundle of that version is. notify: called from another thread when there is something to take."""
        self.name, self.ready, self.lost, self.blameless = name, False, "", False
        self.cache = CacheInfo(0, 0, 0, 0, 0)
        self._folder_of, self._notify = folder_of, notify
        self._events: deque[Event | Stage | Lost] = deque()

    def submit(self, turn: Turn) -> None:
        """Draw this next."""
        folder = self._folder_of(turn.sha256)
        self._send_turn(turn, folder, pack_turn(turn, folder))
        for step in turn.steps:
            step.stop.on_set(lambda number=step.number: self._send_stop(pack_stop(Stop(number))))  # type: ignore[misc]

    def take(self) -> list[Event | Stage | Lost]:
        """The events since the last call, in order."""
        events: list[Event | Stage | Lost] = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def end(self, why: str, *, blameless: bool = False) -> None:
        """It draws no more. blameless: what it was drawing cannot be why. The first reason counts."""
        if not self.lost:
            self.blameless = blameless  # before it is seen that it is lost
            self.lost = why
        self._notify()

    def _heard(self, data: bytes) -> None:
        """Note one report. `_notify` is the caller's business."""
        report = unpack_report(data)
        if isinstance(report, Said):
            log.log(report.level, "%s: %s", self.name, report.message)
        elif isinstance(report, CacheInfo):
            self.cache = report
        elif isinstance(report, Opened):
            self.ready = True
        else:
            self._events.append(report)

    @abstractmethod
    def _send_turn(self, turn: Turn, folder: str, data: bytes) -> None:
        """Send an order to draw. folder: where its bundle is."""

    @abstractmethod
    def _send_stop(self, data: bytes) -> None:
        """Send a wish about something under way."""
