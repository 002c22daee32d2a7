"""Replicas in processes of this machine: the server's end of their pipes."""

from __future__ import annotations

import logging
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO

from vcg_bridge.generators.cache import CacheInfo
from vcg_bridge.server.jobs import Turn
from vcg_bridge.server.orders import Opened, Pause, Said, Settings, Stop, pack_order, pack_turn, unpack_report
from vcg_bridge.server.pipes import framed, read_frame
from vcg_bridge.server.worker import Event, Lost, Stage

log = logging.getLogger("vcg_bridge.server")

STOP_S = 3.0


class ProcessReplica:
    """One process that draws. All methods are for the server's thread, and none of them waits but `close`."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        folder_of: Callable[[str], str],
        notify: Callable[[], None],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """folder_of: where the bundle of that version is. notify: called from another thread when there is something to take.

        environment: variables that it has besides ours. Raises OSError where no process can be started.
        """
        self.name, self.ready, self.lost = name, False, ""
        self.cache = CacheInfo(0, 0, 0, 0, 0)
        self._folder_of, self._notify = folder_of, notify
        self._events: deque[Event | Stage | Lost] = deque()
        self._orders: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.environment = environment
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vcg_bridge.server.replica"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders.put(settings.pack())
        self._threads = [
            threading.Thread(target=run, args=(stream,), name=f"vcg-{name.replace(' ', '-')}-{word}", daemon=True)
            for run, stream, word in (
                (self._write, self._process.stdin, "orders"), (self._read, self._process.stdout, "reports"),
            )
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def submit(self, turn: Turn) -> None:
        """Draw this next."""
        self._orders.put(pack_turn(turn, self._folder_of(turn.sha256)))
        turn.pause.on_set(lambda: self._orders.put(pack_order(Pause(turn.number))))
        for step in turn.steps:
            step.stop.on_set(lambda number=step.number: self._orders.put(pack_order(Stop(number))))  # type: ignore[misc]

    def take(self) -> list[Event | Stage | Lost]:
        """The events since the last call, in order."""
        events: list[Event | Stage | Lost] = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def kill(self, why: str) -> None:
        """End it at once; it is `lost` a moment later."""
        log.error("%s is killed: %s", self.name, why)
        self._process.kill()

    def close(self) -> None:
        """End it and wait for that."""
        self._orders.put(None)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(STOP_S)

    def _write(self, stream: BinaryIO) -> None:
        try:
            with stream:
                while (data := self._orders.get()) is not None:
                    stream.write(framed(data))
                    stream.flush()
        except OSError:  # it is gone: `_read` says so
            return

    def _read(self, stream: BinaryIO) -> None:
        try:
            with stream:
                while True:
                    self._heard(read_frame(stream))
        except (EOFError, OSError):
            code = self._process.wait()
            self.lost = f"its process has ended ({f'signal {-code}' if code < 0 else f'code {code}'})"
            self._notify()

    def _heard(self, data: bytes) -> None:
        report = unpack_report(data)
        if isinstance(report, Said):
            log.log(report.level, "%s: %s", self.name, report.message)
        elif isinstance(report, CacheInfo):
            self.cache = report
        else:
            if isinstance(report, Opened):
                self.ready = True
            else:
                self._events.append(report)
            self._notify()
