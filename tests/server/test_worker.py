"""The drawing threads by themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import ANSWER_S
from vcg_bridge.contract import messages as m
from vcg_bridge.generators.bundle import open_bundle
from vcg_bridge.server import studio as studio_module
from vcg_bridge.server.jobs import Step, Tally, Turn, plan_of
from vcg_bridge.server.studio import Studio
from vcg_bridge.server.worker import Event, Lost, Stage, Worker


class OneStudio:
    """A shelf with one bundle."""

    most_loaded = 1

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def __iter__(self) -> Iterator[Studio]:
        return iter((self.studio,))

    def get(self, sha256: str) -> Studio:
        return self.studio

    use = get


@pytest.fixture
def studio(tiny: Path) -> Iterator[Studio]:
    studio = Studio(open_bundle(str(tiny)), "cpu", 1, 8 << 20)
    yield studio
    studio.close()


def turn(studio: Studio, number: int, requests: int) -> Turn:
    plans = [
        plan_of(studio.manifest, m.Generate(f"j{i}", design=m.Design(seed=i)), m.Limits()) for i in range(requests)
    ]
    steps = [Step(10 * number + i, i, plan, 0, plan.chunks, ("raw",), 1 << 20) for i, plan in enumerate(plans)]
    return Turn(number, tuple(steps))


def test_a_turn_is_finished_when_nothing_more_comes_of_it(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever counts on what is under way (who else would draw it, when this process dies?) must not miss the last encoding."""

    def slow(*args: object, real: object = studio_module.encoded) -> object:
        time.sleep(0.01)
        return real(*args)  # type: ignore[operator]

    monkeypatch.setattr(studio_module, "encoded", slow)
    happened = threading.Event()
    worker = Worker(OneStudio(studio), happened.set)
    worker.start()
    turns = [turn(studio, number, 3) for number in (1, 2)]
    for one in turns:
        worker.submit(one)
    events: list[Event | Stage | Lost] = []
    while sum(isinstance(event, Stage) and event.finished for event in events) < len(turns):
        assert happened.wait(ANSWER_S)
        happened.clear()
        events += worker.take()
    assert worker.stop(ANSWER_S)
    for one in turns:
        end = events.index(next(e for e in events if isinstance(e, Stage) and e.finished and e.turn == one.number))
        for step in one.steps:
            [tally] = [
                i
                for i, e in enumerate(events)
                if isinstance(e, Event) and e.step == step.number and isinstance(e.what, Tally)
            ]
            assert tally < end
    assert not worker.take()
