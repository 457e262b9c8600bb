"""The end of a runner: what has begun is finished, all the rest stays as it was."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
from destination_core.errors import Paused
from destination_core.http import Request, Response
from destination_core.http.rate import Rate
from destination_core.queue import Job, SqliteQueue
from destination_core.runner import Policy
from destination_core.runner.breaker import Breaker
from destination_core.runner.concurrency import Adaptive
from destination_core.runner.gate import Gate
from tests import acme
from tests.running import FAST, Destinations, person, running, settled
from tests.test_runner_handlers import Person, plugin

FEW = Policy(concurrency=5, batch_age=0)


class Slow(Destinations):
    """Destinations that answer when they are let; ``asked`` are the requests that came."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.let = asyncio.Event()

    async def send(self, request: Request) -> Response:
        """Answer in time."""
        self.asked += 1
        await self.let.wait()
        return await super().send(request)

    async def until_asked(self, many: int) -> None:
        """Wait for so many requests."""
        async with asyncio.timeout(10):
            while self.asked < many:  # noqa: ASYNC110
                await asyncio.sleep(0.005)


async def one(ctx: dc.Context[acme.Settings], payload: Person) -> None:
    """Send one person."""
    await ctx.http.put("/one", json={"id": payload.id, "attributes": {}})


async def left(path: Path) -> list[Job]:
    """Return what a queue holds, as whoever comes next claims it."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        return await queue.claim("a", 10_000, 60)


async def test_nothing_begins_once_it_is_told_to_stop(tmp_path: Path) -> None:
    """What is in flight is finished; what was claimed beside it goes back, as it came."""
    world, path = Slow(), tmp_path / "q"
    async with running(path, world, policy=FEW, plugin=plugin(one)) as runner:
        await runner.put("web", [person(n) for n in range(1_200)])
        await world.until_asked(5)
        draining = asyncio.create_task(runner.drain())
        await asyncio.sleep(0.1)
        world.let.set()
        async with asyncio.timeout(10):
            await draining
        counts = await runner.queue.counts()
    assert world.asked == len(world.got["a"]) == 5
    assert (counts["a"].delivered, counts["a"].queued) == (5, 1_195)
    jobs = await left(path)
    assert len(jobs) == 1_195
    assert {(job.attempts, job.crashes) for job in jobs} == {(0, 0)}
    assert [job.sequence for job in jobs] == sorted(job.sequence for job in jobs)


async def test_who_waits_for_the_rate_waits_no_longer(tmp_path: Path) -> None:
    """Single payloads and batches that had their turn of all but the rate, which is a slow one."""

    async def batch(ctx: dc.Context[acme.Settings], payloads: Sequence[Person]) -> None:
        await ctx.http.put("/all", json=[{"id": it.id, "attributes": {}} for it in payloads])

    slow = Policy(rate=0.05, deadline=600, batch_age=0)
    for name, made in (("single", plugin(one)), ("batch", plugin(one, batch))):
        world, path = Destinations(), tmp_path / name
        async with running(path, world, policy=slow, plugin=made) as runner:
            await runner.put("web", [person(n) for n in range(500)])
            async with asyncio.timeout(10):
                while runner.workers["a"].concurrency.in_flight < (4 if name == "batch" else 7):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                await runner.drain()
        jobs = await left(path)
        assert len(jobs) + len(world.got["a"]) == 500
        assert {(job.attempts, job.crashes) for job in jobs} == {(0, 0)}


async def test_an_attempt_that_has_begun_comes_to_its_end(tmp_path: Path) -> None:
    """Its second request goes out, or else the first would have to be repeated."""

    async def twice(ctx: dc.Context[acme.Settings], payload: Person) -> None:
        await one(ctx, payload)
        await one(ctx, payload)

    world = Slow()
    async with running(tmp_path / "q", world, policy=FEW, plugin=plugin(twice)) as runner:
        await runner.put("web", [person(n) for n in range(50)])
        await world.until_asked(5)
        draining = asyncio.create_task(runner.drain())
        await asyncio.sleep(0.05)
        world.let.set()
        await draining
        counts = await runner.queue.counts()
    assert (world.asked, counts["a"].delivered, counts["a"].queued) == (10, 5, 45)


async def test_the_order_of_a_user_holds_across_a_stop(tmp_path: Path) -> None:
    """What goes back goes to its place."""
    world, path = Slow(), tmp_path / "q"
    events: list[dict[str, Any]] = [
        {"type": "identify", "userId": user, "traits": {"tag": f"{user}-{number}"}}
        for number in range(6)
        for user in "abcdefgh"
    ]
    policy = FAST.model_copy(update={"order": "user", "chunk": 1, "concurrency": 2, "deadline": 60})
    async with running(path, world, policy=policy) as runner:
        await runner.put("web", events)
        await world.until_asked(2)
        draining = asyncio.create_task(runner.drain())
        await asyncio.sleep(0.05)
        world.let.set()
        await draining
    async with running(path, world, policy=policy) as runner:
        counts = await settled(runner)
    assert counts["a"].delivered == len(world.got["a"]) == len(events)
    for user in "abcdefgh":
        mine = [tag for tag in world.got["a"] if tag.startswith(user)]
        assert mine == [f"{user}-{number}" for number in range(6)]


async def test_a_deletion_that_had_not_begun_goes_back(tmp_path: Path) -> None:
    """It is no attempt, and no refusal."""
    forgotten = []

    async def on_delete(deletion: dc.Deletion) -> None:
        forgotten.append(deletion.user_id)

    module = plugin(one)
    module.on_delete = dc.hookimpl(on_delete)  # type: ignore[attr-defined]
    world, path = Slow(), tmp_path / "q"
    told = []
    async with running(path, world, policy=FEW, plugin=module) as runner:
        runner.watchers.append(lambda _, __, results: told.extend(results))
        await runner.put("web", [person(1), {"type": "delete", "userId": "u2", "messageId": "d"}])
        await world.until_asked(1)
        draining = asyncio.create_task(runner.drain())
        await asyncio.sleep(0.05)
        world.let.set()
        await draining
    assert forgotten == []
    assert [(one.action, str(one.status), one.attempts) for (one,) in told] == [
        ("upsertContact", "delivered", 1),
        ("on_delete", "retryable", 0),
    ]
    assert [(job.attempts, job.crashes) for job in await left(path)] == [(0, 0)]


async def test_a_gate_that_is_closed_lets_nobody_wait() -> None:
    """Neither for the concurrency, which may be down to one, nor for whoever is inside."""
    gate = Gate("a", Breaker(lambda: 0.0), Adaptive(1))
    async with gate:
        waiting = asyncio.create_task(gate.__aenter__())
        await asyncio.sleep(0)
        gate.close()
        with pytest.raises(Paused, match="had not begun"):
            await waiting
        with pytest.raises(Paused):
            gate.check(True)
        gate.check(False)
    with pytest.raises(Paused):
        await gate.__aenter__()


async def test_a_rate_that_is_closed_holds_up_who_has_begun_only() -> None:
    """Nobody else has a request to send."""
    rate = Rate(1 / 3600)
    await rate.turn(first=True)
    first, second = [asyncio.create_task(rate.turn(first=one)) for one in (True, False)]
    await asyncio.sleep(0.01)
    rate.close()
    async with asyncio.timeout(10):
        await first
        await rate.turn(first=True)
    assert not second.done()
    second.cancel()
