"""`destinations dead` and `status`, where the queue has something that is not as it should be."""

import asyncio
import sqlite3
from pathlib import Path

from destination_core.queue import Dead, Intake, SqliteQueue
from tests.command_line import CommandLine


def event(number: int) -> Intake:
    """Make an event for Customer.io."""
    body = b'{"type": "identify", "userId": "u", "messageId": "m-%d"}' % number
    return Intake("web", f"m-{number}", body, ("customerio",), 1.0)


async def buried(path: Path) -> None:
    """Make a queue with two dead letters, one of which is damaged."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(1), event(2)])
    with sqlite3.connect(path) as db:
        db.execute("UPDATE events SET body = x'00' WHERE sequence = 1")
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        (job,) = await queue.claim("customerio", 10, 60)
        record = b'{"event": {"type": "identify", "userId": "u"}}'
        await queue.settle([Dead(job, "s", "createUpdatePerson", "BAD_REQUEST", "why", record)])


def test_an_export_says_what_it_leaves_out(destinations: CommandLine, config: Path) -> None:
    """Of a damaged one there is no event that could be sent."""
    asyncio.run(buried(config.with_name("queue.db")))
    ended = destinations("dead", "export", config)
    assert (ended.code, ended.out.count("\n")) == (0, 1)
    assert "left out: 1 dead letter: damaged" in ended.err


def test_a_retry_says_that_it_is_out_of_order(destinations: CommandLine, config: Path) -> None:
    """Whoever needs to know what the destination makes of that is sent to `replay`."""
    asyncio.run(buried(config.with_name("queue.db")))
    ended = destinations("dead", "retry", config, "--code", "BAD_REQUEST")
    assert (ended.code, ended.out) == (0, "1 dead letter queued again\n")
    assert "they go out after what came later; `replay --dry-run` tells" in ended.err


def test_status_tells_what_is_damaged(destinations: CommandLine, config: Path) -> None:
    """In words, and by its exit code; it goes on doing so."""
    asyncio.run(buried(config.with_name("queue.db")))
    for _ in range(2):
        ended = destinations("status", config)
        assert ended.code == 1
        assert "damage: customerio: 1 event damaged or missing" in ended.err


def test_what_cannot_be_read_is_said(destinations: CommandLine, config: Path) -> None:
    """Exit code 3 and what to do; it is not mended by whoever only looks."""
    path = config.with_name("queue.db")
    path.write_bytes(b"no database, but long enough to be one" * 100)
    before = path.read_bytes()
    for arguments in (
        ("status", config),
        ("find", config, "--user", "u"),
        ("dead", "list", config),
        ("dead", "show", config, 1),
        ("dead", "export", config),
    ):
        ended = destinations(*arguments)
        assert (ended.code, "cannot be read" in ended.err) == (3, True), ended.err
    assert path.read_bytes() == before
