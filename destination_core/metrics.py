"""What `/metrics` shows, in Prometheus's text format; docs/operations.md names every one.

Labels are bounded: names of the configuration, slugs of the plugins, and codes, of which a
destination has at most ``MOST_CODES``.
"""

import platform
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from aiohttp.web_response import Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from destination_core.errors import Paused, RetryableError, SetupError
from destination_core.http import core_version
from destination_core.queue import Counts, Delivered, Settlement, SqliteQueue
from destination_core.runner import Runner
from destination_core.server import Server
from destination_core.timings import Timings
from destination_core.work import Attempt, Delivery, DeliveryStatus

LATENCIES: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 14_400)
"""Seconds from receipt to delivery, as buckets."""

ATTEMPTS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Seconds of an attempt, as buckets."""

STATES: Final = ("accepted", "delivered", "dead", "filtered", "queued", "damaged")
"""Where a delivery may be; the first is the sum of the others."""

BREAKERS: Final = ("closed", "open", "probing")

MOST_CODES: Final = 40
"""Codes of one destination that are told apart; beyond them it is "OTHER": plugins invent codes."""

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts what the runner tells, and asks queue, workers and server for the rest.

    ``reloads`` counts how often the configuration was read again, by result.
    """

    def __init__(self, runner: Runner, server: Server | None = None) -> None:
        self.server = server
        self.reloads: Tally[str] = Tally()
        self._runner = runner
        self._counts: Mapping[str, Counts] = {}
        self._codes: dict[str, set[str]] = {}
        # a second series for each counter would tell nothing
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._outcomes = Counter(
            "destinations_deliveries",
            "Deliveries by what became of them; one that is tried again counts each time.",
            ("destination", "action", "status", "code"),
            registry=self._registry,
        )
        self._warnings = Counter(
            "destinations_warnings",
            "Warnings about data that was changed on the way, of what was delivered.",
            ("destination", "action"),
            registry=self._registry,
        )
        self._latencies: defaultdict[str, Timings] = defaultdict(partial(Timings, LATENCIES))
        self._attempts = Histogram(
            "destinations_attempt_seconds",
            "Calls of a destination, single or batched, by the policy that their end stands for.",
            ("destination", "outcome"),
            buckets=ATTEMPTS,
            registry=self._registry,
        )
        build = Info("destinations_build", "What runs here.", registry=self._registry)
        build.info({"version": core_version(), "python": platform.python_version()})
        ProcessCollector(registry=self._registry)
        self._registry.register(self)
        runner.watchers.append(self._observe)
        runner.attempt_watchers.append(self._attempted)

    def _observe(
        self,
        name: str,
        settlements: Sequence[Settlement],
        results: Sequence[Sequence[Delivery]],
    ) -> None:
        every = [one for deliveries in results for one in deliveries]
        good = Tally([one.action for one in every if one.error is None])
        failed = Tally(
            (one.action, str(one.status), one.error.code)
            for one in every
            if one.error is not None and not isinstance(one.error, Paused)  # which was not tried
        )
        seen = {(action, str(DeliveryStatus.DELIVERED), ""): many for action, many in good.items()}
        for (action, status, code), many in (seen | failed).items():
            self._outcomes.labels(name, action, status, self._bounded(name, code)).inc(many)
        for one in [one for one in every if one.warnings and one.error is None]:
            self._warnings.labels(name, one.action).inc(len(one.warnings))
        now = self._runner.clock()
        latency = self._latencies[name]
        received = Tally([one.job.received for one in settlements if isinstance(one, Delivered)])
        for moment, many in received.items():  # the events of a call came in one moment
            latency.add(max(0.0, now - moment), many)

    def _attempted(self, attempt: Attempt, _traces: Sequence[str]) -> None:
        self._attempts.labels(attempt.connection, _outcome(attempt)).observe(attempt.seconds)

    def _bounded(self, destination: str, code: str) -> str:
        known = self._codes.setdefault(destination, set())
        if code in known or len(known) < MOST_CODES:
            known.add(code)
            return code
        return "OTHER"

    def collect(self) -> Iterable[Metric]:
        """Yield what is counted by the queue, the workers and the server."""
        yield from self._of_deliveries()
        yield from self._of_queue()
        yield from self._of_workers()
        reloads = _counter("reloads", "Times the configuration was read again.", "result")
        for result in ("ok", "refused"):
            reloads.add_metric((result,), self.reloads[result])
        yield reloads
        if self.server is not None:
            yield from _of_server(self.server)

    def _of_deliveries(self) -> Iterable[Metric]:
        states = _gauge("queue_deliveries", "Deliveries by where they are.", "destination", "state")
        missing = _gauge(
            "conservation_difference",
            "Accepted less delivered, dead, filtered, damaged and queued: always 0.",
            "destination",
        )
        oldest = _gauge(
            "queue_oldest_seconds", "Age of the oldest event that is queued.", "destination"
        )
        latency = HistogramMetricFamily(
            "destinations_latency_seconds", "From receipt to delivery.", labels=("destination",)
        )
        for name, timings in self._latencies.items():
            latency.add_metric((name,), timings.buckets(), timings.seconds)
        letters = _gauge("dead_letters", "Dead letters that are kept.", "destination")
        for name, one in self._counts.items():
            for state in STATES:
                states.add_metric((name, state), getattr(one, state))
            missing.add_metric((name,), one.difference)
            age = 0.0 if one.oldest is None else max(0.0, self._runner.clock() - one.oldest)
            oldest.add_metric((name,), age)
            letters.add_metric((name,), one.letters)
        yield from (states, missing, oldest, latency, letters)

    def _of_queue(self) -> Iterable[Metric]:
        unnamed = self._counts.get("") or Counts()
        yield _counter("duplicates", "Events that had been seen before.", value=unnamed.duplicates)
        queue = self._runner.queue
        if not isinstance(queue, SqliteQueue):  # the rest is about the file
            return
        yield HistogramMetricFamily(
            "destinations_queue_commit_seconds",
            "Time that transactions took to reach the disk (fsync).",
            buckets=queue.commits.buckets(),
            sum_value=queue.commits.seconds,
        )
        yield _gauge("queue_bytes", "Bytes in use by the queue.", value=queue.used_bytes)
        yield _gauge("queue_limit_bytes", "Bytes the queue may have.", value=queue.max_bytes)
        yield _gauge("disk_free_bytes", "Free bytes beside the queue.", value=queue.free_bytes())

    def _of_workers(self) -> Iterable[Metric]:
        breaker = _gauge("breaker_state", "1 for the breaker's state.", "destination", "state")
        concurrency = _gauge("concurrency", "Attempts that are allowed at once.", "destination")
        flight = _gauge("in_flight", "Attempts that are under way.", "destination")
        rate = _gauge("rate_limit", "Requests per second that are allowed.", "destination")
        running = _gauge("worker_up", "1 while events are delivered.", "destination")
        ended = set(self._runner.ended)
        for name, worker in self._runner.workers.items():
            for state in BREAKERS:
                breaker.add_metric((name, state), worker.breaker.state == state)
            concurrency.add_metric((name,), int(worker.concurrency.size))
            flight.add_metric((name,), worker.concurrency.in_flight)
            running.add_metric((name,), name not in ended)
            if worker.rate is not None:
                rate.add_metric((name,), worker.rate)
        yield from (breaker, concurrency, flight, rate, running)

    async def page(self) -> Response:
        """Answer `/metrics`."""
        self._counts = await self._runner.queue.counts()
        return Response(
            body=generate_latest(self._registry),
            headers={"Content-Type": TEXT, "Server": "destinations"},
        )


def _outcome(attempt: Attempt) -> str:
    """Name the retry policy that the end of an attempt stands for."""
    if attempt.error is None:
        return "ok"
    if isinstance(attempt.error, RetryableError):
        return "retryable"
    return "setup" if isinstance(attempt.error, SetupError) else "permanent"


def _gauge(name: str, said: str, *labels: str, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"destinations_{name}", said, labels=labels or None, value=value)


def _counter(name: str, said: str, *labels: str, value: float | None = None) -> CounterMetricFamily:
    return CounterMetricFamily(f"destinations_{name}", said, labels=labels or None, value=value)


def _of_server(server: Server) -> Iterable[Metric]:
    received = _counter("ingest_received", "Events that came in.", "source")
    for source, many in server.received.items():
        received.add_metric((source,), many)
    discarded = _counter("ingest_discarded", "Events and calls not taken.", "code")
    for code, many in server.discarded.items():
        discarded.add_metric((code,), many)
    answered = _counter("ingest_calls", "Calls that bring events, by answer.", "status")
    for status, many in server.answered.items():
        answered.add_metric((str(status),), many)
    yield from (received, discarded, answered)
    yield _counter("ingest_repeated_calls", "Calls that an SDK repeats.", value=server.repeated)
    yield _gauge("ingest_held_bytes", "Bytes of calls in hand.", value=server.load.held)
