"""Who draws next: the policy by itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcg_bridge.contract.errors import BusyError
from vcg_bridge.server.scheduler import BATCH_EVERY, Scheduler


def always(_job: int) -> bool:
    return True


def turns(scheduler: Scheduler, count: int, cost: float = 1.0) -> list[int]:
    """The next picks, each of which draws for so long."""
    picked = []
    for _ in range(count):
        job = scheduler.pick(always)
        assert job is not None
        scheduler.charge(job, cost)
        picked.append(job)
    return picked


def test_nothing_to_do() -> None:
    scheduler = Scheduler(10)
    assert scheduler.pick(always) is None
    scheduler.add(1, "a", batch=False)
    assert scheduler.pick(lambda _job: False) is None


def test_interactive_before_batch() -> None:
    scheduler = Scheduler(10)
    scheduler.add(1, "a", batch=True)
    scheduler.add(2, "b", batch=False)
    assert turns(scheduler, 3) == [2, 2, 2]


def test_batch_is_not_starved() -> None:
    scheduler = Scheduler(10)
    scheduler.add(1, "a", batch=True)
    scheduler.add(2, "b", batch=False)
    assert turns(scheduler, 3 * BATCH_EVERY).count(1) == 3


def test_a_job_that_has_shown_nothing_comes_first() -> None:
    scheduler = Scheduler(10)
    scheduler.add(1, "a", batch=False)
    assert turns(scheduler, 2) == [1, 1]
    scheduler.add(2, "a", batch=False)
    assert scheduler.urgent(2)
    assert not scheduler.urgent(1)
    assert turns(scheduler, 1) == [2]
    assert not scheduler.urgent(2)


def test_batch_jobs_and_unknown_ones_are_never_urgent() -> None:
    scheduler = Scheduler(10)
    scheduler.add(1, "a", batch=True)
    assert not scheduler.urgent(1)
    assert not scheduler.urgent(7)


def test_many_jobs_of_one_client_take_no_more_than_one_of_another() -> None:
    scheduler = Scheduler(100)
    for job in range(10):
        scheduler.add(job, "greedy", batch=True)
    scheduler.add(50, "modest", batch=True)
    assert turns(scheduler, 20).count(50) == 10


def test_jobs_of_one_client_take_turns() -> None:
    scheduler = Scheduler(10)
    for job in (1, 2, 3):
        scheduler.add(job, "a", batch=True)
    assert turns(scheduler, 6) == [1, 2, 3, 1, 2, 3]


def test_an_idle_client_saves_nothing_up() -> None:
    scheduler = Scheduler(10)
    scheduler.add(1, "a", batch=True)
    turns(scheduler, 50)
    scheduler.add(2, "b", batch=True)
    assert turns(scheduler, 10).count(1) == 5


def test_a_full_queue_is_busy() -> None:
    scheduler = Scheduler(2)
    scheduler.add(1, "a", batch=False)
    scheduler.add(2, "b", batch=False)
    with pytest.raises(BusyError) as caught:
        scheduler.add(3, "c", batch=False, retry_after_ms=700)
    assert caught.value.retry_after_ms == 700
    scheduler.remove(1)
    scheduler.add(3, "c", batch=False)
    assert len(scheduler) == 2


def test_leaving_and_charging_what_is_gone_is_nothing() -> None:
    scheduler = Scheduler(2)
    scheduler.remove(5)
    scheduler.charge(5, 1.0)
    scheduler.add(1, "a", batch=False)
    scheduler.remove(1)
    scheduler.remove(1)
    assert scheduler.pick(always) is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6),
    st.lists(st.floats(1.0, 2.0), min_size=1, max_size=10),
)
def test_every_job_gets_its_turn(jobs: list[tuple[int, bool]], costs: list[float]) -> None:
    scheduler = Scheduler(100)
    for number, (client, batch) in enumerate(jobs):
        scheduler.add(number, client, batch=batch)
    seen = set()
    for i in range(6 * BATCH_EVERY * len(jobs)):
        job = scheduler.pick(always)
        assert job is not None
        seen.add(job)
        scheduler.charge(job, costs[i % len(costs)])
    assert seen == set(range(len(jobs)))
