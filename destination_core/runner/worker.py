"""Deliver the queue's jobs of one destination."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson

from destination_core.connection import Connection, Policy
from destination_core.engine import Engine
from destination_core.http import Transport
from destination_core.queue import Job, Queue, Retry, Settlement
from destination_core.runner.breaker import Breaker, State
from destination_core.runner.concurrency import Adaptive
from destination_core.runner.gate import Gate
from destination_core.runner.hand import Hand
from destination_core.runner.quarantine import FEW, PATIENCE, Quarantine, sort_out
from destination_core.runner.settling import dead, settlement
from destination_core.work import Attempt, Delivery

log: Final = logging.getLogger(__name__)

POLL_SECONDS: Final = 30.0
"""The longest sleep: the clock may have been set."""

AGAIN_SECONDS: Final = 2.0
"""Between two tries when the queue cannot be read."""

Observer = Callable[[str, Sequence[Settlement], Sequence[Sequence[Delivery]]], None]
Watch = Callable[[Attempt, Sequence[str]], None]

Board = dict[int, Sequence[Delivery | None]]
"""What has become of an event, by its sequence number: None where that is not known yet."""


class Worker:
    """One destination's cursor, concurrency and breaker; what happens to others is not its affair.

    ``observe`` is told of every chunk: the destination, the settlements, the deliveries;
    ``watch`` of every attempt and of the trace contexts of its events. ``quarantine`` is shared by
    all: it keeps apart what may have ended the process before.
    """

    def __init__(
        self,
        connection: Connection[Any],
        queue: Queue,
        transport: Transport,
        policy: Policy,
        observe: Observer,
        *,
        quarantine: Quarantine | None = None,
        watch: Watch | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = connection.name
        self.connection = connection
        self.breaker = Breaker(time.monotonic)
        self._queue = queue
        self._policy = policy
        self._observe = observe
        self._clock = clock
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._slots = asyncio.Semaphore(policy.ahead)
        self._chunks: set[asyncio.Task[None]] = set()
        self._hand = Hand(self.name, queue, policy.lease)
        self._crowded = False
        self._quarantine = quarantine or Quarantine()
        self._suspects = False
        self._watch = watch
        self._traces: dict[int, str] = {}
        limited = connection.limited(policy.rate)
        self.rate = limited.options.requests_per_second
        deadline, most = policy.deadline, policy.concurrency
        if self.rate is not None:  # so that nobody's time is up while waiting for the rate
            deadline = max(deadline, 4 / self.rate)
            most = min(most, int(self.rate * deadline / 4))
        self.concurrency = Adaptive(most)
        self._engine = Engine(
            [limited],
            transport=transport,
            gate=Gate(self.name, self.breaker, self.concurrency),
            deadline=deadline,
            watch=None if watch is None else self._attempted,
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
        keeping = asyncio.create_task(self._hand.keep())
        try:
            async with self._engine:
                while not self._stop.is_set():
                    try:
                        await self._turn()
                    except Exception:
                        log.exception("%s: the queue cannot be read; trying again", self.name)
                        await _set_within(self._stop, AGAIN_SECONDS)
                await asyncio.gather(*self._chunks, return_exceptions=True)
        finally:
            keeping.cancel()

    async def _turn(self) -> None:
        """Claim one chunk, or wait for there to be one."""
        wait = self.breaker.wait()
        if wait > 0:
            await _set_within(self._stop, wait)
            return
        if not self._crowded:  # let a batch fill; a backlog needs no patience
            await _set_within(self._stop, self._policy.batch_age)
        await self._slots.acquire()
        if self._suspects:
            async with self._quarantine.alone():
                await self._take(FEW, alone=True)
        else:
            await self._quarantine.enter()
            probing = self.breaker.state is not State.CLOSED
            await self._take(1 if probing else self._policy.chunk)

    async def _take(self, limit: int, *, alone: bool = False) -> None:
        """Claim a chunk and begin to deliver it; or wait for something to come."""
        self._wake.clear()
        jobs: list[Job] = []
        try:
            if not self._stop.is_set():
                jobs, self._crowded = await self._hand.claim(limit)
        finally:
            if not jobs:
                self._put_down(alone=alone)
        if jobs:
            task = asyncio.create_task(self._chunk(jobs, alone=alone))
            self._chunks.add(task)
            task.add_done_callback(self._chunks.discard)
            if alone or limit == 1:
                await asyncio.wait([task], timeout=PATIENCE if alone else None)
        elif alone:
            self._suspects = False
        elif not self._stop.is_set():  # it may have come before `_wake` was cleared
            due = await self._queue.next_due(self.name)
            left = POLL_SECONDS if due is None else due - self._clock()
            await _set_within(self._wake, min(max(left, 0.001), POLL_SECONDS))

    def _put_down(self, *, alone: bool) -> None:
        self._slots.release()
        if not alone:
            self._quarantine.leave()

    async def _chunk(self, jobs: Sequence[Job], *, alone: bool) -> None:
        """Deliver claimed jobs and settle each; whatever happens, none stays claimed."""
        board: Board = {}
        try:
            settlements, results = await self._deliver(jobs, board, alone=alone)
            await self._hand.settle(settlements)
            if self._policy.order == "user" or any(isinstance(one, Retry) for one in settlements):
                self._wake.set()  # something else may be due earlier than was known
            self._observe(self.name, settlements, results)
        except asyncio.CancelledError:
            await asyncio.shield(self._queue.settle(self._broken_off(jobs, board)))
            raise
        except Exception:
            log.exception("%s: %d events stay claimed until their lease ends", self.name, len(jobs))
        finally:
            self._hand.put_down(jobs)
            self._put_down(alone=alone)

    def _broken_off(self, jobs: Sequence[Job], board: Board) -> list[Settlement]:
        """Settle what has ended of a chunk that was broken off, and give back the rest."""
        now = self._clock()
        settlements: list[Settlement] = []
        for job in jobs:
            ended = [one for one in board.get(job.sequence, ()) if one is not None]
            if ended and len(ended) == len(board[job.sequence]):
                settlements.append(settlement(job, ended, self._policy, now))
            else:
                settlements.append(Retry.unused(job, now))
        return settlements

    async def _deliver(
        self, jobs: Sequence[Job], board: Board, *, alone: bool
    ) -> tuple[list[Settlement], list[list[Delivery]]]:
        """Deliver jobs; those that were in hand at crashes go apart, or are dead."""
        sorted_out = sort_out(jobs, alone=alone)
        self._suspects = sorted_out.has_suspects
        if sorted_out.back:
            await self._queue.settle(sorted_out.back)
        results = await self._send(sorted_out.group, board)
        now = self._clock()
        settlements: list[Settlement] = [
            dead(job, None, [], now, f"the runner ended {job.crashes} times with it in hand")
            for job in sorted_out.poison
        ]
        settlements += [
            settlement(job, deliveries, self._policy, now)
            for job, deliveries in zip(sorted_out.group, results, strict=True)
        ]
        return settlements, results

    async def _send(self, jobs: Sequence[Job], board: Board) -> list[list[Delivery]]:
        """Deliver events, and pass deletions on; return what became of each, in place."""
        events = [orjson.loads(job.body) for job in jobs]
        traced = {id(event): job.trace for event, job in zip(events, jobs, strict=True)}
        self._traces |= traced
        try:
            return await self._sent(jobs, events, board)
        finally:
            for key in traced:
                del self._traces[key]

    async def _sent(
        self, jobs: Sequence[Job], events: Sequence[dict[str, Any]], board: Board
    ) -> list[list[Delivery]]:
        others = [n for n, event in enumerate(events) if event.get("type") != "delete"]
        rows: list[list[Delivery | None]] = [[] for _ in others]
        board.update((jobs[n].sequence, row) for n, row in zip(others, rows, strict=True))
        made = await self._engine.send_batch(
            [events[n] for n in others], only=[jobs[n].subscriptions for n in others], board=rows
        )
        if len(others) == len(events):
            return made
        results = dict(zip(others, made, strict=True))
        for n in range(len(events)):
            if n not in results:
                results[n] = await self._engine.delete(events[n])
                board[jobs[n].sequence] = results[n]
        return [results[n] for n in range(len(events))]

    def _attempted(self, attempt: Attempt) -> None:
        """Pass an attempt on, with where its events came from."""
        if self._watch is not None:
            traces = [self._traces.get(id(task.event), "") for task in attempt.tasks]
            self._watch(attempt, traces)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
