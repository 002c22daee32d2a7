"""All who draw: the server's own threads, and replicas beside it.

The own threads are there from the start and close to the socket: they draw what somebody waits for. Replicas are processes that give
way to everything else on the machine; batches are for them, and whatever the own threads have no time for. They are started
when there is work for them, one after the other, and end when there has been none for a while; those on other machines are there from the start, and stay. One that dies or hangs is
replaced, and what it was drawing is drawn by others.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from vcg_bridge.generators.cache import CacheInfo
from vcg_bridge.server.jobs import Turn
from vcg_bridge.server.scheduler import Kind
from vcg_bridge.server.trace import Trace
from vcg_bridge.server.worker import Event, Lost, Stage, Worker

log = logging.getLogger("vcg_bridge.server")

SHORT_S = 0.5
"""So long there must have been too much to do before a further replica is started for interactive work."""

SLOW_S = 3.0
"""Where replicas are at a turn for so long, other programs leave them next to nothing of the machine: the own threads draw batches too."""

IDLE_S = 300.0
"""Replicas that had nothing to do for so long end."""

LATE_S = 10.0
"""Where nothing has come for so long of somebody who is at a turn, that turn is taken back, and others draw it: a turn takes a second, on a very
slow machine some. Each time that it is taken back the next one gets PATIENCE times as long: where all are slow, it must come to its end."""

PATIENCE = 3

STUCK_S = 120.0
"""A replica that is at a turn and of which nothing has come for so long hangs."""

STANDSTILL_S = 5.0
"""Where the server itself has looked at nothing for so long, it cannot tell who else was slow meanwhile."""

ASK_AGAIN_S = 60.0
"""A replica that could not open a version of a bundle is asked for it again after so long: its files may be back."""

START_S = 300.0
"""A replica is there in two seconds, on a machine with much else to do in some more. One that is not after so long hangs. (Those of a
cluster may have to wait for a place in it.)"""

BACKOFF_S = (0.5, 60.0)
"""A replica that is lost is replaced after so long: at first, and at most where they are lost one after the other."""


class Replica(Protocol):
    """One who draws elsewhere. All but `close` return at once."""

    name: str
    ready: bool  # takes turns
    lost: str  # why it draws no more; "" it does
    blameless: bool  # what it was drawing cannot be why it is lost
    cache: CacheInfo

    def submit(self, turn: Turn) -> None:
        """Draw this next."""

    def take(self) -> list[Event | Stage | Lost]:
        """The events since the last call, in order."""

    def kill(self, why: str) -> None:
        """End it at once; it is `lost` a moment later."""

    def close(self) -> None:
        """End it and wait for that."""


@dataclass
class _Given:
    """A turn that somebody is at."""

    turn: Turn
    kind: Kind
    since: float  # s
    suspect: bool  # it may be why somebody else was lost, or fell silent
    patience_s: float  # until it is taken back
    taken_back: bool = False


@dataclass
class _Place:
    """One who draws, and what it is at."""

    who: Worker | Replica
    name: str
    since: float  # s; when it was started
    heard: float  # s; when something last came of its turns, or it had none
    drawing: int | None = None  # turn whose layers it draws: until that is over it takes no other
    turns: dict[int, _Given] = field(default_factory=dict)  # with the one that is finished; by number
    unable: dict[str, float] = field(default_factory=dict)  # versions that it cannot draw with; s, since when

    def can(self, sha256: str, now: float) -> bool:
        """Whether it can draw with that version, as far as is known."""
        return now - self.unable.get(sha256, float("-inf")) > ASK_AGAIN_S

    def silent(self, now: float, seconds: float) -> bool:
        """Whether it is at a turn of which nothing has come for so long."""
        return bool(self.turns) and now - self.heard > seconds

    @property
    def free(self) -> bool:
        """Whether it takes a turn now. Who is at one that may be deadly takes no other, which would be lost with it."""
        return self.drawing is None and not any(given.suspect for given in self.turns.values())


class Crew:
    """Owned by the server's thread."""

    def __init__(
        self,
        own: Worker,
        recruit: Callable[[str], Replica] | None = None,
        most: int = 0,
        *,
        at_once: bool = False,
        dismiss: Callable[[], None] = lambda: None,
        trace: Trace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """recruit: makes a replica of that name. most: so many of them. at_once: all are started with the server and stay. dismiss: called
        when the last of them has ended.
        """
        self._own = _Place(own, "server", clock(), clock())
        self._dismiss = dismiss
        self._recruit, self._most, self._at_once = recruit, most if recruit is not None else 0, at_once
        self._trace, self._clock = trace, clock
        self._places: list[_Place] = []  # of replicas
        self._closing: list[threading.Thread] = []  # of those that were sent home
        self._recruited = 0
        self._short, self._wanted = False, False  # since the clock was last looked at
        self._short_since: float | None = None
        self._used = self._seen = clock()
        self._not_before, self._backoff_s = clock(), BACKOFF_S[0]

        self.lost = 0
        """Replicas that died or were killed."""
        self.gone: list[CacheInfo] = []
        """What the caches of former replicas gave, added up."""

    @property
    def most(self) -> int:
        """Replicas there may be."""
        return self._most

    @property
    def replicas(self) -> list[Replica]:
        """Those there are now."""
        return [place.who for place in self._places if not isinstance(place.who, Worker)]

    def lanes(self, sha256: str) -> int:
        """Steps of one batch job that are drawn at the same time: each who can draw has one at hand and one to be finished."""
        return 2 * max(1, len(self._able(sha256)))

    def _ready(self) -> list[_Place]:
        return [place for place in self._places if place.who.ready]  # type: ignore[union-attr]

    def _able(self, sha256: str) -> list[_Place]:
        """Replicas that can draw with that version, and do draw."""
        now = self._clock()
        return [place for place in self._ready() if place.can(sha256, now) and not place.silent(now, SLOW_S)]

    def risks(self, sha256: str, *, lost: bool) -> bool:
        """Whether a suspect step may be drawn again now: by another replica, and by the server's own threads only where there is none. lost:
        somebody died of it, perhaps; then another replica is asked for, and waited for while one can be had.
        """
        if able := self._able(sha256):
            return any(place.free for place in able)
        if not lost:
            return True
        self._wanted = True
        now = self._clock()
        none_can = len(self._places) >= self._most and not any(place.can(sha256, now) for place in self._places)
        return none_can or self._backoff_s >= BACKOFF_S[1]

    @property
    def busy(self) -> bool:
        """Nobody could begin anything now."""
        return not self._own.free and not any(place.free for place in self._ready())

    def free(self, kind: Kind, sha256: str) -> int:
        """How many could begin a turn of that kind, with that version of a bundle, now."""
        return len(self._free(kind, sha256))

    def _free(self, kind: Kind, sha256: str) -> list[_Place]:
        """The preferred one first."""
        able = self._able(sha256)
        others = [place for place in able if place.free]
        hangs = self._most > 0 and self._own.silent(self._clock(), STUCK_S)
        own = [self._own] if self._own.free and not hangs else []
        if kind is Kind.BATCH:
            return others + own if self._slow() or not able else others
        if kind is Kind.FRESH and self._slow() and any(given.kind is Kind.BATCH for given in self._own.turns.values()):
            return own  # the own threads drop that batch at once: sooner than a replica that gets nothing of the machine is done
        return own + others

    def _slow(self) -> bool:
        """Whether replicas get next to nothing of the machine."""
        now = self._clock()
        return any(now - given.since > SLOW_S for place in self._ready() for given in place.turns.values())

    def submit(self, turn: Turn, kind: Kind, *, suspect: bool = False, taken_back: int = 0) -> None:
        """Have somebody draw it, who must be free. suspect: who draws it takes nothing else meanwhile. taken_back: how often it was."""
        place = self._free(kind, turn.sha256)[0]
        now = self._clock()
        if not place.turns:
            place.heard = now
        place.drawing = turn.number
        place.turns[turn.number] = _Given(
            turn, kind, now, suspect, (STUCK_S if place is self._own else LATE_S) * PATIENCE**taken_back
        )
        self._wanted |= kind is Kind.BATCH
        if place is not self._own:
            self._used = now
        place.who.submit(turn)

    def short(self) -> None:
        """Something waits for somebody to be free."""
        self._short = True

    def is_own(self, turn: Turn) -> bool:
        """Whether the server's own threads draw it."""
        return turn.number in self._own.turns

    def take(self) -> Iterator[Event | Stage | Lost]:
        """What those who draw say, in the order of each. Several times a second, or they seem silent."""
        now = self._clock()
        stood_still, self._seen = now - self._seen > STANDSTILL_S, now
        for place in (self._own, *tuple(self._places)):
            lost = place.who.lost if not isinstance(place.who, Worker) else ""  # before its last words are read
            events = place.who.take()
            if events or stood_still:
                place.heard = now
            for event in events:
                if isinstance(event, Stage):
                    self._stage(place, event)
                elif isinstance(event, Lost) and place is not self._own:
                    given = place.turns.get(event.turn)
                    if given is not None:
                        place.unable[given.turn.sha256] = now
                    log.warning("%s: %s", place.name, event.why)
                    event = event._replace(counts=False)
                yield event
            yield from self._bury(place, lost) if lost else self._take_back(place, now)

    def _take_back(self, place: _Place, now: float) -> Iterator[Lost]:
        """Who says nothing keeps its turns, and is free again when they are over; but nobody waits for it. What it says of them then is ignored."""
        if place is self._own and not self._most:  # there is nobody else
            return
        for number, given in place.turns.items():
            if not given.taken_back and place.silent(now, given.patience_s):
                given.taken_back = True
                why = f"nothing has come of {place.name} for {now - place.heard:.0f} s"
                log.error("%s: its turn is drawn by others", why)
                yield Lost(number, why, False, True)

    def _stage(self, place: _Place, event: Stage) -> None:
        given = place.turns.get(event.turn)
        if self._trace is not None and given is not None:
            now, turn = self._clock(), given.turn
            steps = [f"{step.plan.request.id}: {step.first} to {step.end - 1}" for step in turn.steps]
            track = f"{place.name}: {'compose and encode' if event.finished else 'draw'}"
            self._trace.span(track, turn.model, now - event.seconds, now, steps=steps, paused=turn.pause.is_set())
        if place.drawing == event.turn:
            place.drawing = None
        if event.finished:
            place.turns.pop(event.turn, None)

    def _bury(self, place: _Place, why: str) -> Iterator[Lost]:
        self._places.remove(place)
        now = self._clock()
        assert not isinstance(place.who, Worker)
        if place.who.ready and now - place.since > BACKOFF_S[1]:  # it had lasted
            self._backoff_s = BACKOFF_S[0]
        self._not_before = now + self._backoff_s
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_S[1])
        self.lost += 1
        log.error("%s is lost: %s; %d turns are drawn by others", place.name, why, len(place.turns))
        self._remember(place.who)
        self._end(place.who)
        for number in place.turns:
            yield Lost(number, f"{place.name}: {why}", not place.who.blameless)

    def look_at_the_clock(self) -> None:
        """Start, end and replace replicas. A few times a second."""
        now = self._clock()
        for place in self._places:
            assert not isinstance(place.who, Worker)
            if place.silent(now, STUCK_S):
                place.who.kill(f"it is at a turn, and nothing has come of it for {STUCK_S:.0f} s")
            elif not place.who.ready and not self._at_once and now - place.since > START_S:
                place.who.kill(f"it does not come up within {START_S:.0f} s")
        if not self._short:
            self._short_since = None
        elif self._short_since is None:
            self._short_since = now
        wants = self._at_once or self._wanted or (self._short_since is not None and now - self._short_since >= SHORT_S)
        self._short = self._wanted = False
        while wants and self._may_start(now):
            self._start(now)
        if len(self._ready()) < len(self._places):  # who is not there yet has nothing to do with good reason
            self._used = now
        at_work = any(place.turns for place in self._places)
        if not self._at_once and self._places and not at_work and now - self._used > IDLE_S:
            log.info("%d replicas end: there was nothing to do for %.0f s", len(self._places), IDLE_S)
            for replica in self.replicas:
                self._remember(replica)
            self._send_home()

    def _send_home(self) -> None:
        """End all replicas."""
        for replica in self.replicas:
            self._end(replica)
        self._places.clear()

    def _end(self, replica: Replica) -> None:
        """End a replica beside: one that hangs takes seconds."""
        self._closing = [thread for thread in self._closing if thread.is_alive()]
        self._closing.append(threading.Thread(target=replica.close, name="vcg-close", daemon=True))
        self._closing[-1].start()

    def _remember(self, replica: Replica) -> None:
        before, last = self.gone[0] if self.gone else CacheInfo(0, 0, 0, 0, 0), replica.cache
        self.gone = [CacheInfo(before.hits + last.hits, before.misses + last.misses, 0, 0, 0)]

    def _may_start(self, now: float) -> bool:
        """Whether there may be one more. Those of this machine start one after the other: each takes a core until it is ready."""
        return (
            len(self._places) < self._most
            and now >= self._not_before
            and (self._at_once or len(self._ready()) == len(self._places))
        )

    def _start(self, now: float) -> None:
        assert self._recruit is not None
        self._recruited += 1
        name = f"replica {self._recruited}"
        try:
            self._places.append(_Place(self._recruit(name), name, now, now))
        except Exception as error:
            self._not_before = now + self._backoff_s
            self._backoff_s = min(2 * self._backoff_s, BACKOFF_S[1])
            log.error("%s could not be started: %s", name, error)

    def close(self) -> None:
        """End all replicas."""
        self._send_home()
        for thread in self._closing:
            thread.join()
        self._dismiss()
