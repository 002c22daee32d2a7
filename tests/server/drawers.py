"""Those who draw, and a mail, simulated: they do what a test says, one event after the other, and check what they are told."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from vcg_bridge.contract import messages as m
from vcg_bridge.contract.errors import BadRequest
from vcg_bridge.generators.cache import CacheInfo
from vcg_bridge.server.jobs import Ready, Step, Tally, Turn
from vcg_bridge.server.sessions import Session
from vcg_bridge.server.worker import Event, Lost, Stage, Worker

PICTURE_BYTES = 500


def blob_of(key: bytes, seq: int) -> bytes:
    """What the chunk of that request and number shows. All have the same size."""
    return hashlib.shake_256(key + bytes([seq])).digest(PICTURE_BYTES)


def ready(step: Step, seq: int) -> Ready:
    blob = blob_of(m.request_key(step.plan.request), seq)
    chunk = m.Chunk(
        step.plan.request.id, seq, seq // len(step.plan.parts), "sheet", "sheet", "r8", 1, 1,
        PICTURE_BYTES, bytes(32), step.codecs[0],
    )  # fmt: skip
    frames = m.encode(chunk, [blob])
    return Ready(seq, frames, sum(map(len, frames)), step.plan.request.id)


@dataclass
class UnderWay:
    """A turn at one who draws."""

    turn: Turn
    drawn: bool = False
    next: dict[int, int] = field(default_factory=dict)  # number of the step -> chunk that is made next
    over: set[int] = field(default_factory=set)  # steps

    def left(self) -> list[Step]:
        """Steps that something can still come of."""
        return [step for step in self.turn.steps if step.number not in self.over]

    def begun(self, step: Step) -> bool:
        return self.next[step.number] > step.first or step.number in self.over


class Hand:
    """Draws one turn and finishes another, as `Worker` does, when it is told to."""

    def __init__(self) -> None:
        self.turns: deque[UnderWay] = deque()
        self.events: deque[Event | Stage | Lost] = deque()

    def submit(self, turn: Turn) -> None:
        assert turn.steps
        assert len({step.plan.sha256 for step in turn.steps}) == 1
        self.turns.append(UnderWay(turn, next={step.number: step.first for step in turn.steps}))

    def take(self) -> list[Event | Stage | Lost]:
        events = list(self.events)
        self.events.clear()
        return events

    def draw(self) -> None:
        """The layers of a turn are drawn, if the one before is finished."""
        if self.turns and not self.turns[0].drawn:
            self.turns[0].drawn = True
            self.events.append(Stage(self.turns[0].turn.number, False, 0.01))

    def give(self, which: int, count: int) -> None:
        """Some chunks of one of its steps; after the last, or where the turn is paused, its tally."""
        if not self.turns or not self.turns[0].drawn:
            return
        under_way = self.turns[0]
        if steps := under_way.left():
            self._give(under_way, steps[which % len(steps)], count)
        if not under_way.left():
            self.turns.popleft()
            self.events.append(Stage(under_way.turn.number, True, 0.01))

    def _give(self, under_way: UnderWay, step: Step, count: int) -> None:
        first, number = under_way.next[step.number], step.number
        end = min(step.end, first + count)
        if step.stop.is_set() and count % 2:  # it need not have seen that yet
            under_way.over.add(number)
            return
        if end > first:
            under_way.next[number] = end
            self.events.append(Event(number, [ready(step, seq) for seq in range(first, end)]))
        if end == step.end or under_way.turn.pause.is_set():
            under_way.over.add(number)
            if not step.stop.is_set():
                self.events.append(Event(number, Tally(chunks=end - step.first, poses=step.poses, total_ms=10.0)))

    def fail(self, which: int) -> None:
        """One of its steps is impossible."""
        if self.turns and (steps := self.turns[0].left()):
            step = steps[which % len(steps)]
            self.turns[0].over.add(step.number)
            self.events.append(Event(step.number, BadRequest(f"impossible: {m.request_key(step.plan.request).hex()}")))

    def refuse(self) -> None:
        """It cannot open the bundle of its latest turn."""
        if self.turns and not self.turns[-1].drawn:
            number = self.turns.pop().turn.number
            self.events += [Lost(number, "no such folder", True), Stage(number, False, 0.0), Stage(number, True, 0.0)]

    def finish(self) -> None:
        """All that it has to do."""
        while self.turns:
            self.draw()
            self.give(0, 2)


class OwnHand(Worker):
    """In the place of the server's own threads."""

    def __init__(self) -> None:
        self.hand = Hand()

    def submit(self, turn: Turn) -> None:
        self.hand.submit(turn)

    def take(self) -> list[Event | Stage | Lost]:
        return self.hand.take()


class HandReplica:
    """In the place of a process."""

    def __init__(self, name: str) -> None:
        self.name, self.ready, self.lost, self.blameless = name, False, "", False
        self.cache = CacheInfo(0, 0, 0, 0, 0)
        self.hand = Hand()
        self.closed = False

    def submit(self, turn: Turn) -> None:
        assert self.ready, "it is not there yet"
        assert all(under_way.drawn for under_way in self.hand.turns), "it was not free"
        assert len(self.hand.turns) < 2
        self.hand.submit(turn)

    def take(self) -> list[Event | Stage | Lost]:
        return self.hand.take()

    def kill(self, why: str) -> None:
        self.lost = self.lost or why

    def close(self) -> None:
        self.closed = True


@dataclass
class Told:
    """What a client heard of one run of one job."""

    request: m.Generate
    codec: str
    chunks: int
    next: int  # seq
    end: m.Done | m.Error | None = None
    over: bool = False  # ended, cancelled, or its client is gone: nothing more may come


class HandMail:
    """In the place of the ROUTER: connections are full when the test says so."""

    def __init__(self) -> None:
        self.room: dict[Session, int] = {}  # chunks that a connection still takes; not there: any number
        self.full: set[Session] = set()
        self.asked: dict[tuple[Session, str], m.Generate] = {}
        self.told: list[Told] = []
        self._now: dict[tuple[Session, str], Told] = {}
        self.errors: Counter[str] = Counter()

    def is_full(self, session: Session) -> bool:
        return session in self.full

    def chunk(self, session: Session, frames: Sequence[bytes]) -> bool:
        if session in self.full:
            return False
        if self.room.get(session, 1) <= 0:
            self.full.add(session)
            return False
        if session in self.room:
            self.room[session] -= 1
        self.answer(session, frames)
        return True

    def empty(self, session: Session) -> None:
        """The client reads: there is room again."""
        self.room.pop(session, None)
        self.full.discard(session)

    def close(self, session: Session, job_id: str = "") -> None:
        """Nothing more may come for that job, or for any of that client."""
        for (whose, name), told in self._now.items():
            if whose is session and job_id in ("", name):
                told.over = True

    def answer(self, session: Session, frames: Sequence[bytes]) -> None:
        reply, blobs = m.decode_reply(frames)
        assert isinstance(reply, m.Accepted | m.Chunk | m.Done | m.Error)
        if isinstance(reply, m.Accepted):
            request = self.asked[session, reply.id]
            told = Told(request, session.codecs[0], reply.chunks, min(request.first_seq, reply.chunks))
            self.close(session, reply.id)
            self._now[session, reply.id] = told
            self.told.append(told)
            return
        told = self._now[session, reply.id]
        assert not told.over, "it had ended"
        if isinstance(reply, m.Chunk):
            assert reply.seq == told.next, "chunks come in order, each once"
            assert blobs == [blob_of(m.request_key(told.request), reply.seq)], "it is of another request"
            assert reply.codec == told.codec
            told.next += 1
            return
        told.over, told.end = True, reply
        if isinstance(reply, m.Done):
            assert told.next == told.chunks == reply.chunks, "done before all was sent"
        else:
            self.errors[reply.code] += 1
