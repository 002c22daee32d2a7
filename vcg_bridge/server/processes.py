"""Replicas in processes of this machine: the server's end of their pipes."""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import BinaryIO

from vcg_bridge.server.jobs import Turn
from vcg_bridge.server.orders import Settings
from vcg_bridge.server.pipes import framed, python, read_frame
from vcg_bridge.server.remote import RemoteReplica
from vcg_bridge.server.replica import UNHEARD

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


class ProcessReplica(RemoteReplica):
    """One process that draws. No method waits but `close`."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        folder_of: Callable[[str], str],
        notify: Callable[[], None],
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """folder_of, notify: see RemoteReplica. environment: variables that it has besides ours.

        Raises OSError where no process, RuntimeError where no thread can be started.
        """
        super().__init__(name, folder_of, notify)
        self._killed = False
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
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:  # the system has none left; nobody would ever hear of the process
            self._process.kill()
            self._orders.put(None)
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def kill(self, why: str) -> None:
        """End it at once. It is `lost` at once too: a process that waits for a driver or a disk can outlive its SIGKILL for long."""
        if not self._killed:
            log.error("%s is killed: %s", self.name, why)
        self._killed = True
        self._process.kill()
        self.end(f"it was killed: {why}")

    def close(self) -> None:
        """End it and wait for that, at most a few times STOP_S."""
        self._orders.put(None)
        if self._ended(self._process) is None:
            self._process.kill()
            if self._ended(self._process) is None:
                log.error("%s: process %d does not end even when it is killed; leaving it", self.name, self.pid)
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
                    self._notify()
        except (EOFError, OSError):
            pass
        except Exception as error:
            self.kill(f"its report cannot be read: {type(error).__name__}: {error}")
        code = self._ended(self._process)
        if code is None:  # it says nothing any more, so it is good for nothing
            self._process.kill()
            code = self._ended(self._process)
        how = "does not end" if code is None else f"signal {-code}" if code < 0 else f"code {code}"
        self.end(f"its process has ended ({how})")

    @staticmethod
    def _ended(process: subprocess.Popen[bytes]) -> int | None:
        """The code it ended with; None if it does not within STOP_S."""
        try:
            return process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            return None

    def _send_turn(self, turn: Turn, folder: str, data: bytes) -> None:
        self._orders.put(data)

    def _send_stop(self, data: bytes) -> None:
        self._orders.put(data)
