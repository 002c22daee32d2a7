"""What the server counts, for Prometheus. Names and labels are part of what users rely on: docs/operations.md lists them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

import vcg_bridge
from vcg_bridge.contract import vocabulary as v
from vcg_bridge.contract.errors import ERRORS
from vcg_bridge.contract.messages import REQUESTS
from vcg_bridge.server.scheduler import Kind

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""A preview takes milliseconds, a batch of ten thousand hours."""

RESULTS = ("done", "failed", "cancelled", "dropped")

disable_created_metrics()  # type: ignore[no-untyped-call]  # as many series again, that say when each began


class Value(NamedTuple):
    """What is read when somebody asks. A name that ends in _total only grows."""

    name: str  # without vcg_
    help: str
    value: float


class Metrics:
    """Counters of one server. Safe in threads. Every label has few values, and each is there from the start: what never happened is 0."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        words = "What runs here; always 1"
        build = Gauge("vcg_build_info", words, ["version", "protocol", "python"], registry=registry)
        protocol = ".".join(map(str, v.PROTOCOL_VERSION))
        build.labels(vcg_bridge.__version__, protocol, platform.python_version()).set(1)
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
        for kind in REQUESTS:
            self.requests.labels(kind)
        for code in ERRORS:
            self.errors.labels(code)
        for priority in v.PRIORITIES:
            self.first_chunk.labels(priority)
            self.job_seconds.labels(priority)
            for result in RESULTS:
                self.jobs.labels(priority, result)
        for urgency in Kind:
            self.turn_jobs.labels(urgency.name.lower())

    def watch(self, values: Callable[[], Iterable[Value]]) -> None:
        """Values that others keep."""
        self._registry.register(_Watched(values))

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _Watched:
    def __init__(self, values: Callable[[], Iterable[Value]]) -> None:
        self._values = values

    def describe(self) -> Iterable[Metric]:
        return ()  # they are read when somebody asks, not when they are registered

    def collect(self) -> Iterable[Metric]:
        for name, words, value in self._values():
            family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield family(f"vcg_{name}", words, value=value)
