"""What an operator renews while the server runs: files that are read again when they change. What cannot be read leaves in force what was."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from vcg_bridge.contract.errors import VcgError

log = logging.getLogger("vcg_bridge.server")

LOOK_S = 2.0
"""How often it is looked whether files have changed."""

AGAIN_S = 10.0
"""How soon files that could not be taken are tried again: they may still be being written."""


class Renewable(Protocol):
    """What is renewed. Owned by the server's thread."""

    @property
    def complaint(self) -> str:
        """Why the newest is not in force; "" it is."""

    def look(self, now: float, *, at_once: bool = False) -> None:
        """Take it anew, if it has changed or could not be taken before. at_once: in any case. now: of the monotonic clock, s."""


class Renewed:
    """Some files that are taken together. Safe in threads."""

    def __init__(self, what: str, files: Sequence[Path], take: Callable[[], str]) -> None:
        """what: the option that names them, for the log. take: reads them and puts them in force, or raises VcgError or OSError and changes
        nothing; returns what there is to say about them. They count as taken now.
        """
        self.complaint = ""
        self._what, self._files, self._take = what, tuple(files), take
        self._lock = threading.Lock()
        self._stamp = self._stamps()
        self._looked = self._failed = float("-inf")

    def look(self, now: float, *, at_once: bool = False) -> None:
        """Take them, if they have changed or could not be taken before. at_once: in any case."""
        with self._lock:
            if not at_once and now - self._looked < LOOK_S:
                return
            self._looked = now
            self._look(now, at_once)

    def check(self, now: float) -> None:
        """The same, also where somebody has looked a moment ago."""
        with self._lock:
            self._look(now, at_once=False)

    def _look(self, now: float, at_once: bool) -> None:
        stamp = self._stamps()
        again = bool(self.complaint) and now - self._failed >= AGAIN_S
        if not at_once and not again and stamp == self._stamp:
            return
        self._stamp = stamp  # of before they are read: what is written meanwhile is seen the next time
        try:
            said = self._take()
        except (VcgError, OSError) as error:
            self._failed = now
            if at_once or str(error) != self.complaint:
                log.error("%s cannot be taken anew, what was there stays in force: %s", self._what, error)
            self.complaint = str(error)
            return
        self.complaint = ""
        log.warning("%s is taken anew: %s", self._what, said)

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stamp(path) for path in self._files)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
