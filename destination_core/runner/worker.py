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
from destination_core.runner.chunk import Chunk
from destination_core.runner.concurrency import Adaptive
from destination_core.runner.gate import Gate
from destination_core.runner.hand import IN_HAND, Claim, Hand
from destination_core.runner.quarantine import FEW, PATIENCE, Quarantine, Sorted, sort_out
from destination_core.runner.settling import dead, settlement
from destination_core.work import Attempt, Delivery

log: Final = logging.getLogger(__name__)

POLL_SECONDS: Final = 30.0
"""The longest sleep: the clock may have been set."""

AGAIN_SECONDS: Final = 2.0
"""Between two tries when the queue cannot be read."""

BEHIND_SECONDS: Final = 5.0
"""After which a deletion is tried again that waits for earlier events of its user."""

Observer = Callable[[str, Sequence[Settlement], Sequence[Sequence[Delivery]]], None]
Watch = Callable[[Attempt, Sequence[str]], None]


class Worker:
    """One destination's cursor, concurrency and breaker; what happens to others is not its affair.

    ``observe`` is told of all that is settled: the destination, the settlements, the deliveries;
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
        self._hand = Hand(self.name, queue, policy.lease, clock)
        self._crowded = True  # as far as is known: what was queued before waits no longer
        self._quarantine = quarantine or Quarantine()
        self._suspects: int | None = None  # how many to claim at once; nobody knows yet
        self._watch = watch
        self._traces: dict[int, str] = {}
        limited = connection.limited(policy.rate)
        self.rate = limited.options.requests_per_second
        deadline, most = policy.deadline, policy.concurrency
        if self.rate is not None:  # so that nobody's time is up while waiting for the rate
            deadline = max(deadline, 4 / self.rate)
            most = min(most, int(self.rate * deadline / 4))
        self.concurrency = Adaptive(most)
        self._gate = Gate(self.name, self.breaker, self.concurrency, self._hand.is_ours)
        self._engine = Engine(
            [limited],
            transport=transport,
            gate=self._gate,
            deadline=deadline,
            watch=None if watch is None else self._attempted,
            clock=clock,
        )

    def wake(self) -> None:
        """Say that there is something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Begin nothing more; ``run`` returns when what is in flight is settled.

        What was claimed and has not begun goes back as it came.
        """
        self._stop.set()
        self._wake.set()
        self._gate.close()
        self._engine.hold()

    def abort(self) -> None:
        """Give back what is in flight."""
        self._engine.break_off()
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
                await self._take(self._suspects, PATIENCE, alone=True)
        else:
            await self._quarantine.enter()
            await self._take(*self._appetite())

    def _appetite(self) -> tuple[int, float | None]:
        """Return how much to claim, and for how long to wait for its end, 0 for not at all."""
        if self.breaker.state is not State.CLOSED:
            return 1, None
        if self._quarantine.is_careful:
            return min(FEW, self._policy.chunk), PATIENCE
        return self._policy.chunk, 0

    async def _take(self, limit: int, patience: float | None, *, alone: bool = False) -> None:
        """Claim a chunk and begin to deliver it; or wait for something to come."""
        self._wake.clear()
        claim: Claim | None = None
        try:
            if not self._stop.is_set():
                claim = await self._claim(limit)
        finally:
            if claim is None or not claim.jobs:
                self._put_down(alone=alone)
        if claim is not None and claim.jobs:
            sorted_out = sort_out(claim.jobs, alone=alone)
            self._suspects = sorted_out.next
            if self._suspects:
                self._quarantine.crash_seen()
            task = asyncio.create_task(self._chunk(claim, sorted_out, alone=alone))
            self._chunks.add(task)
            task.add_done_callback(self._chunks.discard)
            if patience != 0:
                await asyncio.wait([task], timeout=patience)
        elif alone or self._suspects is None:
            self._suspects = 0
        elif not self._stop.is_set():  # it may have come before `_wake` was cleared
            due = await self._queue.next_due(self.name)
            left = POLL_SECONDS if due is None else due - self._clock()
            await _set_within(self._wake, min(max(left, 0.001), POLL_SECONDS))

    async def _claim(self, limit: int) -> Claim:
        """Claim jobs; the first of all tells whether there are suspects, for they come first.

        To claim is to have in hand: of suspects, no more may be claimed than are delivered.
        """
        if self._suspects is not None:
            claim, self._crowded = await self._hand.claim(limit)
            return claim
        claim, self._crowded = await self._hand.claim(1)
        if self._crowded and limit > 1 and not sort_out(claim.jobs, alone=False).next:
            claim, self._crowded = await self._hand.claim(limit - 1, claim)
        return claim

    def _put_down(self, *, alone: bool) -> None:
        self._slots.release()
        if not alone:
            self._quarantine.leave()

    async def _chunk(self, claim: Claim, sorted_out: Sorted, *, alone: bool) -> None:
        """Deliver claimed jobs and settle each; whatever happens, none stays claimed."""
        IN_HAND.set(claim)
        chunk = Chunk(claim.jobs)
        try:
            await self._deliver(chunk, sorted_out)
        except asyncio.CancelledError:
            await asyncio.shield(self._queue.settle(self._broken_off(chunk)))
            raise
        except Exception:
            many = len(chunk.left)
            log.exception("%s: %d events stay claimed until their lease ends", self.name, many)
        finally:
            self._hand.done(claim)
            self._put_down(alone=alone)

    def _broken_off(self, chunk: Chunk) -> list[Settlement]:
        """Settle what has ended of a chunk that was broken off, and give back the rest."""
        now = self._clock()
        left = list(chunk.left.values())
        ended = {job.sequence: deliveries for job, deliveries in chunk.ended(left)}
        return [
            settlement(job, ended[job.sequence], self._policy, now)
            if ended.get(job.sequence)
            else Retry.unused(job, now)
            for job in left
        ]

    async def _deliver(self, chunk: Chunk, sorted_out: Sorted) -> None:
        """Deliver jobs; those that were in hand at crashes go apart, or are dead."""
        if sorted_out.back:
            await self._hand.settle(sorted_out.back)
            chunk.settled(one.job for one in sorted_out.back)
        if sorted_out.poison:  # before anything else can end the process
            now = self._clock()
            buried = [
                dead(job, None, [], now, f"the runner ended {job.crashes} times with it in hand")
                for job in sorted_out.poison
            ]
            await self._settle(chunk, buried, [()] * len(buried))
        events = [orjson.loads(job.body) for job in sorted_out.group]
        traced = {
            id(event): job.trace
            for event, job in zip(events, sorted_out.group, strict=True)
            if job.trace
        }
        self._traces |= traced
        try:
            await self._send(chunk, sorted_out.group, events)
        finally:
            for key in traced:
                del self._traces[key]

    async def _send(
        self, chunk: Chunk, jobs: Sequence[Job], events: Sequence[dict[str, Any]]
    ) -> None:
        """Deliver events, and pass deletions on; settle each batch when it has ended."""
        others = [n for n, event in enumerate(events) if event.get("type") != "delete"]
        board = chunk.rows([jobs[n] for n in others])

        async def ended(rows: Sequence[int]) -> None:
            await self._end(chunk, [jobs[others[row]] for row in rows])

        await self._engine.send_batch(
            [events[n] for n in others],
            only=[jobs[n].subscriptions for n in others],
            board=board,
            ended=ended,
        )
        for job, event in zip(jobs, events, strict=True):
            if event.get("type") == "delete":
                await self._delete(chunk, job, event)
        await self._end(chunk, list(chunk.left.values()))

    async def _delete(self, chunk: Chunk, job: Job, event: dict[str, Any]) -> None:
        """Pass a deletion on, once nothing that came before it could bring the user back."""
        marks = [orjson.dumps(event[name]) for name in ("userId", "anonymousId") if event.get(name)]
        if marks and await self._queue.is_behind(job, marks):
            later = Retry.unused(job, self._clock() + BEHIND_SECONDS)
            await self._settle(chunk, [later], [()])
        else:
            chunk.note(job, await self._engine.delete(event))

    async def _end(self, chunk: Chunk, jobs: Sequence[Job]) -> None:
        """Settle those of the jobs of which nothing is under way any more."""
        now = self._clock()
        ended = list(chunk.ended(jobs))
        settlements = [settlement(job, results, self._policy, now) for job, results in ended]
        await self._settle(chunk, settlements, [results for _, results in ended])

    async def _settle(
        self,
        chunk: Chunk,
        settlements: Sequence[Settlement],
        results: Sequence[Sequence[Delivery]],
    ) -> None:
        """Write what became of jobs, and tell who watches."""
        if not settlements:
            return
        await self._hand.settle(settlements)
        chunk.settled(one.job for one in settlements)
        if self._policy.order == "user" or any(isinstance(one, Retry) for one in settlements):
            self._wake.set()  # something else may be due earlier than was known
        self._observe(self.name, settlements, results)

    def _attempted(self, attempt: Attempt) -> None:
        """Pass an attempt on, with where its events came from."""
        if self._watch is not None:
            known = self._traces  # as a rule there are none
            traces = [known.get(id(task.event), "") for task in attempt.tasks] if known else []
            self._watch(attempt, traces)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
