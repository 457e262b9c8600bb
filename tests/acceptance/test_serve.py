"""`destinations serve` as operators run it: SDKs, kills, signals, health; nothing is lost."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track

KEY = "write-key-of-the-tests"


class Service:
    """One running `destinations serve`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url
        self._log = asyncio.create_task(self._read())
        self.lines: list[str] = []

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.lines.append(line.decode())

    async def post(self, session: aiohttp.ClientSession, events: list[Any]) -> bool:
        """Send a batch; tell whether it was acknowledged."""
        body = {"writeKey": KEY, "batch": events}
        try:
            async with session.post(f"{self.url}/v1/batch", json=body) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; return the exit code."""
        self.process.send_signal(number)
        code = await self.process.wait()
        await self._log
        return code


@asynccontextmanager
async def serving(operator: Operator) -> AsyncIterator[Service]:
    """Run `serve` on a free port."""
    config = json.loads((operator.folder / "c.json").read_text())
    config["sources"] = {"web": {"write_keys": [KEY]}}
    (operator.folder / "s.json").write_text(json.dumps(config), "utf-8")
    process = await operator.start("serve", "s.json", "--listen", "127.0.0.1:0")
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    assert "listening on" in line, line + (await process.stderr.read()).decode()
    service = Service(process, line.split("listening on ")[1].split(",")[0])
    try:
        yield service
    finally:
        if process.returncode is None:
            await service.end(signal.SIGKILL)
        assert operator.simulator.api_key not in "".join(service.lines)


def held(operator: Operator) -> list[int]:
    """Return the numbers of the events that the simulator holds, sorted."""
    return sorted(one.attributes["number"] for one in operator.simulator.state.events)


async def until(operator: Operator, many: int, seconds: float = 20) -> None:
    """Wait until the simulator holds so many different events."""
    async with asyncio.timeout(seconds):
        while len(set(held(operator))) < many:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_events_go_through(operator: Operator) -> None:
    """From HTTP to the destination, once each; SIGTERM ends with 0."""
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        for start in range(0, 500, 100):
            events = [track(n) for n in range(start, start + 100)]
            assert await service.post(session, events)
            assert await service.post(session, events)  # an SDK that did not see the answer
        await until(operator, 500)
        async with session.get(f"{service.url}/readyz") as answer:
            assert answer.status == 200
        async with session.get(f"{service.url}/metrics") as answer:
            text = await answer.text()
        assert (
            'destinations_queue_deliveries{destination="customerio",state="accepted"} 500.0' in text
        )
        assert 'destinations_conservation_difference{destination="customerio"} 0.0' in text
        assert await service.end() == 0
    assert held(operator) == list(range(500))
    status = await operator.run("status", "s.json", "--json")
    assert status.json()["destinations"]["customerio"]["delivered"] == 500


SDK = """
import sys
import segment.analytics as analytics
analytics.write_key, analytics.host = sys.argv[1], sys.argv[2]
analytics.gzip = sys.argv[3] == "gzip"
analytics.on_error = lambda error, items: sys.exit(f"{error}")
for n in range(250):
    analytics.track("u%d" % n, "Order Completed", {"number": n})
analytics.identify("u1", {"email": "a@example.com"})
analytics.flush()
analytics.shutdown()
"""


@pytest.mark.parametrize("encoding", ["plain", "gzip"])
async def test_segments_python_sdk_delivers_through_it(operator: Operator, encoding: str) -> None:
    """Only `host` differs from what its users have."""
    async with serving(operator) as service:
        sdk = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SDK, KEY, service.url, encoding,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, err = await sdk.communicate()
        assert sdk.returncode == 0, err.decode()
        await until(operator, 250)
        assert await service.end() == 0
    assert held(operator) == list(range(250))


async def test_nothing_acknowledged_is_lost_by_kills(operator: Operator) -> None:
    """SIGKILL at random moments while events come in and go out: all of them arrive."""
    chance = random.Random(3)
    acknowledged: set[int] = set()
    number = 0
    kills = 5
    for _ in range(kills):
        async with serving(operator) as service, aiohttp.ClientSession() as session:
            ended = asyncio.get_running_loop().call_later(
                chance.uniform(0.1, 0.6), service.process.kill
            )
            while service.process.returncode is None:
                events = [track(n) for n in range(number, number + 10)]
                if await service.post(session, events):
                    acknowledged.update(range(number, number + 10))
                number += 10
            ended.cancel()
    async with serving(operator) as service:
        await until(operator, len(acknowledged))
        async with asyncio.timeout(20):
            while not acknowledged <= set(held(operator)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await service.end() == 0
    counts = (await operator.run("status", "s.json", "--json")).json()["destinations"]["customerio"]
    assert len(acknowledged) > 100
    assert (counts["difference"], counts["dead"], counts["queued"]) == (0, 0, 0)


async def test_sigterm_while_a_destination_hangs(operator: Operator) -> None:
    """What hangs is given back in time, and delivered by the next run."""
    operator.simulator.faults.add(Fault(delay=1.0, times=3))
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        assert await service.post(session, [track(n) for n in range(20)])
        await asyncio.sleep(0.2)
        assert await service.end() == 0
    run = await operator.run("run", "s.json", "--json")
    assert run.code == 0, run.err
    assert run.json()["destinations"]["customerio"]["delivered"] == 20
    assert set(held(operator)) == set(range(20))


async def test_dead_letters_from_the_command_line(operator: Operator) -> None:
    """Listed, shown, retried once the fault is mended; `run` is durable too."""
    operator.write("events.ndjson", [track(n) for n in range(10)])
    operator.simulator.faults.add(Fault(refuse=(3,), path="/api/v2/batch", times=1))
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 5
    (letter,) = (await operator.run("dead", "list", "c.json", "--json")).json()
    shown = (await operator.run("dead", "show", "c.json", str(letter["id"]))).json()
    assert shown["event"]["userId"] == "u3"
    assert shown["deliveries"][0]["requests"][0]["response"]["status"] == 207
    assert "1 dead letter queued again" in (await operator.run("dead", "retry", "c.json")).out
    assert (await operator.run("run", "c.json")).code == 0
    assert held(operator) == list(range(10))
    again = await operator.run("run", "c.json", "events.ndjson")  # deduplicated
    assert (again.code, held(operator)) == (0, list(range(10)))


async def test_a_file_is_followed_through_its_rotation(operator: Operator) -> None:
    """What is written later is delivered, from the successor too; a half line waits for its end."""
    path = operator.folder / "log.ndjson"
    operator.write("log.ndjson", map(track, range(3)))
    process = await operator.start("run", "c.json", "log.ndjson", "--follow")
    await until(operator, 3)
    with path.open("a") as file:
        file.write(json.dumps(track(3)) + "\n" + json.dumps(track(4))[:20])
        file.flush()
        await until(operator, 4)
        file.write(json.dumps(track(4))[20:] + "\n")
    path.rename(operator.folder / "log.1")
    operator.write("log.ndjson", map(track, range(5, 8)))
    await until(operator, 8)
    process.send_signal(signal.SIGTERM)
    run = await operator.ended(process)
    assert run.code == 0, run.err
    again = await operator.run("run", "c.json", "log.1", "log.ndjson")  # all of it is known
    assert (again.code, held(operator)) == (0, list(range(8)))


async def test_events_without_an_id_are_known_by_their_line(operator: Operator) -> None:
    """Reading a file twice delivers it once; two equal lines are two events."""
    event = {key: value for key, value in track(1).items() if key != "messageId"}
    operator.write("events.ndjson", [event, event])
    for _ in range(2):
        assert (await operator.run("run", "c.json", "events.ndjson")).code == 0
    assert held(operator) == [1, 1]
