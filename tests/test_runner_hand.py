"""What is in hand: slow deliveries, a queue that cannot be written, a stop in the middle."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from destination_core.errors import InvalidAuthentication
from destination_core.http import Request, Response
from destination_core.queue import Delivered, Intake, QueueFull, SqliteQueue
from destination_core.runner import Intakes, Policy
from destination_core.runner.breaker import Breaker
from destination_core.runner.concurrency import Adaptive
from destination_core.runner.gate import Gate
from destination_core.runner.hand import Hand
from tests.running import Destinations, connection, person, running, settled


async def test_a_slow_delivery_keeps_its_lease(tmp_path: Path) -> None:
    """However long it takes: it is delivered once, and nobody takes it for a crash."""
    world = Destinations()
    world.answer = lambda _, __: 3.0
    policy = Policy(lease=1.2, batch_age=0)
    async with running(tmp_path / "q", world, policy=policy) as runner:
        await runner.put("web", [person(1)])
        async with SqliteQueue(tmp_path / "q", min_free_bytes=0) as other:
            for _ in range(20):
                await asyncio.sleep(0.1)
                assert await other.claim("a", 10, 60) == []
        counts = await settled(runner)
    assert world.got["a"] == ["u1"]
    assert (counts["a"].delivered, counts["a"].dead) == (1, 0)


async def test_what_is_in_hand_is_not_taken_twice(tmp_path: Path) -> None:
    """Also by ourselves: a process that was stopped for longer than its leases finds them due."""
    now = 1_000.0
    async with SqliteQueue(tmp_path / "q", min_free_bytes=0, clock=lambda: now) as queue:
        await queue.put([Intake("web", f"m{n}", b"{}", ("a",), now) for n in range(3)])
        hand = Hand("a", queue, 60)
        first, _ = await hand.claim(2)
        now += 61
        second, _ = await hand.claim(2)
        third, more = await hand.claim(2)
        assert [len(first), len(second), len(third), more] == [2, 1, 0, False]
        await hand.settle([Delivered(job) for job in (*first, *second)])
        assert (await queue.counts())["a"].delivered == 3


async def test_settlements_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was delivered is written once there is room, and not sent again meanwhile."""
    monkeypatch.setattr("destination_core.runner.hand.AGAIN_SECONDS", 0.01)
    world = Destinations()
    async with running(tmp_path / "q", world) as runner:
        queue = runner.queue
        settle, failures = queue.settle, 3

        async def failing(settlements: Any) -> int:
            nonlocal failures
            failures -= bool(settlements)
            if failures >= 0 and settlements:
                raise QueueFull("queue: the disk is full; nothing was kept, send it again later")
            return await settle(settlements)

        monkeypatch.setattr(queue, "settle", failing)
        await runner.put("web", [person(1)])
        counts = await settled(runner)
    assert world.got["a"] == ["u1"]
    assert (counts["a"].delivered, failures) == (1, -1)


async def test_a_stop_settles_what_has_ended_of_a_chunk(tmp_path: Path) -> None:
    """A batch that hangs is given back; the other is not sent again by the next start."""
    world = Destinations()
    send, arrived = world.send, asyncio.Event()

    async def sometimes(request: Request) -> Response:
        if b'"u120"' in (request.body or b""):
            arrived.set()
            await asyncio.sleep(3_600)
        return await send(request)

    world.send = sometimes  # type: ignore[method-assign]
    async with running(tmp_path / "q", world, policy=Policy(batch_age=0)) as runner:
        await runner.put("web", [person(n) for n in range(150)])
        async with asyncio.timeout(20):
            await arrived.wait()
            while len(world.got.get("a", [])) < 100:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await runner.drain(seconds=0)
        counts = await runner.queue.counts()
    assert (counts["a"].delivered, counts["a"].queued) == (100, 50)
    world.send = send  # type: ignore[method-assign]
    async with running(tmp_path / "q", world) as runner:
        await settled(runner)
    assert len(world.got["a"]) == len(set(world.got["a"])) == 150


async def test_what_another_process_puts_is_delivered_soon(tmp_path: Path) -> None:
    """Nobody polls for it: the file tells that somebody else has changed it."""
    world = Destinations()
    async with running(tmp_path / "q", world) as runner:
        await asyncio.sleep(0.3)  # everybody is asleep by now
        async with SqliteQueue(tmp_path / "q", min_free_bytes=0) as other:
            elsewhere = Intakes([connection("a")], other, lambda _: None)
            await elsewhere.put("web", [person(1)])
            async with asyncio.timeout(10):
                while "a" not in world.got:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        await settled(runner)


async def test_a_setup_that_stays_wrong_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    """At the pause and at every probe that finds the credentials as wrong as before."""
    now = 0.0
    breaker = Breaker(lambda: now)
    gate = Gate("crm", breaker, Adaptive(5))
    wrong = [InvalidAuthentication("401 Unauthorized")]
    gate.learn(wrong, 0.01)
    for _ in range(2):
        now += breaker.wait()
        async with gate:
            gate.learn(wrong, 0.01)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "crm: paused, its events are kept: 401 Unauthorized",
        "crm: still paused, its events are kept, asked again in 10 s: 401 Unauthorized",
        "crm: still paused, its events are kept, asked again in 20 s: 401 Unauthorized",
    ]
