"""The contract of a queue: the tests that every implementation of ``Queue`` must pass."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import orjson

from destination_core.queue import (
    Counts,
    Dead,
    Delivered,
    Filtered,
    Intake,
    Job,
    Queue,
    Retry,
)
from destination_core.testing.clock import Clock
from destination_core.testing.expectation import expect

LEASE: Final = 60.0

Scenario = Callable[["QueueSuite", Queue, Clock], Awaitable[None]]


def _over_a_queue(scenario: Scenario) -> Callable[["QueueSuite", Path], None]:
    """Make a test of a scenario: it runs over an empty queue, with a clock that stands still."""

    def test(self: "QueueSuite", tmp_path: Path) -> None:
        async def run() -> None:
            clock = Clock()
            async with self.open(tmp_path, clock) as queue:
                await scenario(self, queue, clock)

        asyncio.run(run())

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    return test


class QueueSuite:
    """Inherit, say how a queue is opened, and every test of the contract runs."""

    def open(
        self, folder: Path, clock: Callable[[], float], **options: Any
    ) -> AbstractAsyncContextManager[Queue]:
        """Return a queue that keeps its data under ``folder``, and finds it there again.

        ``options`` are ``window`` and ``retention``, in seconds: how long ids are remembered, and
        how long dead letters are kept. Two that are open at once share the data.
        """
        raise NotImplementedError

    @_over_a_queue
    async def test_what_is_put_is_claimed_in_order(self, queue: Queue, clock: Clock) -> None:
        """First in, first out, as it came; each destination has its own line."""
        accepted = await queue.put([event(n, "a", "b") for n in range(5)])
        _equal((accepted.new, accepted.duplicates), (5, 0))
        first = await queue.claim("a", 3, LEASE)
        second = await queue.claim("a", 3, LEASE)
        _equal([one.body for one in [*first, *second]], [event(n).body for n in range(5)])
        _equal({(one.source, one.destination) for one in first}, {("web", "a")})
        _equal(len(await queue.claim("b", 10, LEASE)), 5)
        _equal(await queue.claim("c", 10, LEASE), [])

    @_over_a_queue
    async def test_bodies_and_names_are_kept_byte_for_byte(
        self, queue: Queue, clock: Clock
    ) -> None:
        """Whatever is in them: a queue does not read what it carries."""
        bodies = [b"", b"\x00\xff\n", b"{}" * 20_000]
        await queue.put([Intake("séance 🕯", "", body, ("ünit/1",), 1.0) for body in bodies])
        jobs = await queue.claim("ünit/1", 10, LEASE)
        _equal([one.body for one in jobs], bodies)
        _equal({(one.source, one.received) for one in jobs}, {("séance 🕯", 1.0)})

    @_over_a_queue
    async def test_an_event_that_was_seen_is_a_duplicate(self, queue: Queue, clock: Clock) -> None:
        """By source and message id, within one call and across calls; without an id never."""
        accepted = await queue.put([event(1), event(1), event(2)])
        _equal((accepted.new, accepted.duplicates), (2, 1))
        accepted = await queue.put([event(2), event(3)])
        _equal((accepted.new, accepted.duplicates), (1, 1))
        other = Intake("ios", "m-1", b"{}", ("a",), 0.0)
        nameless = Intake("web", "", b"{}", ("a",), 0.0)
        _equal((await queue.put([other, nameless, nameless])).new, 3)
        _equal(len(await queue.claim("a", 100, LEASE)), 6)

    @_over_a_queue
    async def test_a_settled_job_is_gone(self, queue: Queue, clock: Clock) -> None:
        """Delivered, filtered and dead ones are counted, once, and what is counted adds up."""
        await queue.put([event(n) for n in range(4)])
        one, two, three, four = await queue.claim("a", 4, LEASE)
        dead = Dead(three, "Track", "trackEvent", "BAD", "no good", b"{}")
        _equal(await queue.settle([Delivered(one), Filtered(two), dead]), 3)
        counts = (await queue.counts())["a"]
        _equal((counts.accepted, counts.delivered, counts.filtered), (4, 1, 1))
        _equal((counts.dead, counts.queued, counts.difference), (1, 1, 0))
        _equal(await queue.settle([Delivered(one), dead]), 0)
        _equal(await queue.settle([Delivered(four)]), 1)
        _equal(await queue.next_due("a"), None)

    @_over_a_queue
    async def test_a_retry_waits_and_remembers(self, queue: Queue, clock: Clock) -> None:
        """Attempts add up unless they do not count; the subscriptions that are left are kept."""
        await queue.put([event(1)])
        (job,) = await queue.claim("a", 1, LEASE)
        await queue.settle([Retry(job, clock.now + 10, frozenset({"x", "y"}))])
        _equal(await queue.claim("a", 1, LEASE), [])
        _equal(await queue.next_due("a"), clock.now + 10)
        clock.advance(10)
        (job,) = await queue.claim("a", 1, LEASE)
        _equal((job.attempts, job.crashes, job.subscriptions), (1, 0, {"x", "y"}))
        await queue.settle([Retry(job, clock.now, counts=False)])
        (job,) = await queue.claim("a", 1, LEASE)
        _equal((job.attempts, job.subscriptions), (1, None))

    @_over_a_queue
    async def test_what_one_destination_does_is_not_seen_by_others(
        self, queue: Queue, clock: Clock
    ) -> None:
        """The same event is delivered here, tried again there, dead at a third."""
        await queue.put([event(1, "a", "b", "c")])
        claimed = {name: (await queue.claim(name, 1, LEASE))[0] for name in "abc"}
        await queue.settle(
            [
                Delivered(claimed["a"]),
                Retry(claimed["b"], clock.now + 5),
                Dead(claimed["c"], "", "", "BAD", "no", b"{}"),
            ]
        )
        counts = await queue.counts()
        _equal([counts["a"].delivered, counts["b"].queued, counts["c"].dead], [1, 1, 1])
        clock.advance(5)
        _equal([one.body for one in await queue.claim("b", 1, LEASE)], [event(1).body])

    @_over_a_queue
    async def test_a_lease_that_ends_is_a_crash(self, queue: Queue, clock: Clock) -> None:
        """The job is due again, and says how often that happened."""
        await queue.put([event(1)])
        for crashes in range(3):
            (job,) = await queue.claim("a", 1, LEASE)
            _equal(job.crashes, crashes)
            _equal(await queue.claim("a", 1, LEASE), [])
            clock.advance(LEASE + 1)

    @_over_a_queue
    async def test_an_event_may_be_behind_others(self, queue: Queue, clock: Clock) -> None:
        """Earlier ones that hold a text and are left there, claimed or to be tried again."""
        del clock
        await queue.put([event(1), event(2), event(3)])
        first, second, third = await queue.claim("a", 3, LEASE)
        _equal(await queue.is_behind(third, [b"nowhere", first.body]), True)
        _equal(await queue.is_behind(second, [second.body, third.body]), False)
        await queue.settle([Retry(first, 1e12)])
        _equal(await queue.is_behind(third, [first.body]), True)
        await queue.settle([Delivered(second)])
        _equal(await queue.is_behind(third, [second.body]), False)

    @_over_a_queue
    async def test_a_lease_that_is_renewed_is_none(self, queue: Queue, clock: Clock) -> None:
        """Whoever is slow and alive keeps what is in hand; what was settled is not renewed."""
        await queue.put([event(1), event(2)])
        jobs = await queue.claim("a", 2, LEASE)
        for _ in range(5):
            clock.advance(LEASE - 1)
            _equal(await queue.renew(jobs, LEASE), 2)
        _equal(await queue.claim("a", 2, LEASE), [])
        _equal(await queue.settle([Delivered(jobs[0])]), 1)
        _equal(await queue.renew(jobs, LEASE), 1)
        _equal(await queue.settle([Delivered(jobs[1])]), 1)

    @_over_a_queue
    async def test_dead_letters_come_back(self, queue: Queue, clock: Clock) -> None:
        """Listed by destination, revived past deduplication and with no attempts, or dropped."""
        await queue.put([event(n, "a", "b") for n in range(3)])
        jobs = [*await queue.claim("a", 3, LEASE), *await queue.claim("b", 3, LEASE)]
        await queue.settle([Dead(one, "Track", "t", "BAD", "no good", b'{"x":1}') for one in jobs])
        letters = await queue.dead_letters(destination="a")
        _equal([one.sequence for one in letters], [one.sequence for one in jobs[:3]])
        _equal((letters[0].reason, letters[0].record), ("no good", b'{"x":1}'))
        _equal(await queue.dead_letters(after=letters[0].id, limit=1), [letters[1]])
        clock.advance(3_600)
        _equal(await queue.revive([letters[0].id, 12345]), 1)
        _equal(await queue.revive([letters[0].id]), 0)
        _equal(await queue.drop([letters[1].id]), 1)
        (job,) = await queue.claim("a", 10, LEASE)
        _equal((job.body, job.attempts, job.subscriptions), (event(0).body, 0, {"Track"}))
        _equal(job.received, clock.now)  # its retry window begins anew
        counts = (await queue.counts())["a"]
        _equal((counts.dead, counts.queued, counts.difference), (2, 1, 0))

    @_over_a_queue
    async def test_events_that_nobody_wants_are_counted_only(
        self, queue: Queue, clock: Clock
    ) -> None:
        """Nothing is kept of them but their id."""
        await queue.put([Intake("web", "m", b"{}", (), 0.0)])
        _equal(await queue.counts(), {"": Counts(accepted=1, filtered=1)})
        _equal((await queue.put([Intake("web", "m", b"{}", (), 0.0)])).duplicates, 1)

    @_over_a_queue
    async def test_many_callers_at_once(self, queue: Queue, clock: Clock) -> None:
        """A thousand puts at once: each is answered, nothing is lost."""
        answers = await asyncio.gather(*[queue.put([event(n)]) for n in range(1_000)])
        expect(all(one.new == 1 for one in answers), "an event was taken for a duplicate")
        counts = (await queue.counts())["a"]
        _equal((counts.queued, counts.difference), (1_000, 0))

    @_over_a_queue
    async def test_a_healthy_queue_has_room_and_no_damage(self, queue: Queue, clock: Clock) -> None:
        """And its upkeep has nothing to do."""
        await queue.put([event(1, received=clock.now)])
        _equal((queue.room(), list(queue.damage), bool(await queue.tend())), ("", [], False))

    def test_everything_survives_reopening(self, tmp_path: Path) -> None:
        """Events, attempts, dead letters, ids and counters; what was claimed is due at once."""
        clock = Clock()

        async def run() -> None:
            async with self.open(tmp_path, clock) as queue:
                await queue.put([event(n) for n in range(4)])
                one, two, three, _ = await queue.claim("a", 4, LEASE)
                dead = Dead(three, "", "", "BAD", "no", b"{}")
                await queue.settle([Delivered(one), Retry(two, clock.now + 5), dead])
            async with self.open(tmp_path, clock) as queue:
                _equal((await queue.put([event(0)])).duplicates, 1)
                (job,) = await queue.claim("a", 4, LEASE)
                _equal((job.sequence, job.crashes), (4, 0))
                clock.advance(5)
                (job,) = await queue.claim("a", 4, LEASE)
                _equal((job.sequence, job.attempts), (2, 1))
                _equal([one.sequence for one in await queue.dead_letters()], [3])
                _equal((await queue.counts())["a"].difference, 0)
                _equal(list(queue.damage), [])

        asyncio.run(run())

    def test_two_owners_share_the_data(self, tmp_path: Path) -> None:
        """No job is claimed twice; one whose lease was lost is not settled."""
        clock = Clock()

        async def run() -> None:
            async with self.open(tmp_path, clock) as one, self.open(tmp_path, clock) as two:
                await one.put([event(n) for n in range(100)])
                claims = await asyncio.gather(*[q.claim("a", 10, LEASE) for q in (one, two) * 5])
                sequences = [job.sequence for jobs in claims for job in jobs]
                _equal(sorted(sequences), sorted(set(sequences)))
                _equal(len(sequences), 100)
                clock.advance(LEASE + 1)  # `one` was paused meanwhile
                stolen = {job.sequence: job for job in await two.claim("a", 100, LEASE)}
                _equal(await one.renew(claims[0], LEASE), 0)
                _equal(await one.settle([Delivered(job) for job in claims[0]]), 0)
                theirs = [Delivered(stolen[job.sequence]) for job in claims[0]]
                _equal(await two.settle(theirs), 10)

        asyncio.run(run())

    def test_what_is_too_old_is_forgotten(self, tmp_path: Path) -> None:
        """Ids after their window, dead letters after their retention: not before, and counted."""
        clock = Clock()

        async def run() -> None:
            async with self.open(tmp_path, clock, window=100, retention=200) as queue:
                await queue.put([event(1, received=clock.now)])
                (job,) = await queue.claim("a", 1, LEASE)
                await queue.settle([Dead(job, "", "", "BAD", "x", b"{}")])
                clock.advance(99)
                expect(not await queue.tend(), "something was forgotten too early")
                _equal((await queue.put([event(1)])).duplicates, 1)
                clock.advance(2)
                _equal((await queue.tend()).ids, 1)
                _equal((await queue.put([event(1)])).new, 1)
                clock.advance(100)
                _equal((await queue.tend()).letters, {"a": 1})
                _equal(await queue.dead_letters(), [])
                counts = (await queue.counts())["a"]
                _equal((counts.dead, counts.expired, counts.difference), (1, 1, 0))

        asyncio.run(run())

    @_over_a_queue
    async def test_an_ordered_event_waits_for_the_earlier_ones_of_its_user(
        self, queue: Queue, clock: Clock
    ) -> None:
        """One event per user is due at a time; others do not wait, nor do other destinations."""
        await queue.put([ordered(1, "ada"), ordered(2, "ada", "a", "b"), ordered(3, "bob")])
        await queue.put([ordered(4, "ada"), ordered(5, "")])
        first = await queue.claim("a", 100, LEASE)
        _equal(_numbers(first), [1, 3, 5])
        _equal(_numbers(await queue.claim("b", 100, LEASE)), [2])
        await queue.settle([Delivered(first[0])])
        _equal(_numbers(await queue.claim("a", 100, LEASE)), [2])

    @_over_a_queue
    async def test_an_ordered_event_that_is_retried_keeps_its_place(
        self, queue: Queue, clock: Clock
    ) -> None:
        """What comes after it waits until it has ended, however often it is tried."""
        await queue.put([ordered(1, "ada"), ordered(2, "ada")])
        (first,) = await queue.claim("a", 100, LEASE)
        await queue.settle([Retry(first, clock.now + 10)])
        _equal(await queue.claim("a", 100, LEASE), [])
        clock.advance(10)
        (first,) = await queue.claim("a", 100, LEASE)
        await queue.settle([Dead(first, "", "", "BAD_REQUEST", "no", b"{}")])
        _equal(_numbers(await queue.claim("a", 100, LEASE)), [2])

    @_over_a_queue
    async def test_order_outlives_a_lost_lease(self, queue: Queue, clock: Clock) -> None:
        """A claim that was never settled is due again before what comes after it."""
        await queue.put([ordered(1, "ada"), ordered(2, "ada")])
        _equal(_numbers(await queue.claim("a", 100, LEASE)), [1])
        clock.advance(LEASE + 1)
        _equal(_numbers(await queue.claim("a", 100, LEASE)), [1])

    @_over_a_queue
    async def test_a_hot_user_does_not_hold_others_up(self, queue: Queue, clock: Clock) -> None:
        """What waits behind its user's first event takes no place in a claim."""
        await queue.put([ordered(n, "hot") for n in range(2_000)])
        await queue.put([ordered(n, f"u-{n}") for n in range(2_000, 2_010)])
        _equal(_numbers(await queue.claim("a", 100, LEASE)), [0, *range(2_000, 2_010)])
        _equal(await queue.next_due("a"), clock.now + LEASE)


def event(number: int, *destinations: str, received: float = 1_000_000.0) -> Intake:
    """Make an event of its own id."""
    body = b'{"number":%d}' % number
    return Intake("web", f"m-{number}", body, destinations or ("a",), received)


def ordered(number: int, user: str, *destinations: str) -> Intake:
    """Make an event of a user, ordered at destination "a"."""
    body = b'{"number":%d}' % number
    return Intake("web", f"m-{number}", body, destinations or ("a",), 1_000_000.0, user, {"a"})


def _numbers(jobs: Sequence[Job]) -> list[int]:
    return [orjson.loads(one.body)["number"] for one in jobs]


def _equal(found: object, wanted: object) -> None:
    expect(found == wanted, f"{found!r} is not {wanted!r}")
