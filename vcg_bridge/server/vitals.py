"""What a running server says of itself: whether it lives, whether it is ready, and the figures that others keep."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vcg_bridge.server.certificates import ServedCertificate
from vcg_bridge.server.crew import Crew
from vcg_bridge.server.departures import REASONS, Departures
from vcg_bridge.server.front import Front
from vcg_bridge.server.health import Answer
from vcg_bridge.server.logs import lines_lost
from vcg_bridge.server.metrics import Metrics, Value
from vcg_bridge.server.processes import ProcessReplica
from vcg_bridge.server.renewal import Renewable
from vcg_bridge.server.service import Service
from vcg_bridge.server.shelf import Shelf
from vcg_bridge.server.strangers import REASONS as ENDED
from vcg_bridge.server.strangers import Strangers
from vcg_bridge.server.worker import Worker

STUCK_S = 10.0
"""The server's thread has a turn four times a second; after so long without one something holds it."""

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass
class Vitals:
    """Looks at the parts of a server from any thread. The server's thread writes `alive`."""

    metrics: Metrics
    shelf: Shelf
    service: Service
    worker: Worker
    crew: Crew
    departures: Departures
    strangers: Strangers
    front: Front | None
    certificate: ServedCertificate | None
    renewables: Sequence[Renewable]
    stopping: Callable[[], bool]
    alive: float = field(default_factory=time.monotonic)  # s; the latest turn of the server's thread

    def __post_init__(self) -> None:
        """Have the metrics show all this."""
        self.metrics.watch(self.values)

    def pages(self) -> dict[str, Callable[[], Answer]]:
        """What the health port answers."""
        return {
            "/metrics": lambda: (200, "text/plain; version=0.0.4; charset=utf-8", self.metrics.text()),
            "/live": lambda: _word(self.stuck()),
            "/ready": lambda: _word(self.not_ready()),
        }

    def stuck(self) -> str:
        """Why the server should be started again; "" it should not."""
        silent = time.monotonic() - self.alive
        return f"the server's thread has done nothing for {silent:.0f} s" if silent > STUCK_S else ""

    def not_ready(self) -> str:
        """Why nobody should be sent here now; "" they may."""
        if self.stuck():
            return self.stuck()
        if self.service.leaving or self.stopping():
            return "going down"
        return "" if self.worker.warm else "loading the networks"

    def values(self) -> list[Value]:
        """What others keep, read now."""
        caches = [studio.generator.cache_info() for studio in self.shelf]
        caches += [replica.cache for replica in self.crew.replicas]
        ever = caches + self.crew.gone
        refused, ended = self.departures.failed_handshakes, self.strangers.ended
        found = [
            Value("ready", "1 where clients should be sent here: /ready says 200", float(not self.not_ready())),
            Value("silent_seconds", "Since the latest turn of the server's thread", time.monotonic() - self.alive),
            Value("clients", "Clients that have said hello", self.service.clients),
            Value("unfinished_jobs", "Jobs queued, drawn or waiting for their clients", self.service.unfinished),
            Value("held_bytes", "Drawn but not sent", self.service.held_bytes),
            Value("cache_bytes", "Drawn views in the caches, replicas' too", sum(c.bytes for c in caches)),
            Value("cache_views", "Drawn views in the caches, replicas' too", sum(c.entries for c in caches)),
            Value("cache_hits_total", "Views that were in a cache", sum(c.hits for c in ever)),
            Value("cache_misses_total", "Views that had to be drawn", sum(c.misses for c in ever)),
            Value("replicas", "Processes that draw beside the server", len(self.crew.replicas)),
            Value("replicas_lost_total", "Replicas that died or were killed", self.crew.lost),
            Value("replicas_resident_memory_bytes", "Of the replicas on this machine", self._memory()),
            Value("bundles_not_renewed", "Bundles that changed but could not be put up", len(self.shelf.complaints)),
            Value(
                "credentials_not_renewed", "Of certificate, token and known clients: changed but not in force",
                sum(bool(renewable.complaint) for renewable in self.renewables),
            ),
            Value("connections", "Open connections", len(self.departures.open)),
            Value("strangers", "Open connections that have said no hello", self.strangers.number),
            Value("tls_connections", "Open connections of the TLS front", self.front.connections if self.front else 0),
            Value("wrong_tokens_total", "Hellos with a wrong token", self.service.guesses.refused),
            Value("log_lines_lost_total", "Lines of the log that could not be written", lines_lost()),
            *(
                Value(f"handshakes_refused_{why}_total", f"Connections refused before a hello: {why}", refused[why])
                for why in REASONS
            ),
            *(
                Value(f"connections_ended_{why}_total", f"Connections ended by the server: {why}", ended[why])
                for why in ENDED
            ),
        ]  # fmt: skip
        if self.certificate is not None and self.certificate.expiry is not None:
            words = "When the TLS certificate ends, since 1970"
            found.append(Value("certificate_expiry_timestamp_seconds", words, self.certificate.expiry))
        return found

    def _memory(self) -> int:
        return sum(_resident(r.pid) for r in self.crew.replicas if isinstance(r, ProcessReplica))


def _resident(pid: int) -> int:
    """Bytes of memory of that process; 0 where the system does not tell, or it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * PAGE_BYTES


def _word(problem: str) -> Answer:
    """200 ok, or 503 and why."""
    return (503, "text/plain", f"{problem}\n".encode()) if problem else (200, "text/plain", b"ok\n")
