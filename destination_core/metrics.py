"""What `/metrics` shows, in Prometheus's text format; docs/operations.md names every one."""

import platform
import time
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from destination_core.queue import Counts, Delivered, Settlement
from destination_core.runner import Runner
from destination_core.server import Server
from destination_core.work import Delivery

LATENCIES: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 14_400)
"""Seconds from receipt to delivery, as buckets."""

STATES: Final = ("accepted", "delivered", "dead", "filtered", "queued", "damaged")
"""Where a delivery may be; the first is the sum of the others."""


class Metrics:
    """Counts what the runner tells, and asks queue, workers and server for the rest."""

    def __init__(self, runner: Runner, server: Server | None) -> None:
        self._runner = runner
        self._server = server
        self._counts: Mapping[str, Counts] = {}
        self._registry = CollectorRegistry()
        self._outcomes = Counter(
            "destinations_deliveries",
            "Deliveries by what became of them; one that is tried again counts each time.",
            ("destination", "action", "status", "code"),
            registry=self._registry,
        )
        self._latency = Histogram(
            "destinations_latency_seconds",
            "From receipt to delivery.",
            ("destination",),
            buckets=LATENCIES,
            registry=self._registry,
        )
        build = Info("destinations_build", "What runs here.", registry=self._registry)
        build.info({"version": _version(), "python": platform.python_version()})
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        runner.watchers.append(self._observe)

    def _observe(
        self,
        name: str,
        settlements: Sequence[Settlement],
        results: Sequence[Sequence[Delivery]],
    ) -> None:
        seen = Tally(
            (one.action, str(one.status), one.error.code if one.error is not None else "")
            for deliveries in results
            for one in deliveries
        )
        for (action, status, code), many in seen.items():
            self._outcomes.labels(name, action, status, code).inc(many)
        now = time.time()
        latency = self._latency.labels(name)
        for settled in settlements:
            if isinstance(settled, Delivered):
                latency.observe(max(0.0, now - settled.job.received))

    def collect(self) -> Iterable[Metric]:
        """Yield what is counted by the queue, the workers and the server."""
        yield from self._of_queue()
        yield from self._of_workers()
        if self._server is not None:
            yield from _of_server(self._server)

    def _of_queue(self) -> Iterable[Metric]:
        queue = _gauge("queue_deliveries", "Deliveries by where they are.", "destination", "state")
        missing = _gauge(
            "conservation_difference",
            "Accepted less delivered, dead, filtered, damaged and queued: always 0.",
            "destination",
        )
        oldest = _gauge(
            "queue_oldest_seconds", "Age of the oldest event that is queued.", "destination"
        )
        for name, one in self._counts.items():
            for state in STATES:
                queue.add_metric((name, state), getattr(one, state))
            missing.add_metric((name,), one.difference)
            age = 0.0 if one.oldest is None else max(0.0, time.time() - one.oldest)
            oldest.add_metric((name,), age)
        yield from (queue, missing, oldest)
        commits, seconds = self._runner.queue.commits
        yield SummaryMetricFamily(
            "destinations_queue_commit_seconds",
            "Time that transactions took to reach the disk (fsync).",
            count_value=commits,
            sum_value=seconds,
        )

    def _of_workers(self) -> Iterable[Metric]:
        breaker = _gauge("breaker_open", "1 while a destination is left alone.", "destination")
        concurrency = _gauge("concurrency", "Attempts that are allowed at once.", "destination")
        for name, worker in self._runner.workers.items():
            breaker.add_metric((name,), worker.breaker.state != "closed")
            concurrency.add_metric((name,), int(worker.concurrency.size))
        yield from (breaker, concurrency)

    async def text(self) -> bytes:
        """Return the page."""
        self._counts = await self._runner.queue.counts()
        return generate_latest(self._registry)


def _gauge(name: str, said: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"destinations_{name}", said, labels=labels)


def _of_server(server: Server) -> Iterable[Metric]:
    received = CounterMetricFamily(
        "destinations_ingest_received", "Events that came in.", labels=("source",)
    )
    for source, many in server.received.items():
        received.add_metric((source,), many)
    discarded = CounterMetricFamily(
        "destinations_ingest_discarded", "Events and calls not taken.", labels=("code",)
    )
    for code, many in server.discarded.items():
        discarded.add_metric((code,), many)
    yield from (received, discarded)


def _version() -> str:
    try:
        return version("destination-core")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"
