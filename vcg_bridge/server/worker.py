"""The drawing thread: takes steps, gives chunks. It never touches a socket, a session or a job."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from vcg_bridge.contract.errors import VcgError
from vcg_bridge.server.jobs import Ready, Step, Tally
from vcg_bridge.server.studio import Studio

log = logging.getLogger("vcg_bridge.server")


class Event(NamedTuple):
    """What the worker has to say: some chunks of the step, or that the step is over, well or not."""

    step: Step
    what: list[Ready] | Tally | Exception


class Worker:
    """One thread that draws with all studios."""

    def __init__(self, studios: Mapping[str, Studio], notify: Callable[[], None]) -> None:
        """notify: called from the drawing thread when there are new events."""
        self._studios, self._notify = studios, notify
        self._steps: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        self._events: deque[Event] = deque()
        # A daemon: whatever a driver does, it cannot keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="vcg-worker", daemon=True)

    def start(self) -> None:
        """Load the networks and begin."""
        self._thread.start()

    def submit(self, step: Step) -> None:
        """Draw this next."""
        self._steps.put(step)

    def take(self) -> list[Event]:
        """The events since the last call, in order."""
        events = []
        while self._events:
            events.append(self._events.popleft())
        return events

    def stop(self, timeout_s: float) -> bool:
        """End after the step in hand. Returns whether it has."""
        self._steps.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        cold = list(self._studios.values())
        while True:
            while cold and self._steps.empty():  # a first request does not wait for networks that it does not need
                if self._warm(cold[0]):
                    cold.pop(0)
            step = self._steps.get()
            if step is None:
                return
            self._post(step, self._draw(step))

    def _warm(self, studio: Studio) -> bool:
        """Load a studio's networks until there is something to draw. Returns whether there is nothing left to load."""
        try:
            return studio.warm_up(lambda: not self._steps.empty())
        except VcgError as error:  # the requests that need it will say so too
            log.error("bundle %s: %s", studio.manifest.name, error)
        except Exception:
            log.exception("bundle %s: loading the networks failed", studio.manifest.name)
        return True

    def _draw(self, step: Step) -> Tally | Exception:
        try:
            return self._studios[step.plan.model].draw(step, lambda ready: self._post(step, ready))
        except Exception as error:  # whatever it is, it ends one job and not the server
            return error

    def _post(self, step: Step, what: list[Ready] | Tally | Exception) -> None:
        self._events.append(Event(step, what))
        self._notify()
