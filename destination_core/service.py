"""`serve` and `run`: queue, runner, server and metrics put together, until told to stop."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from destination_core.clock import SteadyClock
from destination_core.collector import relax_collector
from destination_core.connection import Service
from destination_core.ending import Ending
from destination_core.errors import ConfigurationError
from destination_core.health import Health
from destination_core.metrics import Metrics
from destination_core.queue import Counts, SqliteQueue
from destination_core.runner import Runner, Tail, Watchdog
from destination_core.runner.watchdog import EXIT_CODE
from destination_core.server import Server, Source, Sources

if TYPE_CHECKING:
    from destination_core.tracing import Tracing

T = TypeVar("T")

log: Final = logging.getLogger(__name__)

CLOSED_SECONDS: Final = 3.0
"""How long what a plugin left behind may take to end, once everything else has been closed."""

TOO_LATE: Final = "SIGHUP: no other configuration begins, for everything stops"


class Running:
    """The parts of a service, running: an async context manager that drains when it is left."""

    def __init__(
        self,
        service: Service,
        *,
        listen: tuple[str, int] | None,
        clock: Callable[[], float],
        deliver: bool = True,
        tracing: "Tracing | None" = None,
    ) -> None:
        self._service = service
        self._listen = listen
        self._stack = AsyncExitStack()
        self._watchdog = Watchdog(_patience(service))
        settings = service.queue
        self.queue = SqliteQueue(
            service.queue_path,
            max_bytes=settings.max_bytes,
            min_free_bytes=settings.min_free_bytes,
            fsync=settings.fsync,
            window=settings.dedup_window,
            retention=settings.dead_retention,
            clock=clock,
        )
        self.runner = Runner(
            service.connections,
            self.queue,
            policies=service.policies,
            deliver=deliver,
            clock=clock,
        )
        self.metrics = Metrics(self.runner)
        if tracing is not None:
            self.runner.attempt_watchers.append(tracing.attempted)
        self.server: Server | None = None
        if listen is not None:
            host, port = listen
            health = Health(self.queue, self.runner)
            pages = {
                "/livez": health.alive,
                "/readyz": health.ready,
                "/version": health.version,
                "/metrics": self.metrics.page,
            }
            self.server = self.metrics.server = Server(
                _sources(service),
                self.runner.put,
                host=host,
                port=port,
                pages=pages,
                proxies=service.ingest.trusted_proxies,
                tracing=tracing,
            )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:  # what cannot start gives back what it has
            await starting.enter_async_context(self._watchdog)
            await starting.enter_async_context(self.queue)
            told = Tail(self.queue.tail_path, states=self.runner.states)
            tail = await starting.enter_async_context(told)
            self.runner.watchers.append(tail.watch)
            await starting.enter_async_context(self.runner)
            if self.server is not None:
                await starting.enter_async_context(self.server)
            self._stack = starting.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def reload(self, service: Service) -> None:
        """Go on with another configuration; raises ``ConfigurationError`` where that cannot be."""
        now = self._service
        if (service.queue_path, service.queue) != (now.queue_path, now.queue):
            raise ConfigurationError("queue: cannot be changed while running; restart instead")
        await self.runner.reload(service.connections, service.policies)
        self._service = service
        self._watchdog.seconds = _patience(service)
        if self.server is not None:
            self.server.admit(_sources(service), service.ingest.trusted_proxies)


def _patience(service: Service) -> float:
    """Return how long the loop may stand still: twice as long as any handler may take."""
    return 2 * max((one.deadline for one in service.policies.values()), default=60.0)


def _sources(service: Service) -> Sources:
    return Sources(Source(name, keys) for name, keys in service.sources.items())


async def run_until_stopped(
    service: Service,
    *,
    ending: Ending,
    again: Callable[[], Service] | None = None,
    listen: tuple[str, int] | None = None,
    feed: Callable[[Runner], Awaitable[object]] | None = None,
    started: Callable[[Running], object] = lambda _: None,
    deliver: bool = True,
    tracing: "Tracing | None" = None,
    clock: Callable[[], float] | None = None,
) -> Mapping[str, Counts]:
    """Run a service until SIGTERM or SIGINT, or until ``feed`` has ended and nothing is queued.

    A second signal gives back what is in flight at once, and ``ending`` sees to it that the process
    ends then, whatever plugins do. On SIGHUP the configuration is read
    ``again``; when it is wrong, the old one goes on. Without ``deliver``, what is accepted is left
    for another process that shares the queue. ``tracing`` makes spans of it all. Returns the
    counts at the end.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    clock = clock or SteadyClock()
    parts = Running(service, listen=listen, clock=clock, deliver=deliver, tracing=tracing)
    async with parts as running:

        def told() -> None:
            if stop.is_set():
                running.runner.abort()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told)
            signal.signal(number, ending.hear)  # beside it: asyncio goes by the number alone
        reloading = Reloading(running, again)
        loop.add_signal_handler(signal.SIGHUP, reloading.begin)
        relax_collector()
        started(running)
        if feed is None:
            await stop.wait()
        else:
            await _first(stop.wait(), _fed(feed, running.runner))
        reloading.end()
        if stop.is_set():
            log.info("stopping: what is in flight is finished, the rest stays queued")
        if running.server is not None:
            await running.server.__aexit__(None, None, None)
        await running.runner.drain()
        counts = await running.queue.counts()
    ending.begin(CLOSED_SECONDS)
    return counts


def abandoned() -> None:
    """Say, as an ``Ending`` does at last, why the process ends."""
    log.critical(
        "a plugin does not let the process end, it ends now: what the plugin had in hand stays"
        " queued and is delivered again"
    )


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a service's coroutine; a plugin's own task that exits ends the process, with a reason."""
    try:
        return asyncio.run(main)
    except SystemExit as error:
        log.critical("a task of a plugin has ended the process: %r", error, exc_info=error)
        raise SystemExit(EXIT_CODE) from error


class Reloading:
    """Reads the configuration again, once at a time, beside what is going on."""

    def __init__(self, running: Running, again: Callable[[], Service] | None) -> None:
        self._running = running
        self._again = again
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    def begin(self) -> None:
        """Start to read it again, unless that is being done, or everything stops."""
        if self._is_over:
            log.info(TOO_LATE)
        elif self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reload())

    def end(self) -> None:
        """Let no other configuration begin any more, also if it is being read."""
        self._is_over = True

    async def _reload(self) -> None:
        if self._again is None:
            log.warning("SIGHUP: there is no configuration to read again")
            return
        try:
            service = await asyncio.to_thread(self._again)
            if self._is_over:
                log.info(TOO_LATE)
                return
            await self._running.reload(service)
        except Exception as error:  # noqa: BLE001  the old one must go on, whatever it is
            self._running.metrics.reloads["refused"] += 1
            log.error("configuration is not reloaded, the old one goes on: %s", error)  # noqa: TRY400
        else:
            self._running.metrics.reloads["ok"] += 1
            log.info("configuration is reloaded")


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
