"""Who draws next. A pure policy: no clock, no sockets, no threads.

First come interactive jobs that have shown nothing yet, then other interactive ones, then batch jobs; but every
BATCH_EVERY-th turn goes to a batch job if one is waiting. Among the jobs of one kind the client that has used least
drawing time for that kind comes first, and among one client's jobs each in turn.
A client that comes (back) starts level with the least used one, so that being idle saves nothing up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from vcg_bridge.contract.errors import BusyError

BATCH_EVERY = 16


@dataclass
class _Entry:
    batch: bool
    account: tuple[Hashable, bool]  # client and kind: whose drawing time it uses
    turn: int  # when it had its last turn; the smallest is next
    fresh: bool = True  # has had none yet


class Scheduler:
    """The unfinished jobs, by number."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: dict[int, _Entry] = {}
        self._used: dict[tuple[Hashable, bool], float] = {}  # drawing time, of accounts that have jobs
        self._turn = 0
        self._since_batch = 0  # interactive turns while a batch job was waiting

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, job: int, client: Hashable, *, batch: bool, retry_after_ms: int = 1000) -> None:
        """Take a job in. Raises BusyError where there are too many."""
        if len(self._entries) >= self._capacity:
            raise BusyError(
                f"the server has {len(self._entries)} unfinished jobs and takes no more",
                hint="try again a little later",
                retry_after_ms=retry_after_ms,
            )
        account = (client, batch)
        if account not in self._used:
            level = (used for (_, kind), used in self._used.items() if kind == batch)
            self._used[account] = min(level, default=0.0)
        self._turn += 1
        self._entries[job] = _Entry(batch, account, self._turn)

    def remove(self, job: int) -> None:
        """Forget a job that is done, failed or dropped."""
        entry = self._entries.pop(job, None)
        if entry is not None and all(other.account != entry.account for other in self._entries.values()):
            del self._used[entry.account]

    def pick(self, ready: Callable[[int], bool]) -> int | None:
        """The job that draws next, of those that are `ready` (have credit and room); None where there is none."""
        able = [job for job in self._entries if ready(job)]
        batch = [job for job in able if self._entries[job].batch]
        interactive = [job for job in able if not self._entries[job].batch]
        fresh = [job for job in interactive if self._entries[job].fresh]
        if batch and (not interactive or self._since_batch + 1 >= BATCH_EVERY):
            chosen, self._since_batch = self._fairest(batch), 0
        elif interactive:
            chosen = self._fairest(fresh or interactive)
            self._since_batch = self._since_batch + 1 if batch else 0
        else:
            return None
        self._turn += 1
        self._entries[chosen].turn, self._entries[chosen].fresh = self._turn, False
        return chosen

    def urgent(self, job: int) -> bool:
        """Whether what draws now should make way for this job: somebody waits to see something of it."""
        entry = self._entries.get(job)
        return entry is not None and entry.fresh and not entry.batch

    def _fairest(self, jobs: list[int]) -> int:
        return min(jobs, key=lambda job: (self._used[self._entries[job].account], self._entries[job].turn))

    def charge(self, job: int, cost: float) -> None:
        """Note that a job has used so much drawing time. Jobs that are gone are ignored."""
        entry = self._entries.get(job)
        if entry is not None:
            self._used[entry.account] += cost
