"""The breaker, and the concurrency that adapts."""

import asyncio

from destination_core.runner.breaker import (
    FAILURES,
    LONGEST,
    PROBE_SECONDS,
    RECENT,
    SHORTEST,
    Breaker,
)
from destination_core.runner.concurrency import Adaptive


class Clock:
    """A monotonic clock that tests turn."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_and_probes() -> None:
    """A success in between counts from the beginning; a probe that fails doubles the wait."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES - 1):
        breaker.failed("503")
    breaker.succeeded()
    clock.now += 1
    for _ in range(FAILURES):
        assert breaker.wait() == 0
        breaker.failed("503")
    assert (breaker.state, breaker.reason, breaker.wait()) == ("open", "503", SHORTEST)
    wait = SHORTEST
    for _ in range(10):
        clock.now += breaker.wait()
        assert (breaker.admit(), breaker.state) == (0, "probing")
        breaker.failed("503")
        wait = min(LONGEST, 2 * wait)
        assert breaker.wait() == wait
    clock.now += LONGEST
    assert breaker.admit() == 0
    breaker.succeeded()
    assert (breaker.state, breaker.reason) == ("closed", "")


def test_failures_that_began_before_a_success_are_no_row() -> None:
    """Twenty under way together, a few of which fail, and are heard of last: it stays closed."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(10):
        for _ in range(15):
            clock.now += 1
            breaker.succeeded()
        for _ in range(FAILURES):
            clock.now += 0.001
            breaker.failed("reset", seconds=0.5)
    assert breaker.state == "closed"
    clock.now += 0.5
    for _ in range(FAILURES):
        breaker.failed("reset", seconds=0.1)
    assert breaker.state == "open"


def test_it_opens_when_over_half_of_the_last_fail() -> None:
    """However they are mixed, and though none began after the last success; half is not over."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(5 * RECENT):
        clock.now += 1
        breaker.succeeded()
        breaker.failed("503", seconds=2)
    assert breaker.state == "closed"
    breaker.failed("503", seconds=2)
    assert (breaker.state, breaker.reason, breaker.wait()) == ("open", "503", SHORTEST)
    clock.now += SHORTEST
    assert breaker.admit() == 0
    breaker.succeeded()  # the probe: what was before counts no more
    breaker.failed("503", seconds=2 * SHORTEST)
    assert breaker.state == "closed"


def test_few_attempts_are_no_share() -> None:
    """Two failures in three attempts say little."""
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(RECENT // 3):
        clock.now += 1
        breaker.succeeded()
        breaker.failed("503", seconds=2)
        breaker.failed("503", seconds=2)
    assert breaker.state == "closed"


def test_it_knows_since_when_it_is_open() -> None:
    """Neither another wish nor a probe begins a new pause."""
    clock = Clock()
    breaker = Breaker(clock)
    clock.now += 7
    breaker.failed("401", at_once=True)
    opened = clock.now
    clock.now += 1
    breaker.asked_to_wait(SHORTEST, "429")
    assert breaker.since == opened
    clock.now += SHORTEST
    assert breaker.admit() == 0
    breaker.failed("401", at_once=True)
    told = breaker.told(1_000.0)
    assert (told["since"], told["again"]) == (1_000.0 - 1 - SHORTEST, 1_000.0 + 2 * SHORTEST)
    assert (told["state"], told["reason"], breaker.since) == ("open", "401", opened)
    clock.now += breaker.wait()
    assert breaker.admit() == 0
    breaker.succeeded()
    assert breaker.since == clock.now


def test_wrong_credentials_open_it_at_once() -> None:
    """Nothing is tried in vain."""
    breaker = Breaker(Clock())
    breaker.failed("401", at_once=True)
    assert breaker.state == "open"


def test_it_stays_open_as_long_as_it_was_asked_to() -> None:
    """The longest of several wishes counts."""
    clock = Clock()
    breaker = Breaker(clock)
    breaker.asked_to_wait(30, "429")
    breaker.asked_to_wait(10, "429")
    assert breaker.wait() == 30
    clock.now += 30
    assert (breaker.admit(), breaker.state) == (0, "probing")


def test_one_probe_at_a_time() -> None:
    """Others wait for its end; one that never ends is followed by another."""
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed("401", at_once=True)
    clock.now += SHORTEST
    assert breaker.admit() == 0
    assert breaker.admit() > 0
    clock.now += PROBE_SECONDS
    assert breaker.admit() == 0


def test_what_was_under_way_does_not_end_a_pause() -> None:
    """Neither a success nor a failure: only time and a probe do."""
    clock = Clock()
    breaker = Breaker(clock)
    breaker.asked_to_wait(30, "429")
    breaker.succeeded()
    breaker.failed("503", at_once=True)
    assert (breaker.state, breaker.wait()) == ("open", 30)


async def test_concurrency_halves_and_grows_by_one() -> None:
    """Never below one, never above its bound; who waits is let in when there is room."""
    clock = Clock()
    adaptive = Adaptive(8, clock)
    most = 0

    async def attempt() -> None:
        nonlocal most
        async with adaptive:
            most = max(most, adaptive.in_flight)
            await asyncio.sleep(0.001)

    await asyncio.gather(*[attempt() for _ in range(50)])
    assert most == 8
    for _ in range(10):
        clock.now += 1
        adaptive.was_too_much()
    assert adaptive.size == 1
    most = 0
    await asyncio.gather(*[attempt() for _ in range(10)])
    assert (most, adaptive.in_flight) == (1, 0)
    for _ in range(100):
        adaptive.went_well(0.01)
    assert adaptive.size == 8


def test_concurrency_is_halved_once_per_round() -> None:
    """Eight 429 that were in flight together are one complaint, not eight."""
    clock = Clock()
    adaptive = Adaptive(8, clock)
    for _ in range(8):
        adaptive.went_well(0.5)
    for _ in range(8):
        adaptive.was_too_much()
    assert adaptive.size == 4
    clock.now += 0.6
    adaptive.was_too_much()
    assert adaptive.size == 2


def test_concurrency_gives_way_when_attempts_take_longer() -> None:
    """A destination that gets slower is asked less; what stays slow becomes usual in the end."""
    adaptive = Adaptive(20, Clock())
    for _ in range(100):
        adaptive.went_well(0.1)
    assert adaptive.size == 20
    for _ in range(60):
        adaptive.went_well(0.5)
    assert adaptive.size < 18
    for _ in range(2_000):
        adaptive.went_well(0.5)
    assert adaptive.size == 20
    for _ in range(200):
        adaptive.went_well(0.001)
    for _ in range(200):
        adaptive.went_well(0.03)  # thirty times as long, and still nothing
    assert adaptive.size == 20


async def test_who_gives_up_waiting_takes_no_place() -> None:
    """A cancelled waiter leaves the others their turn."""
    adaptive = Adaptive(1)
    async with adaptive:
        waiting = [asyncio.create_task(adaptive.__aenter__()) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)
    await asyncio.wait_for(waiting[1], 1)
    assert adaptive.in_flight == 1
