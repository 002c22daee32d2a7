"""The floor by itself: in any order of events that hypothesis likes, and in those that were once wrong."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.server.drawers import Hand
from tests.server.floor_machine import ARGUMENTS, CALM, CHUNK_BYTES, IDS, MOMENTS, REPLICAS, STALL_S, Trace, plan_of
from vcg_bridge.contract import messages as m
from vcg_bridge.server.crew import ASK_AGAIN_S, LATE_S, SLOW_S, STUCK_S
from vcg_bridge.server.floor import MOST_LOSSES
from vcg_bridge.server.jobs import Job


@pytest.mark.parametrize("calm", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_long_traces(seed: int, calm: bool) -> None:
    """Deeper than hypothesis goes by itself."""
    rng = random.Random(seed)
    weights = CALM if calm else {name: weight for name, (weight, _) in ARGUMENTS.items()}
    trace = Trace()
    trace.begin(held=rng.choice([1, 8 * CHUNK_BYTES, 1 << 30]), replicas=REPLICAS if calm else rng.randint(0, REPLICAS))
    for name in rng.choices(list(weights), list(weights.values()), k=400):
        chosen = {key: rng.choice(choices) for key, choices in ARGUMENTS[name][1].items()}
        if calm and "seconds" in chosen:
            chosen["seconds"] = min(chosen["seconds"], MOMENTS[1])
        if calm and "who" in chosen:
            chosen["who"] = rng.choice((0, 1, *[2] * 8))  # one is quick, and the others are not
        getattr(trace, name)(**chosen)
        trace.all_is_well()
    trace.teardown()


def test_who_is_at_work_is_not_idle_however_long_the_server_stood_still() -> None:
    trace = Trace()
    trace.begin(held=1 << 30, replicas=1)
    trace.come(client=0, kind=2, seed=0, job_id="a", first=0, credit=CHUNK_BYTES)
    trace.wait(seconds=1.0)
    trace.arrive(who=0)
    trace.hand(0).finish()
    trace.grant(which=0, size=1 << 20)
    [replica] = trace.replicas
    assert replica.hand.turns
    trace.stand_still(seconds=400.0)  # Ctrl+Z, and back
    assert not replica.lost
    trace.teardown()
    assert isinstance(trace.mail.told[0].end, m.Done)


def test_one_that_does_not_come_up_is_replaced() -> None:
    """It has no turn that it could be stuck at, and while one starts no other is started."""
    trace = Trace()
    trace.begin(held=1 << 30, replicas=1)

    def ask() -> None:
        trace.crowd(kind=2, job_id="a", credit=1 << 20)
        trace.wait(seconds=1.0)

    ask()
    [first] = trace.replicas
    trace.wait(seconds=400.0)
    assert first.closed
    ask()
    [second] = trace.replicas
    assert second is not first
    trace.teardown()


def test_what_was_lost_with_its_process_is_drawn_alone_and_fails_alone() -> None:
    trace = Trace()
    trace.begin(held=1 << 30, replicas=1)
    trace.come(client=0, kind=2, seed=0, job_id="d", first=0, credit=1)
    trace.wait(seconds=1.0)
    trace.teardown()  # now there is a replica that has nothing to do
    for client in range(3):
        session, name = trace.sessions[client], IDS[client]
        request = m.Generate(name, design=m.Design(seed=2 * client), preview=False, priority="batch", credit=1 << 20)
        trace.mail.asked[session, name] = request
        trace.floor.add(session, plan_of(request), m.request_key(request))
    trace.settle()
    [replica], deadly = trace.replicas, trace.sessions[1].jobs["b"].number
    assert len(replica.hand.turns[0].turn.steps) == 3
    trace.lose(who=0, seen=True)
    while trace.jobs:
        while not trace.replicas or not trace.replicas[0].hand.turns:
            trace.wait(seconds=1.0)
            trace.arrive(who=0)  # another one, after a while
        [replica] = trace.replicas
        assert not trace.own.hand.turns, "the server's own threads do not draw what may kill them"
        [step] = replica.hand.turns[-1].turn.steps
        if step.job == deadly:
            trace.lose(who=0, seen=True)
        else:
            trace.finish(who=1)
    assert [type(told.end) for told in trace.mail.told[-3:]] == [m.Done, m.Error, m.Done]
    assert trace.losses == MOST_LOSSES + 1


def test_any_order_of_events() -> None:
    checks = settings(max_examples=80, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Trace, settings=checks)  # type: ignore[no-untyped-call]


def with_replicas(count: int, held: int = 1 << 30) -> Trace:
    """A trace with so many replicas that are there and have nothing to do."""
    trace = Trace()
    trace.begin(held=held, replicas=count)
    while len(trace.replicas) < count or not all(replica.ready for replica in trace.replicas):
        trace.crew.short()
        trace.wait(seconds=0.6)
        for who in range(count):
            trace.arrive(who=who)
    return trace


def ask(trace: Trace, client: int, job_id: str, seed: int = 0, **fields: object) -> Job:
    """A batch job with credit for all of it, unless something else is said."""
    session = trace.sessions[client]
    more = {"preview": False, "priority": "batch", "credit": 1 << 20, "count": 20, **fields}
    request = m.Generate(job_id, design=m.Design(seed=seed), **more)  # type: ignore[arg-type]
    trace.mail.asked[session, job_id] = request
    trace.floor.add(session, plan_of(request), m.request_key(request))
    trace.settle()
    return session.jobs[job_id]


def drawn_by(trace: Trace, job: Job) -> Hand:
    """Who draws what that job sends next."""
    work = job.stretches[0].work
    assert work is not None
    [hand] = [hand for hand in trace.hands for under_way in hand.turns if work.step in under_way.turn.steps]
    return hand


def test_where_little_can_be_held_a_job_does_not_draw_in_circles() -> None:
    """The first of what it needs is slow, and there is no room for all that others have drawn meanwhile."""
    trace = with_replicas(2, held=1)
    job = ask(trace, 0, "a")
    first = drawn_by(trace, job)
    first.draw()
    first.give(0, 1)
    trace.settle()
    assert job.sent == 1
    slow, needed = drawn_by(trace, job), job.stretches[0].work
    drawn: dict[int, int] = {}
    for _ in range(20):
        for hand in trace.hands:
            note(hand, drawn)
            if hand is not slow:
                hand.finish()
            trace.settle()
    assert job.stretches[0].work is needed, "what it waits for is not thrown away"
    assert len(drawn) <= 4
    while trace.jobs:
        for hand in trace.hands:
            note(hand, drawn)
            hand.finish()
            trace.settle()
    assert isinstance(trace.mail.told[-1].end, m.Done)
    assert sum(drawn.values()) <= 2 * job.plan.chunks


@pytest.mark.parametrize("size", [1, CHUNK_BYTES])
def test_a_job_whose_client_grants_little_moves_on_where_little_can_be_held(size: int) -> None:
    trace = with_replicas(2, held=1)
    job = ask(trace, 0, "a", credit=1)
    drawn: dict[int, int] = {}
    for _ in range(10 * job.plan.chunks):
        if not trace.jobs:
            break
        trace.grant(which=0, size=max(size, 1 - job.credit))
        for hand in trace.hands:
            note(hand, drawn)
            hand.finish()
            trace.settle()
    assert isinstance(trace.mail.told[-1].end, m.Done)
    assert sum(drawn.values()) <= 3 * job.plan.chunks


def test_what_jobs_wait_for_is_not_thrown_away_for_what_others_have_drawn_ahead() -> None:
    trace = with_replicas(4, held=1)
    jobs = [ask(trace, client, "a", seed=2 * client) for client in range(2)]
    for job in jobs:
        hand = drawn_by(trace, job)
        hand.draw()
        hand.give(0, 1)
    trace.settle()
    needed, slow = [job.stretches[0].work for job in jobs], [drawn_by(trace, job) for job in jobs]
    for hand in trace.hands:
        if hand not in slow:
            hand.finish()
    trace.settle()
    assert [job.stretches[0].work for job in jobs] == needed
    assert all(job.single for job in jobs), "there was no room for what was drawn ahead"
    trace.teardown()


def note(hand: Hand, drawn: dict[int, int]) -> None:
    """The steps that it is at: how many chunks each has."""
    drawn |= {step.number: step.end - step.first for under_way in hand.turns for step in under_way.turn.steps}


def test_who_cannot_open_a_bundle_is_not_counted_on() -> None:
    trace = with_replicas(2)
    first, second = trace.replicas
    job = ask(trace, 0, "a", seed=1)
    hand = drawn_by(trace, job)
    unable, other = (first, second) if hand is first.hand else (second, first)
    hand.refuse()
    trace.settle()
    for number in range(3):
        ask(trace, 1, f"b{number}", seed=1)
    while trace.jobs:
        assert not trace.own.hand.turns, "somebody else can draw it"
        assert not unable.hand.turns
        assert other.hand.turns
        other.hand.finish()
        trace.settle()
    ask(trace, 0, "a", seed=0)
    assert unable.hand.turns or other.hand.turns, "it draws with other bundles"
    trace.teardown()
    other.kill("killed")
    trace.settle()
    ask(trace, 0, "a", seed=1)
    assert trace.own.hand.turns, "else nobody would"
    trace.teardown()
    trace.wait(seconds=ASK_AGAIN_S)
    other_gone = ask(trace, 0, "a", seed=1)
    assert drawn_by(trace, other_gone) is unable.hand, "its files may be back"
    trace.teardown()


def test_what_somebody_can_draw_does_not_wait_for_what_nobody_can() -> None:
    trace = with_replicas(1)
    [replica] = trace.replicas
    drawn_by(trace, ask(trace, 0, "a", seed=1, count=1)).refuse()
    trace.settle()
    trace.own.hand.finish()
    trace.settle()
    ask(trace, 1, "busy", priority="interactive", count=1)
    assert trace.own.hand.turns
    waits = ask(trace, 0, "b", seed=1)
    assert not waits.stretches
    assert drawn_by(trace, ask(trace, 2, "c", seed=0)) is replica.hand
    trace.teardown()


def test_what_killed_a_replica_is_drawn_by_the_own_threads_where_no_replica_can_draw_it() -> None:
    trace = with_replicas(1)
    ask(trace, 0, "a", seed=1)
    trace.lose(who=0, seen=True)
    assert not trace.own.hand.turns
    while not trace.replicas:
        trace.wait(seconds=0.6)
    trace.arrive(who=0)
    assert trace.replicas[0].hand.turns
    trace.replicas[0].hand.refuse()
    trace.settle()
    assert trace.own.hand.turns
    trace.teardown()


def test_a_turn_of_which_nothing_comes_is_drawn_by_another_replica() -> None:
    trace = with_replicas(2)
    job = ask(trace, 0, "a")
    slow = drawn_by(trace, job)
    [other] = [replica.hand for replica in trace.replicas if replica.hand is not slow]
    slow.draw()
    slow.give(0, 3)
    other.finish()
    trace.settle()
    assert job.sent == 3
    trace.wait(seconds=LATE_S / 2)
    other.finish()
    trace.settle()
    assert drawn_by(trace, job) is slow
    trace.wait(seconds=LATE_S / 2 + 2)
    while drawn_by(trace, job) is not other:
        other.finish()
        trace.settle()
    assert job.stretches[0].first == 3, "what had come of it is good"
    assert all(step.stop.is_set() for under_way in slow.turns for step in under_way.left())
    while trace.jobs:
        other.finish()
        trace.own.hand.finish()
        trace.settle()
    slow.finish()  # it wakes up, and what it says is nobody's business any more
    trace.settle()
    assert all(not place.turns for place in trace.crew._places)
    assert trace.crew.lost == 0
    assert isinstance(trace.mail.told[-1].end, m.Done)
    ask(trace, 0, "b")
    assert slow.turns, "it is free again"
    trace.teardown()


def test_where_all_replicas_say_nothing_the_own_threads_draw_and_in_the_end_they_are_replaced() -> None:
    trace = with_replicas(2)
    stopped = trace.replicas
    first = drawn_by(trace, ask(trace, 0, "a"))
    first.draw()
    first.give(0, 1)
    trace.settle()
    assert all(replica.hand.turns for replica in stopped)
    while trace.jobs:
        trace.wait(seconds=1.0)
        trace.own.hand.finish()
        trace.settle()
    assert isinstance(trace.mail.told[-1].end, m.Done)
    assert trace.crew.lost == 0
    trace.wait(seconds=STUCK_S)
    assert trace.crew.lost == 2
    assert not set(trace.replicas) & set(stopped)
    trace.teardown()


def test_each_time_that_a_turn_is_taken_back_the_next_one_has_more_time() -> None:
    """On a machine where everything takes that long it would go round for ever."""
    trace = with_replicas(2)
    job = ask(trace, 0, "a", count=1)
    first = drawn_by(trace, job)
    trace.wait(seconds=LATE_S + 2)
    second = drawn_by(trace, job)
    assert second is not first
    first.finish()
    trace.settle()
    trace.wait(seconds=2 * LATE_S)
    assert drawn_by(trace, job) is second
    trace.wait(seconds=LATE_S + 2)
    assert drawn_by(trace, job) is first
    trace.wait(seconds=8 * LATE_S)
    assert drawn_by(trace, job) is first
    trace.teardown()
    assert isinstance(trace.mail.told[-1].end, m.Done)


def test_where_the_own_threads_hang_replicas_draw_what_they_were_at() -> None:
    trace = with_replicas(1)
    job = ask(trace, 0, "a", priority="interactive", count=1)
    assert drawn_by(trace, job) is trace.own.hand
    trace.wait(seconds=STUCK_S - 20)
    assert drawn_by(trace, job) is trace.own.hand
    trace.wait(seconds=30)
    assert drawn_by(trace, job) is trace.replicas[0].hand
    trace.replicas[0].hand.finish()
    trace.settle()
    assert isinstance(trace.mail.told[-1].end, m.Done)
    trace.teardown()


def test_who_looks_at_an_empty_place_does_not_wait_for_a_replica_that_gets_nothing_of_the_machine() -> None:
    """The own threads draw a batch, since replicas are slow; they drop it, though another replica is free."""
    trace = with_replicas(2)
    ask(trace, 0, "a", count=1, seed=1)
    [busy] = [replica.hand for replica in trace.replicas if replica.hand.turns]
    [idle] = [replica for replica in trace.replicas if replica.hand is not busy]
    ask(trace, 0, "b", count=1, seed=3)
    assert idle.hand.turns
    trace.wait(seconds=SLOW_S + 1)
    ask(trace, 0, "c", count=1, seed=5)
    [turn] = trace.own.hand.turns
    idle.hand.finish()
    trace.settle()
    assert not idle.hand.turns
    job = ask(trace, 1, "look", priority="interactive", count=1, preview=True)
    assert turn.turn.pause.is_set()
    assert not job.stretches
    trace.own.hand.finish()
    trace.settle()
    assert drawn_by(trace, job) is trace.own.hand
    trace.teardown()


def test_suspects_are_not_lost_with_each_other() -> None:
    """Who is at what may be deadly takes nothing else."""
    trace = with_replicas(2)
    for number, name in enumerate("ab"):
        ask(trace, 0, name, seed=2 * number, count=1)
    for replica in trace.replicas:
        assert replica.hand.turns
        replica.kill("killed")
    trace.settle()
    while not (len(trace.replicas) == 2 and all(replica.ready for replica in trace.replicas)):
        trace.wait(seconds=1.0)
        for who in range(2):
            trace.arrive(who=who)
    for replica in trace.replicas:
        replica.hand.draw()  # they would be free for more
    trace.settle()
    harmless = ask(trace, 1, "c", seed=4, count=1)
    assert [len(replica.hand.turns) for replica in trace.replicas] == [1, 1]
    assert not harmless.stretches
    trace.replicas[1].hand.finish()
    trace.settle()
    assert drawn_by(trace, harmless) is trace.replicas[1].hand
    trace.teardown()


def test_where_a_replica_is_slow_the_own_threads_draw_batches_too() -> None:
    trace = with_replicas(1)
    job = ask(trace, 0, "a")
    slow = drawn_by(trace, job)
    slow.draw()
    trace.settle()
    ask(trace, 1, "b", seed=2)
    slow.give(0, 1)  # it goes on
    trace.wait(seconds=SLOW_S - 1)
    ask(trace, 2, "c", seed=4)
    assert not trace.own.hand.turns
    slow.give(0, 1)
    trace.wait(seconds=2.0)
    assert trace.own.hand.turns
    trace.teardown()


def test_who_cancels_has_used_the_time_nevertheless() -> None:
    """Else asking, taking most of it and cancelling would be free, and others would wait for it."""
    trace = with_replicas(1)
    ask(trace, 1, "steady", seed=1)
    job = ask(trace, 0, "greedy")
    while not job.drawing:
        trace.replicas[0].hand.finish()
        trace.settle()
    used, account = trace.floor._scheduler._used, (trace.sessions[0], True)
    before = used[account]
    trace.now += 0.05
    trace.cancel(which=trace.jobs.index(job))
    assert used[account] == pytest.approx(before + 50), "no more than it can have taken, ms"
    trace.teardown()


def test_who_reads_nothing_loses_all_its_jobs_in_the_end() -> None:
    """Those of which nothing is drawn because nothing is read, too: or they would fill the queue for ever."""
    trace = Trace()
    trace.begin(held=1 << 30, replicas=0)
    trace.stop_reading(client=0, room=0)
    drawn = ask(trace, 0, "drawn", priority="interactive", count=1)
    ask(trace, 0, "waits", count=1)  # it gives no sign of life
    trace.own.hand.finish()
    trace.settle()
    late = ask(trace, 0, "comes late", count=1)
    ask(trace, 1, "reads", count=1)
    for _ in range(8):
        for job in (drawn, late):
            if job in trace.jobs:
                trace.floor.grant(job, CHUNK_BYTES)
        trace.wait(seconds=STALL_S / 6)
        trace.own.hand.finish()
        trace.settle()
    assert not trace.jobs
    assert trace.mail.errors["stalled"] == 3
