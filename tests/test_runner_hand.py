"""What is in hand: slow deliveries, a queue that cannot be written, a stop in the middle."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from destination_core.errors import InvalidAuthentication, Paused
from destination_core.http import Request, Response
from destination_core.queue import Delivered, Intake, QueueFull, SqliteQueue
from destination_core.runner import Intakes, Policy, Runner
from destination_core.runner.breaker import Breaker
from destination_core.runner.concurrency import Adaptive
from destination_core.runner.gate import Gate
from destination_core.runner.hand import IN_HAND, Hand
from destination_core.runner.quarantine import FEW
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
        hand = Hand("a", queue, 60, lambda: now)
        first, _ = await hand.claim(2)
        now += 61
        second, _ = await hand.claim(2)
        third, more = await hand.claim(2)
        assert [len(one.jobs) for one in (first, second, third)] == [2, 1, 0]
        assert not more
        await hand.settle([Delivered(job) for job in (*first.jobs, *second.jobs)])
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


async def test_a_batch_is_settled_while_others_of_its_chunk_are_under_way(tmp_path: Path) -> None:
    """A kill repeats what was in flight, not what was claimed with it."""
    world = Destinations()
    send, go = world.send, asyncio.Event()

    async def sometimes(request: Request) -> Response:
        if b'"u120"' in (request.body or b""):
            await go.wait()
        return await send(request)

    world.send = sometimes  # type: ignore[method-assign]
    async with running(tmp_path / "q", world, policy=Policy(batch_age=0)) as runner:
        await runner.put("web", [person(n) for n in range(150)])
        async with asyncio.timeout(20):
            while (await runner.queue.counts())["a"].delivered < 100:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await runner.queue.counts())["a"].queued == 50
        go.set()
        await settled(runner)
    assert len(world.got["a"]) == 150


async def test_a_claim_that_has_ended_is_not_sent(tmp_path: Path) -> None:
    """Whoever was stopped for longer than its lease leaves what it has not begun to others."""
    now = 1_000.0
    async with SqliteQueue(tmp_path / "q", min_free_bytes=0, clock=lambda: now) as queue:
        await queue.put([Intake("web", f"m{n}", b"{}", ("a",), now) for n in range(2)])
        hand = Hand("a", queue, 60, lambda: now)
        first, _ = await hand.claim(1)
        gate = Gate("a", Breaker(lambda: now), Adaptive(1), hand.is_ours)
        IN_HAND.set(first)
        async with gate:
            gate.check()
            now += 59
            await hand.renew(first)
            now += 59
            gate.check()
            now += 1
            with pytest.raises(Paused, match="the claim has ended"):
                gate.check()
        await hand.renew(first)  # too late: somebody else may have had it meanwhile
        with pytest.raises(Paused):
            await gate.__aenter__()
        second, _ = await hand.claim(1)
        IN_HAND.set(second)
        async with gate:
            gate.check()


async def test_a_claim_of_which_some_is_lost_has_ended(tmp_path: Path) -> None:
    """Others have it, though the clock says that it is ours; what is settled is not lost."""
    async with SqliteQueue(tmp_path / "q", min_free_bytes=0) as queue:
        await queue.put([Intake("web", f"m{n}", b"{}", ("a",), 50.0) for n in range(3)])
        hand = Hand("a", queue, 60)
        claim, _ = await hand.claim(3)
        IN_HAND.set(claim)
        await hand.settle([Delivered(claim.jobs[0])])
        await hand.renew(claim)
        assert hand.is_ours()
        await queue.settle([Delivered(claim.jobs[1])])  # as another runner would have
        await hand.renew(claim)
        assert not hand.is_ours()


async def test_after_a_crash_little_is_in_hand(tmp_path: Path) -> None:
    """So that the next one, if it comes soon, repeats little."""
    world = Destinations()
    async with SqliteQueue(tmp_path / "q", min_free_bytes=0) as queue:
        queue.follows_crash = True
        requests = []
        send = world.send

        async def counted(request: Request) -> Response:
            requests.append((request.body or b"").count(b'"u'))
            return await send(request)

        world.send = counted  # type: ignore[method-assign]
        policies = {"a": Policy(batch_age=0)}
        async with Runner([connection("a")], queue, transport=world, policies=policies) as runner:
            await runner.put("web", [person(n) for n in range(150)])
            await settled(runner)
    assert max(requests) == FEW
    assert len(world.got["a"]) == 150


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
    assert len(world.got["a"]) == 1


async def test_a_setup_that_stays_wrong_is_told_again(caplog: pytest.LogCaptureFixture) -> None:
    """At the pause, at every probe that finds the credentials as wrong as before, and at its end.

    What goes well afterwards is not worth a line.
    """
    now = 0.0
    breaker = Breaker(lambda: now)
    gate = Gate("crm", breaker, Adaptive(5))
    wrong = [InvalidAuthentication("401 Unauthorized")]
    gate.learn(wrong, 0.01)
    for _ in range(2):
        now += breaker.wait()
        async with gate:
            gate.learn(wrong, 0.01)
    now += breaker.wait()
    async with gate:
        gate.learn([None], 0.01)
        gate.learn([None], 0.01)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "crm: paused, its events are kept: 401 Unauthorized",
        "crm: still paused, its events are kept, asked again in 10 s: 401 Unauthorized",
        "crm: still paused, its events are kept, asked again in 20 s: 401 Unauthorized",
        "crm: answers again, its events go on",
    ]
