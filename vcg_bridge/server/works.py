"""What is being drawn now, step by step and turn by turn. Who waits for a step is in its `Work`."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from vcg_bridge.server.jobs import Step, Turn, Work
from vcg_bridge.server.scheduler import Turn as Picked


class Works:
    """Owned by the server's thread."""

    def __init__(self) -> None:
        self._by_step: dict[int, Work] = {}  # by number of the step
        self._joinable: dict[Hashable, Work] = {}  # by what they draw
        self._turns: dict[int, tuple[Turn, Picked]] = {}  # by number of the turn

    def __iter__(self) -> Iterator[Work]:
        return iter(tuple(self._by_step.values()))

    def at(self, step: int) -> Work | None:
        """The work of that step; None once nobody wants it any more, or it is over."""
        return self._by_step.get(step)

    def joinable(self, content: Hashable) -> Work | None:
        """The work that draws just that, of which nothing has been given out yet."""
        return self._joinable.get(content)

    @property
    def any_joinable(self) -> bool:
        """Whether there is a work that could be joined."""
        return bool(self._joinable)

    def begin(self, step: Step, content: Hashable, now: float) -> Work:
        """A step is about to be drawn. content: see `joinable`."""
        work = self._by_step[step.number] = self._joinable[content] = Work(step, content, now)
        return work

    def close(self, work: Work) -> None:
        """Nobody can join it any more."""
        if self._joinable.get(work.content) is work:
            del self._joinable[work.content]

    def over(self, work: Work) -> None:
        """Nothing more of that work matters."""
        self._by_step.pop(work.step.number, None)
        self.close(work)

    # turns

    def give(self, turn: Turn, picked: Picked) -> None:
        """That turn is given to somebody. picked: why."""
        self._turns[turn.number] = turn, picked

    def take(self, turn: int) -> Turn | None:
        """That turn is nobody's any more; None where it was not."""
        given, _ = self._turns.pop(turn, (None, None))
        return given

    @property
    def turns(self) -> Iterator[tuple[Turn, Picked]]:
        """That are under way."""
        return iter(tuple(self._turns.values()))
