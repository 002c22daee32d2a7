"""How fast the drawing goes, learned as it goes: how much to draw in one step, and when to come back to a full queue."""

from __future__ import annotations

from vcg_bridge.server.jobs import Tally

FIRST_MS_PER_POSE = 3.0
"""A guess, before anything was drawn."""

RETRY_MS = (100, 30_000)


class Pace:
    """Running averages."""

    def __init__(self) -> None:
        self._pose_ms = FIRST_MS_PER_POSE
        self._job_s = 1.0

    def note(self, tally: Tally) -> None:
        """Learn from a step. A slow one counts at once, a fast one slowly: drawn views come out of the cache.

        By the work in it, not by the clock: were steps made smaller where other programs slow everything down, more and more of the time
        would go to handing them out.
        """
        if tally.chunks:
            latest = max(0.001, tally.work_ms / tally.poses)
            self._pose_ms = max(latest, 0.8 * self._pose_ms + 0.2 * latest)

    def finished(self, seconds: float) -> None:
        """Learn from a job."""
        self._job_s = 0.8 * self._job_s + 0.2 * seconds

    def poses(self, milliseconds: float) -> int:
        """About so many poses are drawn in that time."""
        return int(milliseconds / self._pose_ms)

    def milliseconds(self, poses: int) -> float:
        """About so long takes drawing so many poses."""
        return poses * self._pose_ms

    @property
    def retry_after_ms(self) -> int:
        """When to come back to a full queue."""
        return max(RETRY_MS[0], min(RETRY_MS[1], int(self._job_s * 500)))
