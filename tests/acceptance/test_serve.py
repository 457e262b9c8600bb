"""`destinations serve` as operators run it: SDKs, kills, signals, health; nothing is lost."""

import asyncio
import json
import random
import signal

import aiohttp

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import KEY, held, serving, until


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


async def test_nothing_acknowledged_is_lost_by_kills(operator: Operator) -> None:
    """SIGKILL at random moments while events come in and go out: each arrives, or is a letter."""
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
    await operator.run("run", "s.json")
    counts = (await operator.run("status", "s.json", "--json")).json()["destinations"]["customerio"]
    assert (counts["difference"], counts["queued"]) == (0, 0)
    exported = (await operator.run("dead", "export", "s.json")).out.splitlines()
    letters = [json.loads(line) for line in exported]  # of those in hand at three of the kills
    assert {one["_delivery"]["code"] for one in letters} <= {"POISON"}
    assert len(acknowledged) > 100
    assert acknowledged <= {one["properties"]["number"] for one in letters} | set(held(operator))


async def test_sigterm_while_a_destination_hangs(operator: Operator) -> None:
    """What hangs is given back in time, and delivered by the next run."""
    operator.simulator.faults.add(Fault(delay=1.0, times=3))
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        assert await service.post(session, [track(n) for n in range(20)])
        await asyncio.sleep(0.2)
        assert await service.end() == 0
    run = await operator.run("run", "s.json", "--json")
    assert run.code == 0, run.err
    assert run.json()["queue"]["customerio"]["delivered"] == 20
    assert set(held(operator)) == set(range(20))


async def test_one_process_accepts_and_another_delivers(operator: Operator) -> None:
    """They share the queue; the one that delivers tells of its health, and takes no events."""
    async with serving(operator, "--no-delivery") as service, aiohttp.ClientSession() as session:
        assert "delivering to nobody" in service.lines[0]
        assert await service.post(session, [track(n) for n in range(100)])
        other = await operator.start("run", "s.json", "--stay", "--listen", "127.0.0.1:0")
        try:
            assert other.stderr is not None
            url = (await other.stderr.readline()).decode().split("metrics at ")[1].split()[0]
            await until(operator, 100)
            assert await service.post(session, [track(n) for n in range(100, 200)])
            await until(operator, 200)
            async with session.get(f"{url}/metrics") as answer:
                assert 'destinations_deliveries_total{action="trackEvent"' in await answer.text()
            async with session.post(
                f"{url}/v1/batch", json={"writeKey": KEY, "batch": []}
            ) as answer:
                assert answer.status == 401
            other.send_signal(signal.SIGTERM)
            ended = await operator.ended(other)
            assert "customerio: 200 delivered, 0 dead, 0 queued" in ended.out
        finally:
            if other.returncode is None:
                other.kill()
        assert await service.end() == 0
    assert held(operator) == list(range(200))


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
    assert "stopping" not in again.err  # nobody told it to
    assert (again.code, held(operator)) == (0, list(range(10)))
    assert again.out == (
        "customerio: 0 delivered, 0 dead, 0 queued\n10 events had been queued before\n"
    )


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
