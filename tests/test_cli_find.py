"""`destinations find`: where the events of a user are."""

import asyncio
from pathlib import Path

import orjson

from destination_core.queue import Dead, Delivered, Intake, Retry, SqliteQueue
from tests.command_line import CommandLine


async def filled(path: Path) -> None:
    """Make a queue: of ann one event is dead, one failed once, one delivered; one is bob's."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        events = [("ann", "m-0"), ("ann", "m-1"), ("ann", "m-2"), (7, "m-3"), ("bo\u00e9/b", "m-4")]
        await queue.put(
            [
                Intake(
                    "file",
                    message,
                    orjson.dumps(
                        {"type": "track", "event": "Order", "userId": user, "messageId": message}
                    ),
                    ("customerio",),
                    1_700_000_000.0,
                )
                for user, message in events
            ]
        )
        dead, failed, delivered, *_ = await queue.claim("customerio", 10, 60)
        record = orjson.dumps({"event": orjson.loads(dead.body)})
        await queue.settle(
            [
                Dead(dead, "Track Event", "trackEvent", "BAD_REQUEST", "no such thing", record),
                Retry(failed, 4_000_000_000.0),
                Delivered(delivered),
            ]
        )


def test_find(destinations: CommandLine, config: Path) -> None:
    """What is queued and what is dead of a user, with reason and next attempt; of a messageId more.

    A number stands for its text, and every spelling of JSON is read.
    """
    assert destinations("find", config, "--user", "ann").code == 2  # nothing was queued yet
    asyncio.run(filled(config.with_name("queue.db")))
    run = destinations("find", config, "--user", "ann")
    assert run.code == 0, run.err
    queued, dead, total = run.out.splitlines()
    assert queued.startswith(
        "queued    2023-11-14T22:13:20Z  customerio  Order  ann  m-1  1 attempt"
    )
    assert queued.endswith("next at 2096-10-02T07:06:40Z")
    assert dead.startswith("dead           1  ")
    assert dead.endswith("trackEvent  Order  ann  m-0  BAD_REQUEST: no such thing")
    assert total == "1 queued, 1 dead letter"
    for user, message in (("7", "m-3"), ("bo\u00e9/b", "m-4")):
        found = destinations("find", config, "--user", user, "--json").json()
        assert [one["event"]["messageId"] for one in found["queued"]] == [message]
    delivered = destinations("find", config, "--message", "m-2").out
    assert "0 queued, 0 dead letters\nm-2 came in at 2023-11-14T22:13:20Z; where it is" in delivered
    assert "m-9 is not known" in destinations("find", config, "--message", "m-9").out
    assert "--user ID, or --message ID" in destinations("find", config).err


def test_what_is_not_searched_is_said(destinations: CommandLine, config: Path) -> None:
    """An email is no userId; what was discarded is only in a log."""
    asyncio.run(filled(config.with_name("queue.db")))
    found = destinations("find", config, "--user", "ann@example.com").out
    assert "no userId or anonymousId is 'ann@example.com'; emails are not searched" in found
    assert (
        "or was discarded: see the log of `serve`"
        in destinations("find", config, "--message", "m-9").out
    )
    assert "emails" not in destinations("find", config, "--user", "nobody").out


def test_what_waits_for_nobody_is_said(destinations: CommandLine, config: Path) -> None:
    """Nothing is due of a destination that the configuration does not have; `status` knows, too."""
    asyncio.run(filled(config.with_name("queue.db")))
    text = config.read_text("utf-8")
    config.write_text(text.replace("\n  customerio:", "\n  renamed:", 1))
    said = "the configuration has no such destination"
    (queued, *_) = destinations("find", config, "--user", "ann").out.splitlines()
    assert queued.endswith(said)
    assert f"customerio: 3 events queued, {said}" in destinations("status", config).out
    config.write_text(text)
    assert said not in destinations("status", config).out
