"""How many requests a client may make: a bucket that fills steadily."""

from __future__ import annotations

from vcg_bridge.contract.errors import BusyError

LEAST_MS = 100
"""Sooner nobody is told to come back."""


class Bucket:
    """Holds up to `burst` requests, `per_s` more each second."""

    def __init__(self, per_s: float, burst: int, now: float) -> None:
        self._per_s, self._burst, self._left, self._at = per_s, burst, float(burst), now

    def take(self, now: float) -> None:
        """One request. Raises BusyError where there have been too many."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            raise BusyError(
                f"more than {self._per_s:g} requests a second",
                hint="ask for more characters in one request",
                retry_after_ms=max(LEAST_MS, round((1 - self._left) / self._per_s * 1000)),
            )
        self._left -= 1
