"""The drawing threads: they take turns, and give chunks. They never touch a socket, a session or a job.

One draws the layers of a turn, with the generator's threads; the other composes and encodes, meanwhile, the turn before. There is
nothing between them: a turn that is drawn waits until the one before is finished, so no more than two are under way.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from vcg_bridge.contract.errors import VcgError
from vcg_bridge.server.jobs import Ready, Step, Tally, Turn
from vcg_bridge.server.studio import Drawn, Studio

log = logging.getLogger("vcg_bridge.server")


class Event(NamedTuple):
    """What came of a step: some chunks, or that it is over, well or not."""

    step: int  # its number
    what: list[Ready] | Tally | Exception


class Stage(NamedTuple):
    """A turn is drawn: the next one can be. Or it is finished: nothing more comes of it."""

    turn: int  # its number
    finished: bool
    seconds: float  # that this stage took


class Lost(NamedTuple):
    """A turn that was under way will not be finished: its steps are to be drawn by others."""

    turn: int  # its number
    why: str
    counts: bool  # it may have been the turn's own fault
    late: bool = False  # whoever has it is there, but nothing is heard of it: it was taken back


class Shelves(Protocol):
    """Where a worker finds what it draws with."""

    @property
    def most_loaded(self) -> int:
        """Bundles whose networks may be in memory at once."""

    def __iter__(self) -> Iterator[Studio]: ...

    def get(self, sha256: str) -> Studio:
        """The studio of that version, which has been used before."""

    def use(self, sha256: str) -> Studio:
        """The studio of that version, which is about to draw. Raises whatever keeps it from being opened."""


class Worker:
    """Two threads that draw with all studios."""

    def __init__(self, shelf: Shelves, notify: Callable[[], None]) -> None:
        """notify: called from the drawing threads when there are new events."""
        self._shelf, self._notify = shelf, notify
        self.warm = False
        """All networks are loaded."""
        self._turns: queue.SimpleQueue[Turn | None] = queue.SimpleQueue()
        self._events: deque[Event | Stage | Lost] = deque()
        self._drawn: queue.SimpleQueue[Drawn | None] = queue.SimpleQueue()
        self._may_finish = threading.Semaphore(1)
        # Daemons: whatever a driver does, it cannot keep the process from ending.
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for name, run in (("vcg-worker", self._run), ("vcg-finish", self._run_finish))
        ]

    def start(self) -> None:
        """Load the networks and begin."""
        for thread in self._threads:
            thread.start()

    def submit(self, turn: Turn) -> None:
        """Draw this next."""
        self._turns.put(turn)

    def take(self) -> list[Event | Stage | Lost]:
        """The events since the last call, in order."""
        events: list[Event | Stage | Lost] = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def stop(self, timeout_s: float) -> bool:
        """End after the turn in hand. Returns whether it has."""
        self._turns.put(None)
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        cold = list(self._shelf)[: self._shelf.most_loaded]
        while True:
            while cold and self._turns.empty():  # a first request does not wait for networks that it does not need
                if self._warm(cold[0]):
                    cold.pop(0)
            if not self.warm and not cold:
                self.warm = True
                self._notify()
            turn = self._turns.get()
            if turn is None:
                self._drawn.put(None)
                return
            begin = time.monotonic()
            drawn = self._draw(turn)
            spent = time.monotonic() - begin
            self._may_finish.acquire()
            self._drawn.put(drawn)
            self._say(Stage(turn.number, False, spent))

    def _run_finish(self) -> None:
        while True:
            drawn = self._drawn.get()
            if drawn is None:
                return
            begin = time.monotonic()
            posted: Future[None] | None = None
            try:
                if drawn.steps:
                    posted = self._shelf.get(drawn.turn.sha256).finish(drawn, self._post)
            except Exception as error:
                self._fail(drawn.turn, error)
            stage = Stage(drawn.turn.number, True, time.monotonic() - begin)
            self._may_finish.release()
            if posted is None:
                self._say(stage)
            else:  # the last chunks are encoded meanwhile: were this process lost now, they would be missing
                posted.add_done_callback(lambda _, stage=stage: self._say(stage))  # type: ignore[misc]

    def _warm(self, studio: Studio) -> bool:
        """Load a studio's networks until there is something to draw. Returns whether there is nothing left to load."""
        try:
            self._shelf.use(studio.manifest.sha256)
        except KeyError:  # another one has taken its place meanwhile
            return True
        try:
            return studio.warm_up(lambda: not self._turns.empty())
        except VcgError as error:  # the requests that need it will say so too
            log.error("bundle %s: %s", studio.manifest.name, error)
        except Exception:
            log.exception("bundle %s: loading the networks failed", studio.manifest.name)
        return True

    def _draw(self, turn: Turn) -> Drawn:
        try:
            studio = self._shelf.use(turn.sha256)
        except Exception as error:
            why = error.message if isinstance(error, VcgError) else f"{type(error).__name__}: {error}"
            self._say(Lost(turn.number, f"{turn.model} cannot be opened: {why}", True))
            return Drawn(turn, [], [])
        try:
            return studio.draw(turn, self._post)
        except Exception as error:  # whatever it is, it ends these jobs and not the server
            self._fail(turn, error)
            return Drawn(turn, [], [])

    def _fail(self, turn: Turn, error: Exception) -> None:
        for step in turn.steps:
            self._post(step, error)

    def _post(self, step: Step, what: list[Ready] | Tally | Exception) -> None:
        self._say(Event(step.number, what))

    def _say(self, event: Event | Stage | Lost) -> None:
        self._events.append(event)
        self._notify()
