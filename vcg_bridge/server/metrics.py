"""What the server counts, for Prometheus. Names and labels are part of what users rely on: docs/operations.md lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

Gauges = Mapping[str, float]
"""What is read when somebody asks: name -> value."""


class Metrics:
    """Counters of one server. Safe in threads."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("vcg_requests", "Requests taken in", ["type"], registry=registry)
        self.errors = Counter("vcg_errors", "Errors answered", ["code"], registry=registry)
        self.jobs = Counter("vcg_jobs", "Jobs that ended", ["priority", "result"], registry=registry)
        self.chunks = Counter("vcg_chunks", "Chunks sent", registry=registry)
        self.sent_bytes = Counter("vcg_chunk_bytes", "Bytes of the chunks sent", registry=registry)
        self.first_chunk = Histogram(
            "vcg_first_chunk_seconds",
            "From request to first chunk sent",
            ["priority"],
            buckets=SECONDS,
            registry=registry,
        )
        self.job_seconds = Histogram(
            "vcg_job_seconds", "From request to done", ["priority"], buckets=SECONDS, registry=registry
        )
        self.turn_jobs = Histogram(
            "vcg_turn_jobs", "Jobs drawn together in a turn", ["kind"], buckets=(1, 2, 4, 8, 16), registry=registry
        )

    def watch(self, gauges: Callable[[], Gauges], totals: Callable[[], Gauges]) -> None:
        """Values that others keep: those that go up and down, and those that only grow."""
        self._registry.register(_Watched(gauges, totals))

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Watched:
    def __init__(self, gauges: Callable[[], Gauges], totals: Callable[[], Gauges]) -> None:
        self._gauges, self._totals = gauges, totals

    def collect(self) -> Iterable[Metric]:
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"vcg_{name}", name.replace("_", " "), value=value)
        for name, value in self._totals().items():
            yield CounterMetricFamily(f"vcg_{name}", name.replace("_", " "), value=value)
