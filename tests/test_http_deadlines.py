"""Time-outs of many requests, kept by one timer."""

import asyncio

import pytest

from destination_core.http.deadlines import Deadlines


async def test_a_body_that_takes_too_long_raises_timeout_error() -> None:
    """What asyncio.timeout does: the task is cancelled inside, and sees a TimeoutError outside."""
    seen: list[str] = []

    async def body() -> None:
        with Deadlines().within(0.01):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

    with pytest.raises(TimeoutError):
        await body()
    task = asyncio.current_task()
    assert task is not None
    assert (seen, task.cancelling()) == (["cancelled"], 0)


async def test_a_body_in_time_is_left_alone_and_the_timer_stops() -> None:
    """No deadline outlives its body: nothing is cancelled later, nothing keeps the loop awake."""
    deadlines = Deadlines()
    with deadlines.within(0.01):
        pass
    await asyncio.sleep(0.15)
    assert deadlines._timer is None


async def test_each_body_has_its_own_time() -> None:
    """A short deadline does not end the long one beside it."""
    deadlines = Deadlines()

    async def waiting(seconds: float) -> str:
        try:
            with deadlines.within(seconds):
                await asyncio.sleep(0.2)
        except TimeoutError:
            return "late"
        return "done"

    assert await asyncio.gather(waiting(0.01), waiting(30), waiting(0.02)) == [
        "late",
        "done",
        "late",
    ]


async def test_a_cancellation_from_outside_stays_a_cancellation() -> None:
    """Only the deadline's own cancellation becomes a TimeoutError."""
    deadlines = Deadlines()

    async def waiting() -> None:
        with deadlines.within(30):
            await asyncio.sleep(60)

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_body_is_not_hidden() -> None:
    """An error that is raised before the time has passed comes out as it is."""
    with pytest.raises(KeyError), Deadlines().within(30):
        raise KeyError("x")
