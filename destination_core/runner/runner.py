"""All destinations together: start, wake, drain."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from destination_core.connection import Connection, Policy
from destination_core.http import AiohttpTransport, Transport
from destination_core.queue import Accepted, Queue, Settlement
from destination_core.runner.intake import Intakes
from destination_core.runner.quarantine import Quarantine
from destination_core.runner.worker import Worker
from destination_core.work import Attempt, Delivery, Event

log: Final = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 18.0
"""How long what is in flight may take when the runner is told to stop: 25 with the server's 5."""

BACK_SECONDS: Final = 1.5
"""How long it may take to give back what is in flight by then."""

LAST_SECONDS: Final = 0.5
"""How long it may take once more; after that, what a handler keeps is left to the queue's end."""

LISTEN_SECONDS: Final = 0.1
"""Between two looks for what other processes have done."""

TEND_SECONDS: Final = 5.0
"""Between two rounds of upkeep."""

Watcher = Callable[[str, Sequence[Settlement], Sequence[Sequence[Delivery]]], None]
AttemptWatcher = Callable[[Attempt, Sequence[str]], None]


class Runner:
    """Source → durable queue → plan → batch → deliver, for every connection by itself.

    An async context manager: it delivers from when it is entered, and drains when it is left.
    Without ``deliver`` it only accepts, and another process that shares the queue delivers.
    ``watchers`` are told of what was settled, ``attempt_watchers`` of every attempt and of the
    trace contexts of its events.
    """

    def __init__(
        self,
        connections: Iterable[Connection[Any]],
        queue: Queue,
        *,
        policies: Mapping[str, Policy] | None = None,
        transport: Transport | None = None,
        deliver: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.connections = tuple(connections)
        self.queue = queue
        self.watchers: list[Watcher] = []
        self.attempt_watchers: list[AttemptWatcher] = []
        self.workers: dict[str, Worker] = {}
        self._policies = policies or {}
        self._given = transport
        self._deliver = deliver
        self.clock = clock
        self._owned: AiohttpTransport | None = None
        self._running: dict[asyncio.Task[None], Worker] = {}
        self._tending: asyncio.Future[Any] | None = None
        self._tended = asyncio.Event()
        self._aborting = asyncio.Event()
        self._damage_told = 0
        self._quarantine = Quarantine()
        self._intakes = Intakes((), queue, self._wake, clock=clock)

    async def __aenter__(self) -> Self:
        if self._given is None:
            self._owned = await AiohttpTransport(limit=0).__aenter__()
        if self.queue.follows_crash:
            self._quarantine.crash_seen()
        await self._start(self._workers(self.connections, self._policies))
        self._tending = asyncio.gather(self._tend(), self._listen())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.drain()
        if self._owned is not None:
            await self._owned.__aexit__(kind, error, traceback)
            self._owned = None

    async def reload(
        self, connections: Iterable[Connection[Any]], policies: Mapping[str, Policy]
    ) -> None:
        """Deliver by other connections from now on; what is in flight ends by the old ones.

        Breakers and adapted concurrency start anew. Raises ``RuntimeError`` once it is drained.
        """
        if self._tending is None:
            raise RuntimeError("runner has been told to stop; nobody would stop other workers")
        connections = tuple(connections)
        made = self._workers(connections, policies)  # the old ones go on where this fails
        for worker in self.workers.values():
            worker.stop()
        self.connections = connections
        self._policies = policies
        await self._start(made)

    def _workers(
        self, connections: Sequence[Connection[Any]], policies: Mapping[str, Policy]
    ) -> list[Worker]:
        transport = self._given or self._owned
        if transport is None:
            raise RuntimeError("runner is not running; use `async with Runner(...)`")
        return [
            Worker(
                one,
                self.queue,
                transport,
                policies.get(one.name) or Policy(),
                self._observe,
                quarantine=self._quarantine,
                watch=self._attempted if self.attempt_watchers else None,
                clock=self.clock,
            )
            for one in (connections if self._deliver else ())
        ]

    async def _start(self, workers: Sequence[Worker]) -> None:
        self.workers = {worker.name: worker for worker in workers}
        for worker in workers:
            task = asyncio.create_task(worker.run())
            self._running[task] = worker
            task.add_done_callback(self._ended)
        ordered = {name for name, one in self._policies.items() if one.order == "user"}
        self._intakes.direct(self.connections, ordered)
        if self._deliver:
            await self._tell_strays()

    def _ended(self, task: asyncio.Task[None]) -> None:
        worker = self._running.pop(task)
        if not task.cancelled() and task.exception() is not None:
            log.critical("%s: delivery has ended", worker.name, exc_info=task.exception())

    def put(
        self,
        source: str,
        events: Sequence[Event],
        trace: str = "",
        bodies: Sequence[bytes] | None = None,
    ) -> Coroutine[Any, Any, Accepted]:
        """Accept events; see ``Intakes.put``.

        What it returns holds the events, nothing here does: parsed, they take many times their
        bytes, and whoever gave them may let go of them while the disk is waited for.
        """
        return self._intakes.put(source, events, trace, bodies)

    @property
    def ended(self) -> list[str]:
        """The destinations that nothing is delivered to any more, though it should be."""
        running = {id(worker) for worker in self._running.values()}
        return [name for name, worker in self.workers.items() if id(worker) not in running]

    def states(self) -> dict[str, dict[str, Any]]:
        """Return of each destination what its breaker tells; see ``Breaker.told``."""
        now = self.clock()
        return {name: one.breaker.told(now) for name, one in self.workers.items()}

    async def idle(self) -> None:
        """Wait until nothing is queued any more, whatever became of it, and all has been tidied."""
        for name in self.workers:
            while await self.queue.next_due(name) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await self._tended.wait()

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Begin nothing more; finish what is in flight, and after ``seconds`` give it back."""
        if self._tending is None:
            return
        tending, self._tending = self._tending, None
        tending.cancel()
        running = dict(self._running)
        for worker in running.values():
            worker.stop()
        late = await self._finished(running, seconds)
        if late and not self._aborting.is_set():
            log.warning("%d destinations did not finish in %g s", len(late), seconds)
            self.abort()
        still = await _late(late, BACK_SECONDS)
        for task in still:
            task.cancel()
        for task in await _late(still, LAST_SECONDS):
            log.critical("%s: a handler does not end, although it is cancelled", running[task].name)
        await asyncio.gather(tending, return_exceptions=True)
        self._tell_damage()

    async def _finished(
        self, running: Iterable[asyncio.Task[None]], seconds: float
    ) -> list[asyncio.Task[None]]:
        """Wait for workers for so long, or until they are to abort; return those that run then."""
        aborting = asyncio.create_task(self._aborting.wait())
        ended = asyncio.gather(*running, return_exceptions=True)
        either: list[asyncio.Future[Any]] = [aborting, ended]
        await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        aborting.cancel()
        return [task for task in running if not task.done()]

    def abort(self) -> None:
        """Give back at once what is in flight; nothing else begins."""
        self._aborting.set()
        for worker in self._running.values():
            worker.stop()
            worker.abort()

    def _wake(self, names: set[str]) -> None:
        for name in names:
            if name in self.workers:
                self.workers[name].wake()

    def _observe(
        self,
        name: str,
        settlements: Sequence[Settlement],
        results: Sequence[Sequence[Delivery]],
    ) -> None:
        for watcher in self.watchers:
            try:
                watcher(name, settlements, results)
            except Exception:
                log.exception("a watcher raised; delivery goes on")

    def _attempted(self, attempt: Attempt, traces: Sequence[str]) -> None:
        for watcher in self.attempt_watchers:
            try:
                watcher(attempt, traces)
            except Exception:
                log.exception("a watcher of attempts raised; delivery goes on")

    def _tell_damage(self) -> None:
        for one in self.queue.damage[self._damage_told :]:
            log.error("queue: %s", one.message)
        self._damage_told = len(self.queue.damage)

    async def _tend(self) -> None:
        """Keep the queue tidy, and say what was found damaged."""
        while True:
            self._tell_damage()
            try:
                while expired := await self.queue.tend():  # a part at a time
                    for name, many in expired.letters.items():
                        log.warning(
                            "%s: %d dead letters are too old and were deleted, as"
                            " queue.dead_retention says", name, many,
                        )  # fmt: skip
                    await asyncio.sleep(0.05)
            except Exception:
                log.exception("upkeep of the queue failed; trying again")
            self._tended.set()
            await asyncio.sleep(TEND_SECONDS)

    async def _listen(self) -> None:
        """Wake everybody when another process has changed something: it may be for them."""
        while True:
            await asyncio.sleep(LISTEN_SECONDS)
            try:
                if await self.queue.changed():
                    self._wake(set(self.workers))
            except Exception:
                log.exception("the queue cannot be asked for changes; trying again")

    async def _tell_strays(self) -> None:
        """Say what is queued for destinations that the configuration does not have."""
        for name, one in (await self.queue.counts()).items():
            if one.queued and name not in self.workers:
                log.warning(
                    "%s: %d events stay queued, the configuration has no such destination",
                    name, one.queued,
                )  # fmt: skip


async def _late(tasks: Collection[asyncio.Task[None]], seconds: float) -> set[asyncio.Task[None]]:
    """Wait for tasks for so long; return those that have not ended by then."""
    return (await asyncio.wait(tasks, timeout=seconds))[1] if tasks else set()
