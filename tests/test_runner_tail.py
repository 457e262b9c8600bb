"""What watchers are told."""

import asyncio
from pathlib import Path

import orjson

from destination_core.queue import Dead, Job, Retry
from destination_core.runner.tail import Tail


async def test_of_what_is_put_off_nothing_is_told(tmp_path: Path) -> None:
    """A deletion that waits for earlier events of its user has no outcome yet; poison has one."""
    event = orjson.dumps({"type": "delete", "userId": "u1", "messageId": "d1"})
    job = Job(1, "a", "web", 0.0, event, 0, 0, None)
    async with Tail(tmp_path / "tail-1", clock=lambda: 9.0) as tail:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "tail-1")
        await reader.readline()
        tail.watch("a", [Retry.unused(job, 10.0)], [()])
        tail.watch("a", [Dead(job, "", "", "POISON", "in hand at three crashes", b"{}")], [()])
        told = orjson.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
    assert (told["status"], told["code"], told["messageId"]) == ("poison", "POISON", "d1")
