"""Who draws next, and who with whom. A pure policy: its clock is handed in, it knows no sockets, no threads, no pictures.

A turn of the worker takes the next steps of several jobs, whose views are drawn in the same batches. Steps are of three kinds: of
an interactive job that has shown nothing yet, of other interactive jobs, of batch jobs. The first kind goes first; the second
has a turn at the latest half a second after its last one, if something of it waits, the third after two seconds. So interactive
jobs come before batch jobs, but nobody waits for ever, however many others there are. Within a kind the client comes first that
has used least drawing time; the turn is then filled up with others of the same kind and model, as long as it stays short.

Clients' accounts follow start-time fair queueing: who comes (back), or had nothing to draw for a while, starts level with
those who are served now, so that neither waiting nor leaving and coming back gains anything. On a full machine one dear step
could keep its client waiting until everybody else has used as much: who has got nothing for ten seconds goes before all others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import IntEnum

from vcg_bridge.contract.errors import BusyError


class Kind(IntEnum):
    """How pressing a step is."""

    FRESH = 0  # of an interactive job that has shown nothing yet: somebody looks at an empty place
    INTERACTIVE = 1
    BATCH = 2


PATIENCE_S = {Kind.FRESH: 0.0, Kind.INTERACTIVE: 0.5, Kind.BATCH: 2.0}
"""How long steps of a kind may wait for more pressing ones before they count as pressing as they."""

TOGETHER = 16
"""Jobs that share a turn: as many as the views that share a batch."""

AGED_S = 10.0
"""A client that waits, and has got nothing of a kind for so long, goes first, whatever it has used."""

REMEMBERED = 256
"""Clients without jobs whose use is still remembered."""

_Account = tuple[Hashable, bool]
"""A client, and whether it is for its batch jobs: whose drawing time is used."""


@dataclass
class _Entry:
    batch: bool
    account: _Account
    group: str  # only steps of one group are drawn together
    turn: int  # when it had its last turn; the smallest is next
    since: float | None  # s; its next step waits since then. None: it has none that could be drawn
    fresh: bool = True  # has had no turn yet

    @property
    def kind(self) -> Kind:
        return Kind.BATCH if self.batch else Kind.FRESH if self.fresh else Kind.INTERACTIVE


@dataclass(frozen=True)
class Turn:
    """Jobs that draw together, the one whose turn it is first."""

    jobs: tuple[int, ...]
    due: float  # s; when its kind had to have a turn
    kind: Kind


class Scheduler:
    """The unfinished jobs, by number."""

    def __init__(self, capacity: int, together: int = TOGETHER) -> None:
        self._capacity, self._together = capacity, together
        self._entries: dict[int, _Entry] = {}
        self._used: dict[_Account, float] = {}  # drawing time, on the scale of `_level`
        self._served: dict[_Account, float] = {}  # s; when it last got something
        self._jobs: dict[_Account, int] = {}  # unfinished ones
        self._level = {False: 0.0, True: 0.0}  # interactive, batch: where who is served now stands
        self._turn = 0
        self.waiting = False
        """Whether there were jobs that could draw when it was last picked, if somebody were free."""
        self._last_turn = dict.fromkeys(Kind, float("-inf"))  # s

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self, job: int, client: Hashable, now: float, *, batch: bool, group: str = "", retry_after_ms: int = 1000
    ) -> None:
        """Take a job in. Raises BusyError where there are too many."""
        if len(self._entries) >= self._capacity:
            raise BusyError(
                f"the server has {len(self._entries)} unfinished jobs and takes no more",
                hint="try again a little later",
                retry_after_ms=retry_after_ms,
            )
        account = (client, batch)
        self._jobs[account] = self._jobs.get(account, 0) + 1
        self._used[account] = max(self._used.get(account, 0.0), self._level[batch])
        self._turn += 1
        self._entries[job] = _Entry(batch, account, group, self._turn, now)

    def remove(self, job: int) -> None:
        """Forget a job that is done, failed or dropped."""
        entry = self._entries.pop(job, None)
        if entry is not None:
            self._jobs[entry.account] -= 1
            if not self._jobs[entry.account]:
                del self._jobs[entry.account]
                self._served.pop(entry.account, None)
                self._forget_accounts()

    def _forget_accounts(self) -> None:
        """Those without jobs, once they would start at the level anyway, or there are too many to remember."""
        if not self._jobs:
            self._used.clear()
            return
        idle = sorted(
            (used - self._level[a[1]], i) for i, (a, used) in enumerate(self._used.items()) if a not in self._jobs
        )
        accounts = list(self._used)
        for rank, (ahead, i) in enumerate(reversed(idle)):
            if ahead <= 0 or rank >= REMEMBERED:
                del self._used[accounts[i]]

    def pick(
        self,
        ready: Callable[[int], bool],
        cost: Callable[[int], float],
        budget: Callable[[Kind], float],
        now: float,
        free: Callable[[Kind, str], int] = lambda kind, group: 1,
    ) -> Turn | None:
        """The jobs that draw next, together, of those that are `ready` (have credit and room); None where there is none.

        cost: about how long the next step of a job takes; inf: it draws alone. budget: how long a turn of that kind should take at
        most, in the same unit; its first job may take longer. free: how many could draw a turn of that kind and group now; they share the jobs.
        """
        hands: dict[tuple[Kind, str], int] = {}
        for entry in self._entries.values():
            key = entry.kind, entry.group
            if key not in hands:
                hands[key] = free(*key)
        able = self._able(hands, ready, now)
        if not able:
            self.waiting = any(ready(job) for job in self._entries)
            return None
        self.waiting = True
        due, kind = min((self._due(kind, able), kind) for kind in {entry.kind for entry in able.values()})
        waiting = {job: entry for job, entry in able.items() if entry.kind == kind}
        jobs: list[int] = []
        left = budget(kind)
        group = ""
        most = 1
        for job in self._in_order(waiting, now):
            entry = able[job]
            if jobs and entry.group != group:
                continue
            price = cost(job)
            if jobs and price > left:
                continue
            if not jobs:
                group = entry.group
                most = min(self._together, -(-len(waiting) // hands[kind, group]))
            left -= price
            jobs.append(job)
            if len(jobs) >= most:
                break
        batch = kind is Kind.BATCH
        self._level[batch] = max(self._level[batch], min(self._used[able[job].account] for job in jobs))
        for job in jobs:
            self._turn += 1
            entry = self._entries[job]
            entry.turn = self._turn
        return Turn(tuple(jobs), due, kind)

    def _due(self, kind: Kind, able: dict[int, _Entry]) -> float:
        since = min(entry.since or 0.0 for entry in able.values() if entry.kind is kind)
        return max(since, self._last_turn[kind]) + PATIENCE_S[kind]

    def _able(self, hands: dict[tuple[Kind, str], int], ready: Callable[[int], bool], now: float) -> dict[int, _Entry]:
        """The jobs that could draw now."""
        able = {}
        for job, entry in self._entries.items():
            if not hands[entry.kind, entry.group]:
                continue
            if not ready(job):
                entry.since = None
                continue
            if entry.since is None:
                entry.since = now
            able[job] = entry
            level = self._level[entry.batch]
            if self._used[entry.account] < level:  # it had nothing to draw for a while: that saves nothing up
                self._used[entry.account] = level
        return able

    def _in_order(self, entries: dict[int, _Entry], now: float) -> list[int]:
        """The fairest first; jobs of one client one after the other, but not before others' first ones; before all who waits too long."""
        by_account: dict[_Account, list[int]] = {}
        for job in sorted(entries, key=lambda job: entries[job].turn):
            by_account.setdefault(entries[job].account, []).append(job)
        ranked: list[tuple[int, float, int, int]] = []
        for account, jobs in by_account.items():
            since = max(self._served.get(account, float("-inf")), min(entries[job].since or 0.0 for job in jobs))
            used = self._used[account]
            ranked += [(place, used, entries[job].turn, job) for place, job in enumerate(jobs)]
            if now - since > AGED_S:
                ranked[-len(jobs)] = -1, since, entries[jobs[0]].turn, jobs[0]
        return [job for *_, job in sorted(ranked)]

    def preempts(self, job: int, turn: Turn) -> bool:
        """Whether what draws now should make way for this job: somebody waits to see something of it, and it is due earlier."""
        entry = self._entries.get(job)
        return entry is not None and entry.kind is Kind.FRESH and entry.since is not None and entry.since < turn.due

    def charge(self, job: int, cost: float, now: float, *, served: bool = True) -> None:
        """Note that a job has used so much drawing time. served: something of its step is done; else it waits as it did.

        Jobs that are gone are ignored.
        """
        entry = self._entries.get(job)
        if entry is not None:
            self._used[entry.account] += cost
            if served:
                self._last_turn[entry.kind] = self._served[entry.account] = now
                entry.fresh, entry.since = False, None
