"""`destinations run` where the queue has no room: it says so, and waits only for what can come."""

import asyncio
import json

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track


def bounded(operator: Operator, **bounds: int) -> None:
    """Configure the queue."""
    path = operator.folder / "c.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "queue": bounds}), "utf-8")


async def test_a_disk_without_room_ends_the_run(operator: Operator) -> None:
    """Nothing is queued whose delivery would make any: it waits no longer, and says for what."""
    bounded(operator, min_free_bytes=2**60)
    operator.write("events.ndjson", [track(1)])
    async with asyncio.timeout(60):
        run = await operator.run("run", "c.json", "events.ndjson")
    assert run.code == 5
    assert run.err.index("waiting: disk has ") < run.err.index("error: disk has ")
    assert "1,152,921,504,606,846,976 are to stay free, and nothing is queued whose" in run.err
    assert "`queue` in c.json: the same command goes on" in run.err
    bounded(operator, min_free_bytes=0)
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 0


async def test_a_full_queue_is_waited_for_while_something_is_delivered(operator: Operator) -> None:
    """It says that it waits, goes on as soon as there is room, and loses nothing."""
    many = 1_500
    filler = {"filler": "x" * 4_000}
    events = [{**track(n), "context": filler} for n in range(many)]
    operator.write("events.ndjson", events)
    bounded(operator, max_bytes=1_000_000, min_free_bytes=0)
    operator.simulator.faults.add(Fault(status=429, headers={"Retry-After": "10"}, times=1))
    async with asyncio.timeout(90):
        run = await operator.run("run", "c.json", "events.ndjson")
    assert run.code == 0, run.err
    assert "waiting: queue has reached its size, 1,000,000 bytes" in run.err
    assert len(operator.simulator.state.events) == many


async def test_a_replay_says_that_it_waits(operator: Operator) -> None:
    """It does not deliver itself: a runner has to make room, or a person."""
    operator.write("events.ndjson", [track(1)])
    assert (await operator.run("run", "c.json", "events.ndjson")).code == 0
    bounded(operator, min_free_bytes=2**60)
    replay = await operator.start("replay", "c.json", "events.ndjson")
    assert replay.stderr is not None
    async with asyncio.timeout(60):
        while b"waiting for a runner to make room: " not in (
            said := await replay.stderr.readline()
        ):
            assert said, "it ended"
    replay.terminate()
    await replay.communicate()
