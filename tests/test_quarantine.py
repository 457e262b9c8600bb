"""What was in hand when the process ended goes apart, until the culprit is known."""

import asyncio

from destination_core.queue import Job
from destination_core.runner.quarantine import FEW, Quarantine, sort_out


def job(number: int, crashes: int) -> Job:
    """Make a claimed job."""
    return Job(number, "a", "web", 50.0, b"{}", crashes=crashes)


def numbers(jobs: object) -> list[int]:
    """Name jobs."""
    return [one.sequence for one in jobs]  # type: ignore[attr-defined]


def test_suspects_are_given_back_and_come_first() -> None:
    """The innocent go on; what was in hand at three crashes is poison."""
    made = sort_out([job(1, 0), job(2, 1), job(3, 2), job(4, 3)], alone=False)
    assert (numbers(made.group), numbers(made.poison), made.next) == ([1], [4], 1)
    assert [(one.job.sequence, one.due, one.crashes) for one in made.back] == [(2, 0, 1), (3, 0, 2)]


def test_after_two_crashes_each_goes_by_itself() -> None:
    """Nothing else is in hand then, not even what crashed once."""
    made = sort_out([job(1, 0), job(2, 1), job(3, 2), job(4, 2)], alone=True)
    assert numbers(made.group) == [3]
    assert [(one.job.sequence, one.due) for one in made.back] == [(1, 50.0), (2, 0), (4, 0)]


def test_after_one_crash_a_few_go_together() -> None:
    """Without any that never crashed."""
    made = sort_out([job(1, 0), job(2, 1), job(3, 1)], alone=True)
    assert (numbers(made.group), made.next) == ([2, 3], FEW)


def test_beside_suspects_there_is_little_in_hand() -> None:
    """Of the innocent, too: who crashed lately may crash again."""
    many = [job(number, 0) for number in range(2, 102)]
    assert len(sort_out([job(1, 1), *many], alone=False).group) == FEW
    assert len(sort_out(many, alone=False).group) == len(many)


async def test_alone_means_that_nothing_else_is_in_hand() -> None:
    """It waits for what is, and holds up what comes."""
    quarantine = Quarantine(patience=60)
    await quarantine.enter()
    order = []

    async def suspect() -> None:
        async with quarantine.alone():
            order.append("suspect")

    async def other() -> None:
        await quarantine.enter()
        order.append("other")

    waiting = [asyncio.create_task(suspect())]
    await asyncio.sleep(0)
    waiting.append(asyncio.create_task(other()))
    await asyncio.sleep(0)
    assert order == []
    quarantine.leave()
    await asyncio.gather(*waiting)
    assert order == ["suspect", "other"]


async def test_patience_has_an_end() -> None:
    """A destination that hangs does not stall the rest for good."""
    quarantine = Quarantine(patience=0.01)
    await quarantine.enter()

    async def suspect() -> None:
        async with quarantine.alone():
            pass

    waiting = asyncio.create_task(suspect())
    done, _ = await asyncio.wait([waiting], timeout=5)
    assert done == {waiting}, "it waits for one that hangs"
