"""The floor and its crew with simulated hands and clients: jobs come and go, those who draw give, fail, are lost, in any order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.server.drawers import Hand, HandMail, HandReplica, OwnHand, ready
from vcg_bridge.contract import messages as m
from vcg_bridge.contract.character import Pose
from vcg_bridge.contract.errors import BusyError
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server.config import ServerConfig
from vcg_bridge.server.crew import Crew, Replica
from vcg_bridge.server.floor import MOST_LOSSES, Floor
from vcg_bridge.server.jobs import Job, Part, Plan, Step, Work
from vcg_bridge.server.metrics import Metrics
from vcg_bridge.server.rate import Bounds
from vcg_bridge.server.sessions import Session, Sessions

MANIFEST = open_bundle().manifest
POSES = (Pose("walk", "down", 0),) * 8
PARTS = (Part("preview", "walk", POSES[:1]), *(Part("animation", name, POSES) for name in ("walk", "run")))

KINDS = (
    {"output": m.Output("preview")},
    {},
    {"priority": "batch", "preview": False, "count": 6},
    {"priority": "batch", "count": 20},
)
CODECS = (("raw",), ("raw",), ("zstd", "raw"))
IDS = ("a", "b", "c", "d")

STALL_S = 60.0
CONFIG = ServerConfig(
    limits=m.Limits(jobs=3, stall_ms=round(STALL_S * 1000), credit=1 << 20), queue=8, step_characters=4, together=3
)
REPLICAS = 2
MOMENTS = (0.1, 0.6, 5.0, 15.0, STALL_S + 1, 130.0, 400.0)  # s
LOOK_S = 2.0


def plan_of(request: m.Generate) -> Plan:
    """Of a request; its seed says which bundle it is for."""
    assert request.design is not None
    parts = PARTS[:1] if request.output.kind == "preview" else PARTS if request.preview else PARTS[1:]
    return Plan(request, "tiny", f"version {request.design.seed % 2}", parts)


CHUNK_BYTES = ready(Step(1, 1, plan_of(m.Generate("a", design=m.Design())), 0, 1, ("raw",), 1), 0).size
SIZES = (1, CHUNK_BYTES, 3 * CHUNK_BYTES, 12 * CHUNK_BYTES, 1 << 20)
GRANTS = st.sampled_from(SIZES)


class Trace(RuleBasedStateMachine):
    """A crew of simulated hands, and clients whose connections are full when hypothesis likes."""

    @initialize(held=st.sampled_from([1, 8 * CHUNK_BYTES, 1 << 30]), replicas=st.integers(0, REPLICAS))
    def begin(self, held: int, replicas: int) -> None:
        self.now = 1000.0
        self.config = replace(CONFIG, held_bytes=held)
        self.own = OwnHand()
        self.mail = HandMail()
        self.crew = Crew(self.own, self.recruit, replicas, clock=lambda: self.now)
        self.floor = Floor(self.config, lambda _: MANIFEST, self.mail, self.crew, lambda: self.now, Metrics())  # type: ignore[arg-type]
        self.book = Sessions(1000)
        self.opened = 0
        self.sessions = [self.open(codecs) for codecs in CODECS]
        self.took: dict[int, Job] = {}  # by number: who was given credit by the test
        self.losses = 0
        self.longest = 0  # chunks of a step
        self.ending = False

    def recruit(self, name: str) -> Replica:
        return HandReplica(name)

    def open(self, codecs: tuple[str, ...]) -> Session:
        self.opened += 1
        return self.book.open(f"{self.opened}".encode(), m.Hello((1,)), codecs, Bounds.full(1.0, 1, self.now), self.now)

    # what there is

    @property
    def replicas(self) -> list[HandReplica]:
        return [replica for replica in self.crew.replicas if isinstance(replica, HandReplica)]

    @property
    def hands(self) -> list[Hand]:
        return [self.own.hand, *(replica.hand for replica in self.replicas if not replica.lost)]

    @property
    def jobs(self) -> list[Job]:
        return list(self.floor._jobs.values())

    @property
    def works(self) -> list[Work]:
        return list(self.floor._works)

    def settle(self) -> None:
        """What the server does after anything happened."""
        for event in self.crew.take():
            self.floor.event(event)
        self.floor.shed()
        assert self.floor.held_bytes <= self.config.held_bytes
        before = {work.step.number: [job for job, _ in work.takers] for work in self.works}
        self.floor.draw_next()
        for work in self.works:
            self.longest = max(self.longest, work.step.end - work.step.first)
            for job, _ in work.takers:
                if job not in before.get(work.step.number, []):
                    assert job.credit > 0, "it is drawn without credit"
                    assert not self.mail.is_full(job.session), "it is drawn for somebody who reads nothing"

    # clients

    @rule(
        client=st.integers(0, 2), kind=st.integers(0, 3), seed=st.sampled_from([0, 0, 0, 1]), job_id=st.sampled_from(IDS),
        first=st.sampled_from([0, 0, 0, 1, 5, 100]), credit=st.one_of(st.just(0), GRANTS),
    )  # fmt: skip
    def come(self, client: int, kind: int, seed: int, job_id: str, first: int, credit: int) -> None:
        session = self.sessions[client]
        more = KINDS[kind]
        request = m.Generate(job_id, design=m.Design(seed=seed), first_seq=first, credit=credit, **more)  # type: ignore[arg-type]
        if job_id in session.jobs:
            self.mail.close(session, job_id)
        self.mail.asked[session, job_id] = request
        try:
            self.floor.add(session, plan_of(request), m.request_key(request))
        except BusyError:
            return
        self.settle()

    @rule(kind=st.integers(0, 3), job_id=st.sampled_from(IDS), credit=GRANTS)
    def crowd(self, kind: int, job_id: str, credit: int) -> None:
        """All want the same."""
        for client in range(3):
            self.come(client, kind, 0, job_id, 0, credit)

    @rule(which=st.integers(0, 7), size=GRANTS)
    def grant(self, which: int, size: int) -> None:
        if self.jobs:
            self.floor.grant(self.jobs[which % len(self.jobs)], size)
            self.settle()

    @rule(which=st.integers(0, 7))
    def cancel(self, which: int) -> None:
        if self.jobs:
            job = self.jobs[which % len(self.jobs)]
            self.mail.close(job.session, job.id)
            self.floor.cancel(job)
            self.settle()

    @rule(client=st.integers(0, 2))
    def leave(self, client: int) -> None:
        session = self.sessions[client]
        self.mail.close(session)
        for job in tuple(session.jobs.values()):
            self.floor.leave(job)
        self.sessions[client] = self.open(session.codecs)
        self.settle()

    @rule(client=st.integers(0, 2), room=st.integers(0, 4))
    def stop_reading(self, client: int, room: int) -> None:
        self.mail.room[self.sessions[client]] = room

    @rule(client=st.integers(0, 2))
    def read(self, client: int) -> None:
        self.mail.empty(self.sessions[client])
        self.floor.push_all(self.sessions[client])
        self.settle()

    # those who draw; the server need not look at once

    def hand(self, who: int) -> Hand:
        return self.hands[who % len(self.hands)]

    @rule(who=st.integers(0, 2), seen=st.booleans())
    def draw(self, who: int, seen: bool) -> None:
        self.hand(who).draw()
        if seen:
            self.settle()

    @rule(who=st.integers(0, 2), which=st.integers(0, 2), count=st.integers(0, 9), seen=st.booleans())
    def give(self, who: int, which: int, count: int, seen: bool) -> None:
        self.hand(who).give(which, count)
        if seen:
            self.settle()

    @rule(who=st.integers(0, 2))
    def finish(self, who: int) -> None:
        self.hand(who).finish()
        self.settle()

    @rule(who=st.integers(0, 2), which=st.integers(0, 2))
    def fail(self, who: int, which: int) -> None:
        self.hand(who).fail(which)
        self.settle()

    @rule(who=st.integers(0, 2))
    def refuse(self, who: int) -> None:
        hand = self.hand(who)
        self.losses += hand is self.own.hand
        hand.refuse()
        self.settle()

    @rule(who=st.integers(0, 1), seen=st.booleans())
    def lose(self, who: int, seen: bool) -> None:
        if self.replicas:
            self.replicas[who % len(self.replicas)].kill("killed")
            self.losses += 1
        if seen:
            self.settle()

    @rule(who=st.integers(0, 1))
    def arrive(self, who: int) -> None:
        if self.replicas:
            self.replicas[who % len(self.replicas)].ready = True
            self.settle()

    @rule(seconds=st.sampled_from(MOMENTS))
    def wait(self, seconds: float) -> None:
        """The server looks at the clock meanwhile, as it does four times a second; here not so often."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + LOOK_S)
            self.look_at_the_clock()

    @rule(seconds=st.sampled_from(MOMENTS))
    def stand_still(self, seconds: float) -> None:
        """The server is stopped, and goes on."""
        self.now += seconds
        self.look_at_the_clock()

    def look_at_the_clock(self) -> None:
        self.settle()
        kept = [replica for replica in self.replicas if replica.lost]
        self.floor.drop_stalled()
        self.crew.look_at_the_clock()
        self.losses += sum(bool(replica.lost) for replica in self.replicas) - len(kept)
        self.settle()

    # what always holds

    @invariant()
    def all_is_well(self) -> None:
        self.what_is_held_is_counted()
        self.stretches_are_what_is_missing()
        self.nothing_is_drawn_far_ahead_of_credit()
        self.what_nobody_wants_is_stopped_and_nothing_else()
        self.what_is_the_same_is_drawn_once()
        self.nothing_is_left_behind()
        self.errors_have_a_reason()

    def what_is_held_is_counted(self) -> None:
        for job in self.jobs:
            assert job.held == sum(chunk.size for stretch in job.stretches for chunk in stretch.ready)
        assert self.floor.held_bytes == sum(job.held for job in self.jobs)

    def stretches_are_what_is_missing(self) -> None:
        for job in self.jobs:
            at = job.sent
            for stretch in job.stretches:
                for chunk in stretch.ready:
                    assert chunk.seq == at
                    at += 1
                assert at == stretch.first <= stretch.end
                at = stretch.end
                if stretch.work is not None:
                    assert (job, stretch) in stretch.work.takers
                    assert stretch.work is self.floor._works.at(stretch.work.step.number)
            assert at == job.cursor

    def nothing_is_drawn_far_ahead_of_credit(self) -> None:
        for job in self.jobs:
            ahead = job.cursor - job.sent
            if job.sent_chunks == 0:
                assert ahead <= self.longest
            else:
                assert ahead <= max(0, job.credit) / CHUNK_BYTES + self.longest

    def what_nobody_wants_is_stopped_and_nothing_else(self) -> None:
        wanted = {work.step.number for work in self.works}
        for hand in self.hands:
            for under_way in hand.turns:
                for step in under_way.left():
                    assert step.stop.is_set() == (step.number not in wanted)
                    assert (step.number in wanted) == any(
                        stretch.work is not None and stretch.work.step is step
                        for job in self.jobs
                        for stretch in job.stretches
                    )

    def what_is_the_same_is_drawn_once(self) -> None:
        fresh = [
            (plan.sha256, m.request_key(plan.request), plan.request.priority, step.first, step.end, step.codecs)
            for hand in self.hands
            for under_way in hand.turns
            for step in under_way.left()
            if not under_way.begun(step) and not step.stop.is_set()
            for plan in [step.plan]
        ]
        assert len(fresh) == len(set(fresh))

    def nothing_is_left_behind(self) -> None:
        if not self.jobs:
            assert not self.works
            assert not self.floor._works.any_joinable
            assert self.floor.held_bytes == 0
        assert set(self.floor._works._joinable.values()) <= set(self.works)
        if not any(hand.turns or hand.events for hand in self.hands) and not any(r.lost for r in self.replicas):
            assert not list(self.floor._works.turns)
            assert not self.works

    def errors_have_a_reason(self) -> None:
        for told in self.mail.told:
            if not isinstance(told.end, m.Error):
                continue
            if told.end.code == "bad_request":
                assert m.request_key(told.request).hex() in told.end.message, "another one's fault"
            elif told.end.code == "internal":
                assert "with the process that drew it" in told.end.message
                assert self.losses > MOST_LOSSES
            else:
                assert told.end.code == "stalled"

    def teardown(self) -> None:
        """Clients read and grant, those who draw draw: whatever has happened, all jobs come to their end."""
        if not hasattr(self, "floor"):
            return
        for session in self.sessions:
            self.mail.empty(session)
            self.floor.push_all(session)
        for _ in self.rounds():
            for job in self.jobs:
                self.floor.grant(job, 8 * CHUNK_BYTES)
            self.settle()
            for hand in self.hands:
                hand.finish()
                self.settle()
            for replica in self.replicas:
                replica.ready = True
            self.now += 0.3
            self.crew.look_at_the_clock()
        for told in self.mail.told:
            assert told.over
        self.nothing_is_left_behind()

    def rounds(self) -> Iterator[int]:
        for number in range(200):
            if not self.jobs and not any(hand.turns for hand in self.hands):
                return
            yield number
        pytest.fail("nobody goes on with these jobs")


ARGUMENTS: dict[str, tuple[float, dict[str, tuple[Any, ...]]]] = {
    "come": (6, {"client": (0, 1, 2), "kind": (0, 1, 2, 3), "seed": (0, 0, 0, 1), "job_id": IDS, "first": (0, 0, 0, 1, 5), "credit": (0, *SIZES)}),
    "crowd": (3, {"kind": (0, 1, 2, 3), "job_id": IDS, "credit": SIZES}),
    "grant": (8, {"which": tuple(range(8)), "size": SIZES}),
    "cancel": (1, {"which": tuple(range(8))}),
    "leave": (0.5, {"client": (0, 1, 2)}),
    "stop_reading": (2, {"client": (0, 1, 2), "room": (0, 1, 2, 3, 4)}),
    "read": (3, {"client": (0, 1, 2)}),
    "draw": (10, {"who": (0, 1, 2), "seen": (False, True)}),
    "give": (20, {"who": (0, 1, 2), "which": (0, 1, 2), "count": tuple(range(10)), "seen": (False, True)}),
    "finish": (2, {"who": (0, 1, 2)}),
    "fail": (0.5, {"who": (0, 1, 2), "which": (0, 1, 2)}),
    "refuse": (0.5, {"who": (0, 1, 2)}),
    "lose": (0.7, {"who": (0, 1), "seen": (False, True)}),
    "arrive": (3, {"who": (0, 1)}),
    "wait": (4, {"seconds": (*MOMENTS[:2] * 20, *MOMENTS[2:])}),
    "stand_still": (0.2, {"seconds": MOMENTS}),
}  # fmt: skip
"""Rule -> how often, and from what its arguments are chosen."""


CALM = {"come": 4.0, "grant": 6.0, "draw": 10.0, "give": 20.0, "arrive": 3.0, "wait": 3.0, "read": 1.0}
"""The same where nothing goes wrong: jobs grow long, and their steps overtake each other."""
