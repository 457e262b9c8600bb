"""The contract of a queue, over every implementation (there is one so far)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from destination_core.queue import (
    Counts,
    Dead,
    Delivered,
    Filtered,
    Intake,
    Retry,
    SqliteQueue,
)


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest_asyncio.fixture
async def queue(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteQueue]:
    """Give an empty queue."""
    async with SqliteQueue(tmp_path / "queue.db", clock=clock, min_free_bytes=0) as opened:
        yield opened


def event(number: int, *destinations: str, received: float = 999_999.0) -> Intake:
    """Make an event of its own id."""
    body = b'{"number": %d}' % number
    return Intake("web", f"m-{number}", body, destinations or ("a",), received)


async def test_what_is_put_is_claimed_in_order(queue: SqliteQueue) -> None:
    """First in, first out, with body and source as they came; each destination has its own line."""
    accepted = await queue.put([event(n, "a", "b") for n in range(5)])
    assert (accepted.new, accepted.duplicates) == (5, 0)
    first = await queue.claim("a", 3, 60)
    second = await queue.claim("a", 3, 60)
    assert [one.body for one in [*first, *second]] == [event(n).body for n in range(5)]
    assert {one.source for one in first} == {"web"}
    assert len(await queue.claim("b", 10, 60)) == 5
    assert await queue.claim("c", 10, 60) == []


async def test_an_event_that_was_seen_is_a_duplicate(queue: SqliteQueue) -> None:
    """By source and message id, within one call and across calls; without an id never."""
    accepted = await queue.put([event(1), event(1), event(2)])
    assert (accepted.new, accepted.duplicates) == (2, 1)
    accepted = await queue.put([event(2), event(3)])
    assert (accepted.new, accepted.duplicates) == (1, 1)
    other = Intake("ios", "m-1", b"{}", ("a",), 0.0)
    nameless = Intake("web", "", b"{}", ("a",), 0.0)
    assert (await queue.put([other, nameless, nameless])).new == 3
    assert len(await queue.claim("a", 100, 60)) == 6


async def test_a_settled_job_is_gone(queue: SqliteQueue) -> None:
    """Delivered, filtered and dead ones are counted, and nothing is left of the event."""
    await queue.put([event(n) for n in range(4)])
    one, two, three, four = await queue.claim("a", 4, 60)
    dead = Dead(three, "Track", "trackEvent", "BAD", "no good", b"{}")
    assert await queue.settle([Delivered(one), Filtered(two), dead]) == 3
    counts = (await queue.counts())["a"]
    assert (counts.accepted, counts.delivered, counts.filtered) == (4, 1, 1)
    assert (counts.dead, counts.queued, counts.difference) == (1, 1, 0)
    assert await queue.settle([Delivered(one)]) == 0
    assert await queue.settle([Delivered(four)]) == 1


async def test_a_retry_waits_and_remembers(queue: SqliteQueue, clock: Clock) -> None:
    """Attempts add up unless they do not count; the subscriptions that are left are kept."""
    await queue.put([event(1)])
    (job,) = await queue.claim("a", 1, 60)
    await queue.settle([Retry(job, clock.now + 10, frozenset({"x", "y"}))])
    assert await queue.claim("a", 1, 60) == []
    assert await queue.next_due("a") == clock.now + 10
    clock.now += 10
    (job,) = await queue.claim("a", 1, 60)
    assert (job.attempts, job.crashes, job.subscriptions) == (1, 0, {"x", "y"})
    await queue.settle([Retry(job, clock.now, counts=False)])
    (job,) = await queue.claim("a", 1, 60)
    assert (job.attempts, job.subscriptions) == (1, None)


async def test_a_lease_that_ends_is_a_crash(queue: SqliteQueue, clock: Clock) -> None:
    """The job is due again, and says how often that happened."""
    await queue.put([event(1)])
    for crashes in range(3):
        (job,) = await queue.claim("a", 1, 60)
        assert job.crashes == crashes
        assert await queue.claim("a", 1, 60) == []
        clock.now += 61


async def test_dead_letters_come_back(queue: SqliteQueue) -> None:
    """Listed by destination, revived past deduplication and with no attempts, or dropped."""
    await queue.put([event(n, "a", "b") for n in range(3)])
    jobs = [*await queue.claim("a", 3, 60), *await queue.claim("b", 3, 60)]
    await queue.settle([Dead(one, "Track", "t", "BAD", "no good", b'{"x":1}') for one in jobs])
    letters = await queue.dead_letters(destination="a")
    assert [one.sequence for one in letters] == [one.sequence for one in jobs[:3]]
    assert (letters[0].reason, letters[0].record) == ("no good", b'{"x":1}')
    assert await queue.dead_letters(after=letters[0].id, limit=1) == [letters[1]]
    assert await queue.revive([letters[0].id, 12345]) == 1
    assert await queue.drop([letters[1].id]) == 1
    (job,) = await queue.claim("a", 10, 60)
    assert (job.body, job.attempts, job.subscriptions) == (event(0).body, 0, {"Track"})
    counts = (await queue.counts())["a"]
    assert (counts.dead, counts.queued, counts.difference) == (2, 1, 0)


async def test_events_that_nobody_wants_are_counted_only(queue: SqliteQueue) -> None:
    """No row is kept of them but their id."""
    await queue.put([Intake("web", "m", b"{}", (), 0.0)])
    counts = await queue.counts()
    assert counts == {"": Counts(accepted=1, filtered=1)}


async def test_everything_survives_reopening(tmp_path: Path, clock: Clock) -> None:
    """Events, attempts, dead letters, ids and counters; what was claimed is due at once."""
    path = tmp_path / "queue.db"
    async with SqliteQueue(path, clock=clock, min_free_bytes=0) as first:
        await first.put([event(n) for n in range(3)])
        one, two, _ = await first.claim("a", 3, 60)
        await first.settle([Delivered(one), Retry(two, clock.now + 5)])
    async with SqliteQueue(path, clock=clock, min_free_bytes=0) as second:
        assert (await second.put([event(0)])).duplicates == 1
        (job,) = await second.claim("a", 3, 60)
        assert (job.sequence, job.crashes) == (3, 0)
        clock.now += 5
        (job,) = await second.claim("a", 3, 60)
        assert (job.sequence, job.attempts) == (2, 1)
        assert (await second.counts())["a"].difference == 0
        assert second.damage == []


async def test_two_owners_share_a_file(tmp_path: Path, clock: Clock) -> None:
    """No job is claimed twice; one whose lease went to the other cannot be settled any more."""
    path = tmp_path / "queue.db"
    async with (
        SqliteQueue(path, clock=clock, min_free_bytes=0) as one,
        SqliteQueue(path, clock=clock, min_free_bytes=0) as two,
    ):
        await one.put([event(n) for n in range(100)])
        claims = await asyncio.gather(*[q.claim("a", 10, 60) for q in (one, two) * 5])
        sequences = [job.sequence for jobs in claims for job in jobs]
        assert sorted(sequences) == list(range(1, 101))
        clock.now += 61  # `one` was paused meanwhile
        stolen = {job.sequence: job for job in await two.claim("a", 100, 60)}
        late = [Delivered(job) for job in claims[0]]
        assert await one.settle(late) == 0
        assert await two.settle([Delivered(stolen[one.job.sequence]) for one in late]) == 10


async def test_ids_are_forgotten_after_the_window(tmp_path: Path, clock: Clock) -> None:
    """And dead letters after their retention; not a moment before."""
    async with SqliteQueue(
        tmp_path / "q.db", clock=clock, window=100, retention=200, min_free_bytes=0
    ) as queue:
        await queue.put([event(1, received=clock.now)])
        (job,) = await queue.claim("a", 1, 60)
        await queue.settle([Dead(job, "", "", "BAD", "x", b"{}")])
        clock.now += 99
        assert await queue.tend() == (0, 0)
        assert (await queue.put([event(1)])).duplicates == 1
        clock.now += 2
        assert await queue.tend() == (1, 0)
        assert (await queue.put([event(1)])).new == 1
        clock.now += 100
        assert (await queue.tend())[1] == 1
        assert await queue.dead_letters() == []


async def test_many_callers_share_commits(queue: SqliteQueue) -> None:
    """A thousand puts at once: each is answered, nothing is lost."""
    answers = await asyncio.gather(*[queue.put([event(n)]) for n in range(1_000)])
    assert all(one.new == 1 for one in answers)
    counts = (await queue.counts())["a"]
    assert (counts.queued, counts.difference) == (1_000, 0)


def ordered(number: int, user: str, *destinations: str) -> Intake:
    """Make an event of a user, ordered at destination "a"."""
    body = b'{"number": %d}' % number
    return Intake("web", f"m-{number}", body, destinations or ("a",), 999_999.0, user, {"a"})


async def numbers(queue: SqliteQueue, destination: str = "a") -> list[int]:
    """Claim everything that is due; return the numbers of the events."""
    return [json.loads(one.body)["number"] for one in await queue.claim(destination, 100, 60)]


async def test_an_ordered_event_waits_for_the_earlier_ones_of_its_user(queue: SqliteQueue) -> None:
    """One event per user is due at a time; others do not wait, nor do other destinations."""
    await queue.put([ordered(1, "ada"), ordered(2, "ada", "a", "b"), ordered(3, "bob")])
    await queue.put([ordered(4, "ada"), ordered(5, "")])
    first = await queue.claim("a", 100, 60)
    assert [json.loads(one.body)["number"] for one in first] == [1, 3, 5]
    assert await numbers(queue, "b") == [2]
    await queue.settle([Delivered(first[0])])
    assert await numbers(queue) == [2]


async def test_an_ordered_event_that_is_retried_keeps_its_place(
    queue: SqliteQueue, clock: Clock
) -> None:
    """What comes after it waits until it has ended, however often it is tried."""
    await queue.put([ordered(1, "ada"), ordered(2, "ada")])
    (first,) = await queue.claim("a", 100, 60)
    await queue.settle([Retry(first, clock.now + 10)])
    assert await numbers(queue) == []
    clock.now += 10
    (first,) = await queue.claim("a", 100, 60)
    await queue.settle([Dead(first, "", "", "BAD_REQUEST", "no", b"{}")])
    assert await numbers(queue) == [2]


async def test_order_outlives_a_lost_lease(queue: SqliteQueue, clock: Clock) -> None:
    """A claim that was never settled is due again before what comes after it."""
    await queue.put([ordered(1, "ada"), ordered(2, "ada")])
    assert await numbers(queue) == [1]
    clock.now += 61
    assert await numbers(queue) == [1]


async def test_a_hot_user_does_not_hold_others_up(queue: SqliteQueue) -> None:
    """What waits behind its user's first event takes no place in a claim from anybody else's."""
    await queue.put([ordered(n, "hot") for n in range(5_000)])
    await queue.put([ordered(n, f"u-{n}") for n in range(5_000, 5_010)])
    assert await numbers(queue) == [0, *range(5_000, 5_010)]
    assert await queue.next_due("a") == 1_000_060.0
