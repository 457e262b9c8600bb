"""`serve` and `run`: queue, runner, server and metrics put together, until told to stop."""

import asyncio
import logging
import signal
import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from destination_core.connection import Service
from destination_core.queue import Counts, Settlement, SqliteQueue
from destination_core.runner import Runner, Watchdog
from destination_core.server import Server, Source, Sources
from destination_core.work import Delivery

log: Final = logging.getLogger(__name__)

LATENCIES: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 14_400)
"""Seconds from receipt to delivery, as buckets."""


class Metrics:
    """What `/metrics` shows, in Prometheus's text format."""

    def __init__(self, runner: Runner, server: Server | None) -> None:
        self._runner = runner
        self._server = server
        self._counts: Mapping[str, Counts] = {}
        self._registry = CollectorRegistry()
        self._outcomes = Counter(
            "destinations_deliveries",
            "Deliveries by what became of them.",
            ("destination", "action", "status", "code"),
            registry=self._registry,
        )
        self._latency = Histogram(
            "destinations_latency_seconds",
            "From receipt to the end of a delivery.",
            ("destination",),
            buckets=LATENCIES,
            registry=self._registry,
        )
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
            latency.observe(max(0.0, now - settled.job.received))

    def collect(self) -> Iterable[Metric]:
        """Yield what is counted by the queue, the workers and the server."""
        queue = GaugeMetricFamily(
            "destinations_queue_deliveries",
            "Deliveries by where they are; accepted is the sum of the others.",
            labels=("destination", "state"),
        )
        missing = GaugeMetricFamily(
            "destinations_conservation_difference",
            "Accepted less delivered, dead, filtered, damaged and queued: always 0.",
            labels=("destination",),
        )
        oldest = GaugeMetricFamily(
            "destinations_queue_oldest_seconds",
            "Age of the oldest event that is queued.",
            labels=("destination",),
        )
        for name, one in self._counts.items():
            for state in ("accepted", "delivered", "dead", "filtered", "queued", "damaged"):
                queue.add_metric((name, state), getattr(one, state))
            missing.add_metric((name,), one.difference)
            age = 0.0 if one.oldest is None else max(0.0, time.time() - one.oldest)
            oldest.add_metric((name,), age)
        commits, seconds = self._runner.queue.commits
        yield CounterMetricFamily(
            "destinations_queue_commits", "Transactions that reached the disk.", value=commits
        )
        yield CounterMetricFamily(
            "destinations_queue_commit_seconds", "Time that they took.", value=seconds
        )
        breaker = GaugeMetricFamily(
            "destinations_breaker_open",
            "1 while a destination is left alone.",
            labels=("destination",),
        )
        concurrency = GaugeMetricFamily(
            "destinations_concurrency",
            "Attempts that are allowed at once.",
            labels=("destination",),
        )
        for name, worker in self._runner.workers.items():
            breaker.add_metric((name,), worker.breaker.state != "closed")
            concurrency.add_metric((name,), int(worker.concurrency.size))
        yield from (queue, missing, oldest, breaker, concurrency)
        if self._server is not None:
            received = CounterMetricFamily(
                "destinations_ingest_received", "Events that came in.", labels=("source",)
            )
            for source, many in self._server.received.items():
                received.add_metric((source,), many)
            discarded = CounterMetricFamily(
                "destinations_ingest_discarded", "Events and calls not taken.", labels=("code",)
            )
            for code, many in self._server.discarded.items():
                discarded.add_metric((code,), many)
            yield from (received, discarded)

    async def text(self) -> bytes:
        """Return the page."""
        self._counts = await self._runner.queue.counts()
        return generate_latest(self._registry)


class Running:
    """The parts of a service, running: an async context manager that drains when it is left."""

    def __init__(
        self, service: Service, *, listen: tuple[str, int] | None, clock: Callable[[], float]
    ) -> None:
        self._service = service
        self._listen = listen
        self._stack = AsyncExitStack()
        settings = service.queue
        self.queue = SqliteQueue(
            service.queue_path,
            max_bytes=settings.max_bytes,
            min_free_bytes=settings.min_free_bytes,
            window=settings.dedup_window,
            retention=settings.dead_retention,
            clock=clock,
        )
        self.runner = Runner(
            service.connections, self.queue, policies=service.policies, clock=clock
        )
        self.server: Server | None = None
        if listen is not None:
            sources = Sources(Source(name, found) for name, found in service.sources.items())
            host, port = listen
            self.server = Server(
                sources,
                self.runner.put,
                host=host,
                port=port,
                ready=self.problems,
                metrics=self._metrics_text,
            )
        self.metrics = Metrics(self.runner, self.server)

    async def __aenter__(self) -> Self:
        longest = max((one.deadline for one in self._service.policies.values()), default=60.0)
        await self._stack.enter_async_context(Watchdog(2 * longest))
        await self._stack.enter_async_context(self.queue)
        await self._stack.enter_async_context(self.runner)
        if self.server is not None:
            await self._stack.enter_async_context(self.server)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def problems(self) -> list[str]:
        """Return why no event can be taken now; nothing when all is well."""
        full = self.queue.room()
        return [full] if full else []

    async def _metrics_text(self) -> bytes:
        return await self.metrics.text()


async def run_until_stopped(
    service: Service,
    *,
    listen: tuple[str, int] | None = None,
    feed: Callable[[Runner], Awaitable[object]] | None = None,
    started: Callable[[Running], object] = lambda _: None,
    clock: Callable[[], float] = time.time,
) -> Mapping[str, Counts]:
    """Run a service until SIGTERM or SIGINT, or until ``feed`` has ended and nothing is queued.

    A second signal gives back what is in flight at once. Returns the counts at the end.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with Running(service, listen=listen, clock=clock) as running:

        def told() -> None:
            if stop.is_set():
                for worker in running.runner.workers.values():
                    worker.abort()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told)
        started(running)
        if feed is None:
            await stop.wait()
        else:
            await _first(stop.wait(), _fed(feed, running.runner))
        log.info("stopping: what is in flight is finished, the rest stays queued")
        if running.server is not None:
            await running.server.__aexit__(None, None, None)
        await running.runner.drain()
        return await running.queue.counts()


async def _fed(feed: Callable[[Runner], Awaitable[object]], runner: Runner) -> None:
    await feed(runner)
    await runner.idle()


async def _first(*waiting: Awaitable[Any]) -> None:
    tasks = [asyncio.ensure_future(one) for one in waiting]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for task in done:
        task.result()
