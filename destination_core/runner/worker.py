"""Deliver the queue's jobs of one destination."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from destination_core.connection import CRASHES, LONGEST_WAIT, Connection, Policy
from destination_core.engine import Engine
from destination_core.errors import RetryableError, SetupError
from destination_core.http import Transport
from destination_core.queue import Job, Queue, Retry, Settlement
from destination_core.runner.breaker import Breaker, State
from destination_core.runner.concurrency import Adaptive
from destination_core.runner.settling import dead, settlement
from destination_core.work import Delivery

log: Final = logging.getLogger(__name__)

POLL_SECONDS: Final = 2.0
"""The longest sleep: another process may have put something in."""

ALONE: Final = 2
"""Crashes from which on an event is delivered by itself, to find out which one it was."""

TOO_MUCH: Final = frozenset({"REQUEST_TIMEOUT", "TOO_MANY_REQUESTS"})
"""Codes that say that a destination is asked too often."""

Observer = Callable[[str, Sequence[Settlement], Sequence[Sequence[Delivery]]], None]


class Worker:
    """One destination's cursor, concurrency and breaker; what happens to others is not its affair.

    ``observe`` is told of every chunk: the destination, the settlements, the deliveries.
    """

    def __init__(
        self,
        connection: Connection[Any],
        queue: Queue,
        transport: Transport,
        policy: Policy,
        observe: Observer,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = connection.name
        self.connection = connection
        self.breaker = Breaker(time.monotonic)
        self.concurrency = Adaptive(policy.concurrency)
        self._queue = queue
        self._policy = policy
        self._observe = observe
        self._clock = clock
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._slots = asyncio.Semaphore(policy.ahead)
        self._chunks: set[asyncio.Task[None]] = set()
        self._crowded = False
        self._engine = Engine(
            [connection.limited(policy.rate)],
            transport=transport,
            limit=self.concurrency,
            deadline=policy.deadline,
            clock=clock,
        )

    def wake(self) -> None:
        """Say that there is something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when what is in flight is settled."""
        self._stop.set()
        self._wake.set()

    def abort(self) -> None:
        """Give back what is in flight."""
        for task in self._chunks:
            task.cancel()

    async def run(self) -> None:
        """Claim and deliver until told to stop."""
        async with self._engine:
            while not self._stop.is_set():
                try:
                    await self._turn()
                except Exception:
                    log.exception("%s: the queue cannot be read; trying again", self.name)
                    await _set_within(self._stop, POLL_SECONDS)
            await asyncio.gather(*self._chunks, return_exceptions=True)

    async def _turn(self) -> None:
        """Claim one chunk, or wait for there to be one."""
        wait = self.breaker.wait()
        if wait > 0:
            await _set_within(self._stop, wait)
            return
        probing = self.breaker.state is State.PROBING
        if not self._crowded:  # let a batch fill; a backlog needs no patience
            await _set_within(self._stop, self._policy.batch_age)
        await self._slots.acquire()
        self._wake.clear()
        jobs: list[Job] = []
        try:
            if not self._stop.is_set():
                limit = 1 if probing else self._policy.chunk
                jobs = await self._queue.claim(self.name, limit, self._policy.lease)
                self._crowded = len(jobs) == limit
        finally:
            if not jobs:
                self._slots.release()
        if not jobs:
            due = await self._queue.next_due(self.name)
            left = POLL_SECONDS if due is None else due - self._clock()
            await _set_within(self._wake, min(max(left, 0.001), POLL_SECONDS))
            return
        task = asyncio.create_task(self._chunk(jobs))
        self._chunks.add(task)
        task.add_done_callback(self._chunks.discard)
        if probing:
            await asyncio.wait([task])

    async def _chunk(self, jobs: Sequence[Job]) -> None:
        """Deliver claimed jobs and settle each; whatever happens, none stays claimed."""
        try:
            settlements, results = await self._deliver(jobs)
            ours = await self._queue.settle(settlements)
            if ours < len(settlements):
                log.warning(
                    "%s: %d of %d leases had been lost to another runner",
                    self.name, len(settlements) - ours, len(settlements),
                )  # fmt: skip
            if self._policy.order == "user" or any(isinstance(one, Retry) for one in settlements):
                self._wake.set()  # something else may be due earlier than was known
            self._observe(self.name, settlements, results)
        except asyncio.CancelledError:
            now = self._clock()
            back = [Retry.unused(job, now) for job in jobs]
            await asyncio.shield(self._queue.settle(back))
            raise
        except Exception:
            log.exception("%s: %d events stay claimed until their lease ends", self.name, len(jobs))
        finally:
            self._slots.release()

    async def _deliver(self, jobs: Sequence[Job]) -> tuple[list[Settlement], list[list[Delivery]]]:
        """Deliver jobs; one that was in hand at crashes before goes alone, or is dead."""
        now = self._clock()
        poison = [job for job in jobs if job.crashes >= CRASHES]
        suspects = [job for job in jobs if ALONE <= job.crashes < CRASHES]
        group = [job for job in jobs if job.crashes < ALONE] or suspects[:1]
        settlements: list[Settlement] = [
            dead(job, None, [], now, f"the runner ended {job.crashes} times with it in hand")
            for job in poison
        ]
        back = [job for job in suspects if job not in group]
        await self._queue.settle([Retry.unused(job, now) for job in back])
        results = await self._send(group)
        self._learn(results)
        now = self._clock()
        settlements += [
            settlement(job, deliveries, self._policy, now)
            for job, deliveries in zip(group, results, strict=True)
        ]
        return settlements, results

    async def _send(self, jobs: Sequence[Job]) -> list[list[Delivery]]:
        """Deliver events, and pass deletions on; return what became of each, in place."""
        events = [orjson.loads(job.body) for job in jobs]
        deletions = [n for n, event in enumerate(events) if event.get("type") == "delete"]
        if not deletions:
            return await self._engine.send_batch(events, only=[job.subscriptions for job in jobs])
        others = [n for n in range(len(events)) if n not in deletions]
        made = await self._engine.send_batch(
            [events[n] for n in others], only=[jobs[n].subscriptions for n in others]
        )
        results = dict(zip(others, made, strict=True))
        for n in deletions:
            results[n] = await self._engine.delete(events[n])
        return [results[n] for n in range(len(events))]

    def _learn(self, results: Sequence[Sequence[Delivery]]) -> None:
        """Adapt to what the destination said: breaker and concurrency."""
        errors = [one.error for deliveries in results for one in deliveries if one.attempts]
        if not errors:
            return
        if any(error is not None and error.code in TOO_MUCH for error in errors):
            self.concurrency.was_too_much()
        waits = [one for one in errors if isinstance(one, RetryableError) and one.retry_after]
        if waits:
            longest = max(waits, key=_asked)
            self.breaker.asked_to_wait(min(_asked(longest), LONGEST_WAIT), str(longest))
            return
        refusing = [one for one in errors if isinstance(one, RetryableError | SetupError)]
        if len(refusing) < len(errors):
            self.breaker.succeeded()
            self.concurrency.went_well()
            return
        before = self.breaker.state
        setup = isinstance(refusing[0], SetupError)
        self.breaker.failed(str(refusing[0]), at_once=setup)
        if self.breaker.state is State.OPEN and before is State.CLOSED:
            log.error("%s: paused, its events are kept: %s", self.name, refusing[0])


def _asked(error: RetryableError) -> float:
    return error.retry_after or 0.0


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
