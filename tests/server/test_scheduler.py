"""Who draws next, and with whom: the policy by itself, and simulated on traces with a clock that the test turns."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vcg_bridge.contract.errors import BusyError
from vcg_bridge.server.scheduler import AGED_S, PATIENCE_S, REMEMBERED, TOGETHER, Kind, Scheduler, Turn

BUDGET = {Kind.FRESH: 0.15, Kind.INTERACTIVE: 0.15, Kind.BATCH: 0.4}


@dataclass
class Wish:
    """A job of a trace: when it comes, and the cost of its steps, seconds."""

    at: float
    client: str
    steps: list[float]
    batch: bool = False


@dataclass
class Told:
    """What became of a job."""

    first: float = float("inf")  # when its first step was drawn
    done: float = float("inf")
    turns: list[int] = field(default_factory=list)


class Simulation:
    """One worker that draws what the scheduler says. A step costs what it costs; company saves half of what others cost."""

    def __init__(self, wishes: list[Wish], capacity: int = 10_000) -> None:
        self.scheduler = Scheduler(capacity)
        self.now, self.turn = 0.0, 0
        self.left = sorted(enumerate(wishes), key=lambda pair: pair[1].at)
        self.steps: dict[int, list[float]] = {}
        self.told: dict[int, Told] = defaultdict(Told)
        self.drawn: Counter[str] = Counter()  # client -> seconds
        self.client: dict[int, str] = {}

    def arrive(self, until: float, turn: Turn | None = None) -> float | None:
        """Jobs that come until then; when one of them pushes the turn aside, that moment."""
        while self.left and self.left[0][1].at <= until:
            job, wish = self.left.pop(0)
            self.scheduler.add(job, wish.client, wish.at, batch=wish.batch)
            self.steps[job], self.client[job] = list(wish.steps), wish.client
            if turn is not None and self.scheduler.preempts(job, turn):
                return wish.at
        return None

    def run(self, until: float = float("inf")) -> dict[int, Told]:
        while self.now < until and (self.left or self.steps):
            self.arrive(self.now)
            turn = self.scheduler.pick(
                lambda job: True, lambda job: self.steps[job][0], lambda kind: BUDGET[kind], self.now
            )
            if turn is None:
                self.now = self.left[0][1].at
                continue
            self.turn += 1
            costs = {job: self.steps[job][0] for job in turn.jobs}
            cost = max(costs.values()) + (sum(costs.values()) - max(costs.values())) / 2
            cut = self.arrive(self.now + cost, turn)
            if cut is not None:  # what was drawn so far is cached: the rest is cheaper
                share = (cut - self.now) / cost
                for job in turn.jobs:
                    self.scheduler.charge(job, costs[job] * share, cut, served=False)
                    self.steps[job][0] = max(0.001, costs[job] * (1 - share))
                    self.drawn[self.client[job]] += costs[job] * share
                self.now = cut + 0.005
                continue
            self.now += cost
            for job in turn.jobs:
                self.scheduler.charge(job, costs[job], self.now)
                self.drawn[self.client[job]] += costs[job]
                told = self.told[job]
                told.turns.append(self.turn)
                told.first = min(told.first, self.now)
                self.steps[job].pop(0)
                if not self.steps[job]:
                    told.done = self.now
                    del self.steps[job]
                    self.scheduler.remove(job)
        return self.told


def always(_job: int) -> bool:
    return True


def pick(scheduler: Scheduler, now: float = 0.0, cost: float = 1.0) -> tuple[int, ...]:
    """The jobs of the next turn, each of which costs so much, drawn and charged."""
    turn = scheduler.pick(always, lambda job: cost, lambda kind: 1.0, now)
    assert turn is not None
    for job in turn.jobs:
        scheduler.charge(job, cost, now)
    return turn.jobs


def test_nothing_to_do() -> None:
    scheduler = Scheduler(10)
    assert scheduler.pick(always, lambda job: 1.0, lambda kind: 1.0, 0.0) is None
    scheduler.add(1, "a", 0.0, batch=False)
    assert scheduler.pick(lambda job: False, lambda job: 1.0, lambda kind: 1.0, 0.0) is None


def test_interactive_before_batch_and_what_shows_nothing_yet_first() -> None:
    scheduler = Scheduler(10)
    scheduler.add(1, "a", 0.0, batch=True)
    scheduler.add(2, "b", 0.0, batch=False)
    assert [pick(scheduler) for _ in range(2)] == [(2,), (2,)]
    scheduler.add(3, "b", 0.0, batch=False)
    assert pick(scheduler) == (3,)


def test_steps_of_one_kind_are_drawn_together_as_far_as_they_are_short() -> None:
    scheduler = Scheduler(100)
    for job in range(6):
        scheduler.add(job, f"c{job}", 0.0, batch=False)
    scheduler.add(6, "c6", 0.0, batch=True)
    assert pick(scheduler, cost=0.3) == (0, 1, 2)
    assert pick(scheduler, cost=0.3) == (3, 4, 5)
    assert pick(scheduler, cost=3.0) == (0,)  # longer than a turn should be: alone


def test_no_more_together_than_share_a_batch() -> None:
    scheduler = Scheduler(100)
    for job in range(40):
        scheduler.add(job, job, 0.0, batch=False)
    assert len(pick(scheduler, cost=0.001)) == TOGETHER


def test_only_one_model_in_a_turn() -> None:
    scheduler = Scheduler(10)
    for job, group in enumerate("xyxy"):
        scheduler.add(job, job, 0.0, batch=False, group=group)
    assert [pick(scheduler, cost=0.1), pick(scheduler, cost=0.1)] == [(0, 2), (1, 3)]


def test_a_turn_is_of_many_clients_before_it_is_of_many_jobs_of_one() -> None:
    scheduler = Scheduler(100)
    for job in range(10):
        scheduler.add(job, "greedy", 0.0, batch=False)
    for job in range(10, 13):
        scheduler.add(job, f"modest {job}", 0.0, batch=False)
    assert set(pick(scheduler, cost=0.25)) == {0, 10, 11, 12}


def test_patience_ends() -> None:
    """A batch job that has waited long enough is as pressing as a fresh one, and is not pushed aside by it."""
    scheduler = Scheduler(100)
    scheduler.add(1, "a", 0.0, batch=True)
    scheduler.add(2, "b", 1.0, batch=False)
    assert pick(scheduler, 1.0) == (2,)
    late = PATIENCE_S[Kind.BATCH] + 0.1
    scheduler.add(3, "b", late, batch=False)
    turn = scheduler.pick(always, lambda job: 1.0, lambda kind: 1.0, late)
    assert turn is not None
    assert turn.jobs == (1,)
    assert not scheduler.preempts(3, turn)


def test_who_pushes_aside_whom() -> None:
    scheduler = Scheduler(100)
    scheduler.add(1, "a", 0.0, batch=True)
    turn = scheduler.pick(always, lambda job: 1.0, lambda kind: 1.0, 0.0)
    assert turn is not None
    scheduler.add(2, "b", 0.1, batch=False)
    scheduler.add(3, "b", 0.1, batch=True)
    assert scheduler.preempts(2, turn)
    assert not scheduler.preempts(3, turn)
    assert not scheduler.preempts(99, turn)
    fresh = scheduler.pick(lambda job: job == 2, lambda job: 1.0, lambda kind: 1.0, 0.1)
    assert fresh is not None
    scheduler.add(4, "c", 0.2, batch=False)
    assert not scheduler.preempts(4, fresh)  # or those that come would starve those that are here


def test_a_full_queue_is_busy() -> None:
    scheduler = Scheduler(2)
    scheduler.add(1, "a", 0.0, batch=False)
    scheduler.add(2, "b", 0.0, batch=False)
    with pytest.raises(BusyError) as caught:
        scheduler.add(3, "c", 0.0, batch=False, retry_after_ms=700)
    assert caught.value.retry_after_ms == 700
    scheduler.remove(1)
    scheduler.add(3, "c", 0.0, batch=False)
    assert len(scheduler) == 2


def test_leaving_and_charging_what_is_gone_is_nothing() -> None:
    scheduler = Scheduler(2)
    scheduler.remove(5)
    scheduler.charge(5, 1.0, 0.0)
    scheduler.add(1, "a", 0.0, batch=False)
    scheduler.remove(1)
    scheduler.remove(1)
    assert scheduler.pick(always, lambda job: 1.0, lambda kind: 1.0, 0.0) is None


def test_accounts_of_clients_that_come_and_go_are_bounded() -> None:
    scheduler = Scheduler(10)
    scheduler.add(0, "stays", 0.0, batch=True)
    for job in range(1, 3 * REMEMBERED):
        scheduler.add(job, f"c{job}", 0.0, batch=True)
        scheduler.charge(job, 5.0, 0.0)
        scheduler.remove(job)
    assert len(scheduler._used) <= REMEMBERED + 1
    scheduler.remove(0)
    assert not scheduler._used


def shares(wishes: list[Wish], until: float) -> Counter[str]:
    simulation = Simulation(wishes)
    simulation.run(until)
    return simulation.drawn


def test_many_jobs_of_one_client_take_no_more_than_one_of_another() -> None:
    greedy = [Wish(0.0, "greedy", [0.4] * 50, batch=True) for _ in range(10)]
    drawn = shares([*greedy, Wish(0.0, "modest", [0.4] * 50, batch=True)], until=15.0)
    assert 0.9 < drawn["greedy"] / drawn["modest"] < 1.1


def test_leaving_and_coming_back_gains_nothing() -> None:
    """One job after the other, each large, against one job of small steps."""
    greedy = [Wish(0.1 * i, "greedy", [0.4], batch=True) for i in range(200)]
    drawn = shares([*greedy, Wish(0.0, "modest", [0.02] * 2000, batch=True)], until=20.0)
    assert 0.8 < drawn["greedy"] / drawn["modest"] < 1.25


def test_a_dear_step_does_not_keep_its_client_waiting_until_all_others_have_used_as_much() -> None:
    """Thirty others could draw for ten minutes before each has used twenty seconds."""
    others = [Wish(0.0, f"client {i}", [0.05] * 10_000, batch=True) for i in range(30)]
    told = Simulation([Wish(0.0, "dear", [20.0, 0.05], batch=True), *others]).run(until=60)
    assert 20 + AGED_S < told[0].done < 20 + AGED_S + 5


def test_many_old_jobs_of_one_client_do_not_go_before_all_others() -> None:
    """Each of its jobs waits for long, but the client is served all the time."""
    wishes = [Wish(0.0, "many", [0.1], batch=True) for _ in range(2000)] + [
        Wish(30.0 + i, "one", [0.1], batch=True) for i in range(20)
    ]
    told = Simulation(wishes).run()
    assert max(told[2000 + i].done - wishes[2000 + i].at for i in range(20)) < 2


def test_an_idle_client_saves_nothing_up() -> None:
    early = Wish(0.0, "early", [0.3] * 200, batch=True)
    late = Wish(10.0, "late", [0.3] * 200, batch=True)
    simulation = Simulation([early, late])
    simulation.run(10.0)
    before = simulation.drawn["early"]
    simulation.run(20.0)
    assert 0.8 < simulation.drawn["late"] / (simulation.drawn["early"] - before) < 1.25


def test_a_preview_during_a_long_batch_waits_for_no_step_of_it() -> None:
    rng = random.Random(1)
    batch = Wish(0.0, "farm", [0.4] * 250, batch=True)
    previews = [Wish(1.0 + i + rng.random() / 2, "designer", [0.004]) for i in range(60)]
    told = Simulation([batch, *previews]).run(80.0)
    waits = [told[i].first - wish.at for i, wish in enumerate(previews, 1)]
    assert max(waits) < 0.45  # at worst the step of a batch whose patience was over
    assert sorted(waits)[len(waits) // 2] < 0.02


def test_a_flood_of_previews_starves_neither_a_sheet_nor_a_batch() -> None:
    flood = [Wish(i / 600, f"c{i % 8}", [0.004]) for i in range(9_000)]  # half as many again as can be drawn
    sheet = Wish(2.0, "designer", [0.01] + [0.15] * 4)
    batch = Wish(0.0, "farm", [0.4] * 10, batch=True)
    told = Simulation([*flood, sheet, batch], capacity=100_000).run(90.0)
    assert told[len(flood)].done < 2.0 + 4 * 2.5
    assert told[len(flood) + 1].done < 10 * 7.0


def test_previews_of_many_clients_come_together() -> None:
    wishes = [Wish(0.0, f"c{i}", [0.004]) for i in range(64)]
    simulation = Simulation(wishes)
    simulation.run()
    assert simulation.turn == 64 // TOGETHER


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_job_is_done(data: st.DataObject) -> None:
    clients = data.draw(st.integers(2, 4))
    wishes = [
        Wish(
            data.draw(st.floats(0, 3)), f"c{data.draw(st.integers(0, clients - 1))}",
            data.draw(st.lists(st.floats(0.001, 0.5), min_size=1, max_size=5)), batch=data.draw(st.booleans()),
        )
        for _ in range(data.draw(st.integers(1, 25)))
    ]  # fmt: skip
    told = Simulation(wishes).run(10_000.0)
    assert len(told) == len(wishes)
    for job, wish in enumerate(wishes):
        assert len(told[job].turns) == len(wish.steps)
        assert told[job].done >= wish.at


def test_a_kind_for_which_nobody_is_free_waits_and_the_others_go_on() -> None:
    scheduler = Scheduler(10)
    scheduler.add(1, "farm", 0.0, batch=True)
    scheduler.add(2, "designer", 5.0, batch=False)

    def pick(free: dict[Kind, int], now: float) -> Turn | None:
        return scheduler.pick(
            lambda job: True, lambda job: 0.0, lambda kind: 1.0, now, lambda kind, group: free.get(kind, 0)
        )

    assert pick({}, 5.0) is None
    assert scheduler.waiting
    batch = pick({Kind.BATCH: 2}, 5.0)
    assert batch is not None
    assert batch.jobs == (1,), "only those who draw batches are free"
    fresh = pick({Kind.FRESH: 1}, 100.0)
    assert fresh is not None
    assert fresh.jobs == (2,), "however long the batch has waited"


@given(jobs=st.integers(1, 60), free=st.integers(1, 20))
def test_jobs_are_divided_among_those_who_are_free(jobs: int, free: int) -> None:
    scheduler = Scheduler(100)
    for job in range(jobs):
        scheduler.add(job, f"client {job}", 0.0, batch=False)
    idle, seen = [free], list[int]()

    def pick() -> Turn | None:
        return scheduler.pick(
            lambda job: job not in seen, lambda job: 0.0, lambda kind: 1.0, 0.0, lambda kind, group: idle[0]
        )

    while (turn := pick()) is not None:
        seen += turn.jobs
        idle[0] -= 1
    assert len(seen) == len(set(seen))
    assert len(seen) == min(jobs, free * TOGETHER), "nobody idles while jobs wait"
