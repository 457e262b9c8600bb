"""`destinations tail`: what becomes of events, while it happens."""

import asyncio
import json
import signal
import stat
import time
from pathlib import Path

import aiohttp

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import serving


async def test_outcomes_are_shown_as_they_happen(operator: Operator) -> None:
    """Each delivery is one line: what it was, what became of it, what comes next; no secrets."""
    operator.simulator.faults.add(Fault(refuse=(1,), path="/api/v2/batch", times=1))
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        (path,) = operator.folder.glob("queue.db-tail-*")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        tail = await operator.start("tail", "s.json", "--json", "-n", "3")
        await watched(path)
        assert await service.post(session, [track(n) for n in range(3)])
        ended = await operator.ended(tail)
        assert ended.code == 0, ended.err
        told = {one["userId"]: one for one in map(json.loads, ended.out.splitlines())}
        assert {user: one["status"] for user, one in told.items()} == {
            "u0": "delivered", "u1": "refused", "u2": "delivered",
        }  # fmt: skip
        assert told["u0"]["messageId"] == "m-0"
        assert told["u0"]["event"] == "Order Completed"
        assert told["u1"]["next"] == "dead"
        assert told["u1"]["reason"]

        tail = await operator.start("tail", "s.json", "--user", "u8", "-n", "1")
        await watched(path)
        operator.simulator.faults.add(Fault(status=503, times=1))
        assert await service.post(session, [track(7), track(8)])
        (line,) = (await operator.ended(tail)).out.splitlines()
        assert "u8" in line
        assert "retryable" in line
        assert "again at" in line
        assert await service.end() == 0
    assert not list(operator.folder.glob("queue.db-tail-*"))


async def test_what_was_changed_on_the_way_is_shown(operator: Operator) -> None:
    """An event whose name was cut is delivered with a warning: as text, as JSON, and counted."""
    long = {**track(1), "event": "x" * 101}
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        (path,) = operator.folder.glob("queue.db-tail-*")
        tails = [
            await operator.start("tail", "s.json", "-n", "1", *more) for more in ((), ("--json",))
        ]
        await watched(path, 2)
        assert await service.post(session, [long])
        text, told = [(await operator.ended(tail)).out for tail in tails]
        (warning,) = json.loads(told)["warnings"]
        assert "100 bytes" in warning
        assert f"warning: {warning}" in text
        async with session.get(f"{service.url}/metrics") as answer:
            shown = await answer.text()
        status = (await operator.run("status", "s.json", "--json")).json()
        breaker = status["destinations"]["customerio"]["breaker"]
        assert (breaker["state"], breaker["again"]) == ("closed", None)
        assert (
            'destinations_warnings_total{action="trackEvent",destination="customerio"} 1' in shown
        )
        assert await service.end() == 0


async def test_status_says_who_is_paused_and_why(operator: Operator) -> None:
    """Beside the service that pauses it; without one nobody knows."""
    operator.simulator.faults.add(Fault(status=401, times=1_000))
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        assert await service.post(session, [track(1)])
        while True:
            told = json.loads((await operator.run("status", "s.json", "--json")).out)
            breaker = told["destinations"]["customerio"]["breaker"]
            if breaker["state"] == "open":
                break
            await asyncio.sleep(0.1)
        assert "401" in breaker["reason"]
        assert breaker["since"] <= time.time() <= breaker["again"] + 1
        shown = (await operator.run("status", "s.json")).out
        assert "customerio: paused since 20" in shown
        assert breaker["reason"] in shown
        assert await service.end() == 0
    ended = await operator.run("status", "s.json", "--json")
    assert json.loads(ended.out)["destinations"]["customerio"]["breaker"] is None


async def test_tail_waits_for_a_runner(operator: Operator) -> None:
    """It may be started first, says what it waits for, and Ctrl-C ends it."""
    tail = await operator.start("tail", "c.json", "--status", "delivered", "-n", "1")
    assert tail.stderr is not None
    assert b"waiting for" in await tail.stderr.readline()
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        for number in range(100):
            await service.post(session, [track(number)])
            if tail.returncode is not None:
                break
            await asyncio.sleep(0.1)
        assert "delivered" in (await operator.ended(tail)).out
        await service.end()
    tail = await operator.start("tail", "c.json")
    assert tail.stderr is not None
    await tail.stderr.readline()
    tail.send_signal(signal.SIGINT)
    assert (await operator.ended(tail)).code == 0


async def watched(path: Path, many: int = 1) -> None:
    """Wait until so many are connected to a socket: the kernel lists its end of each."""
    kernel = Path("/proc/net/unix")
    async with asyncio.timeout(20):
        while kernel.read_text().count(str(path)) < 1 + many:  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.05)
