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
from collections.abc import Callable
from typing import NamedTuple

from vcg_bridge.contract.errors import VcgError
from vcg_bridge.server.jobs import Ready, Step, Tally, Turn
from vcg_bridge.server.shelf import Shelf
from vcg_bridge.server.studio import Drawn, Studio
from vcg_bridge.server.trace import DRAW, FINISH, Trace

log = logging.getLogger("vcg_bridge.server")


class Event(NamedTuple):
    """What the worker has to say: some chunks of the step, or that the step is over, well or not."""

    step: Step
    what: list[Ready] | Tally | Exception


class Stage(NamedTuple):
    """A turn is drawn: the next one can be. Or it is finished."""

    turn: Turn
    finished: bool


class Worker:
    """Two threads that draw with all studios."""

    def __init__(self, shelf: Shelf, notify: Callable[[], None], trace: Trace | None = None) -> None:
        """notify: called from the drawing thread when there are new events."""
        self._shelf, self._notify, self._trace = shelf, notify, trace
        self.warm = False
        """All networks are loaded."""
        self._turns: queue.SimpleQueue[Turn | None] = queue.SimpleQueue()
        self._events: deque[Event | Stage] = deque()
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

    def take(self) -> list[Event | Stage]:
        """The events since the last call, in order."""
        events: list[Event | Stage] = []
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
                self._shelf.use(cold[0].manifest.sha256)
                if self._warm(cold[0]):
                    cold.pop(0)
            self.warm = self.warm or not cold
            turn = self._turns.get()
            if turn is None:
                self._drawn.put(None)
                return
            begin = time.monotonic()
            drawn = self._draw(turn)
            self._note(DRAW, begin, turn)
            self._may_finish.acquire()
            self._drawn.put(drawn)
            self._say(Stage(turn, finished=False))

    def _run_finish(self) -> None:
        while True:
            drawn = self._drawn.get()
            if drawn is None:
                return
            begin = time.monotonic()
            try:
                self._shelf.get(drawn.turn.sha256).finish(drawn, self._post)
            except Exception as error:
                self._fail(drawn.turn, error)
            self._note(FINISH, begin, drawn.turn)
            self._may_finish.release()
            self._say(Stage(drawn.turn, finished=True))

    def _warm(self, studio: Studio) -> bool:
        """Load a studio's networks until there is something to draw. Returns whether there is nothing left to load."""
        try:
            return studio.warm_up(lambda: not self._turns.empty())
        except VcgError as error:  # the requests that need it will say so too
            log.error("bundle %s: %s", studio.manifest.name, error)
        except Exception:
            log.exception("bundle %s: loading the networks failed", studio.manifest.name)
        return True

    def _draw(self, turn: Turn) -> Drawn:
        try:
            return self._shelf.use(turn.sha256).draw(turn, self._post)
        except Exception as error:  # whatever it is, it ends these jobs and not the server
            self._fail(turn, error)
            return Drawn(turn, [], [])

    def _note(self, track: int, begin: float, turn: Turn) -> None:
        if self._trace is not None:
            steps = [f"{step.plan.request.id}: {step.first} to {step.end - 1}" for step in turn.steps]
            paused = turn.pause.is_set()
            self._trace.span(track, turn.model, begin, time.monotonic(), steps=steps, paused=paused)

    def _fail(self, turn: Turn, error: Exception) -> None:
        for step in turn.steps:
            self._post(step, error)

    def _post(self, step: Step, what: list[Ready] | Tally | Exception) -> None:
        self._say(Event(step, what))

    def _say(self, event: Event | Stage) -> None:
        self._events.append(event)
        self._notify()
