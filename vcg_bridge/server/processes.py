"""Replicas in processes of this machine: the server's end of their pipes."""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import BinaryIO

from vcg_bridge.generators.cache import CacheInfo
from vcg_bridge.server.jobs import Turn
from vcg_bridge.server.orders import Opened, Said, Settings, Stop, pack_stop, pack_turn, unpack_report
from vcg_bridge.server.pipes import framed, python, read_frame
from vcg_bridge.server.replica import UNHEARD
from vcg_bridge.server.worker import Event, Lost, Stage

log = logging.getLogger("vcg_bridge.server")

STOP_S = 3.0

_CREATION = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
"""On Windows, which has no `nice`."""


@contextmanager
def _unheard() -> Iterator[None]:
    """A process that is started meanwhile hears none of those signals from its first moment on, long before it could ignore them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, UNHEARD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
        self.name, self.ready, self.lost, self.blameless = name, False, "", False
        self._killed = False
        self.cache = CacheInfo(0, 0, 0, 0, 0)
        self._folder_of, self._notify = folder_of, notify
        self._events: deque[Event | Stage | Lost] = deque()
        self._orders: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.environment = environment
        self._orders.put(settings.pack())
        with _unheard():
            self._process = subprocess.Popen(
                [*python(), "-m", "vcg_bridge.server.replica"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                creationflags=_CREATION,
                env={**os.environ, **environment},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
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
        for step in turn.steps:
            step.stop.on_set(lambda number=step.number: self._orders.put(pack_stop(Stop(number))))  # type: ignore[misc]

    def take(self) -> list[Event | Stage | Lost]:
        """The events since the last call, in order."""
        events: list[Event | Stage | Lost] = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def kill(self, why: str) -> None:
        """End it at once; it is `lost` a moment later."""
        if not self._killed:  # it may take a while, where the system is at its wit's end
            log.error("%s is killed: %s", self.name, why)
        self._killed = True
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
            pass
        except Exception as error:
            self.kill(f"its report cannot be read: {type(error).__name__}: {error}")
        code = self._code()
        self.lost = f"its process has ended ({f'signal {-code}' if code < 0 else f'code {code}'})"
        self._notify()

    def _code(self) -> int:
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:  # it says nothing any more, so it is good for nothing
            self._process.kill()
            return self._process.wait()

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
