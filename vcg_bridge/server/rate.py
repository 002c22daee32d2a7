"""How often somebody may do something: a bucket that fills steadily."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from vcg_bridge.contract.errors import BusyError

LEAST_MS = 100
"""Sooner nobody is told to come back."""


TALK_PER_S, TALK_BURST = 2000.0, 20_000
"""Units that a client may send, in the long run and at once; each chunk that it gets is one more. Nobody needs a tenth of it."""

UNIT_BYTES = 256
"""That cost as much to read as a message of its own."""


def units(frames: int, size: int) -> int:
    """What a message costs whoever has to read it. size: bytes of its frames."""
    return frames + size // UNIT_BYTES


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

    def spend(self, units: float, now: float) -> bool:
        """Whether there is so much to take. Where there is not, nothing is left either."""
        self.wait_ms(now)
        self._left -= units
        if self._left >= 0:
            return True
        self._left = 0.0
        return False

    def owe(self, units: float, now: float) -> float:
        """Take so much, even where there is not so much. Seconds until there would be."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_s) - units
        self._at = now
        return max(0.0, -self._left / self._per_s)

    def give(self, units: float) -> None:
        """So much more may be taken, up to the burst."""
        self._left = min(self._burst, self._left + units)


@dataclass(frozen=True)
class Bounds:
    """Of one connection. They outlive its session: nobody gets new ones by saying bye and hello."""

    requests: Bucket  # generate, describe, hello
    talk: Bucket  # all that it sends, in `units`

    @classmethod
    def full(cls, requests_per_s: float, requests_burst: int, now: float) -> Bounds:
        """Of a new one."""
        return cls(Bucket(requests_per_s, requests_burst, now), Bucket(TALK_PER_S, TALK_BURST, now))


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
