"""How often somebody may do something: a bucket that fills steadily."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from vcg_bridge.contract.errors import BusyError

LEAST_MS = 100
"""Sooner nobody is told to come back."""


class Bucket:
    """Holds up to `burst` requests, `per_s` more each second."""

    def __init__(self, per_s: float, burst: int, now: float) -> None:
        self._per_s, self._burst, self._left, self._at = per_s, burst, float(burst), now

    def full(self, now: float) -> bool:
        """Nobody has taken anything for long."""
        return self._left + max(0.0, now - self._at) * self._per_s >= self._burst

    def wait_ms(self, now: float) -> int:
        """0: there is one to take. Else when there will be."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_s)
        self._at = now
        return 0 if self._left >= 1 else max(LEAST_MS, round((1 - self._left) / self._per_s * 1000))

    def take(self, now: float) -> None:
        """One request. Raises BusyError where there have been too many."""
        wait_ms = self.wait_ms(now)
        if wait_ms:
            raise BusyError(
                f"more than {self._per_s:g} requests a second",
                hint="ask for more characters in one request",
                retry_after_ms=wait_ms,
            )
        self._left -= 1


@lru_cache(1024)
def whom(address: str) -> str:
    """Who is meant by an IP address: IPv6 gives everybody 2^64 of them, which are one here. What is no address stands for itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))
