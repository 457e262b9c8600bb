"""What strangers wrote is shown so that it steers no terminal and looks like no other line."""

import asyncio
import json
from pathlib import Path

import orjson
import pytest

from destination_core.cli import tail
from destination_core.cli.legible import legible, legible_json
from destination_core.queue import Dead, Intake, SqliteQueue
from tests.command_line import CommandLine, Run

HOSTILE = "x\n2026-11-29T00:00:00Z  customerio\x1b[2J\x9b31m\r\a\u202e\u2028\x7f"
ESCAPED = r"x\n2026-11-29T00:00:00Z  customerio\x1b[2J\x9b31m\r\x07\u202e\u2028\x7f"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (HOSTILE, ESCAPED),
        ("Zürich 東京 \U0001f600 'a\\b'", "Zürich 東京 \U0001f600 'a\\b'"),
        ("\ud800", r"\ud800"),
        ({"a": [1, None, "\x9b"]}, r'{"a":[1,null,"\x9b"]}'),
        (7, "7"),
        ("", ""),
    ],
)
def test_legible(value: object, shown: str) -> None:
    """Text stays as it is where it can be read; what is no text is JSON."""
    assert legible(value) == shown


@pytest.mark.parametrize("indented", [True, False])
def test_json_means_the_same(indented: bool) -> None:
    """It is escaped as JSON does, beyond the first plane too."""
    value = {HOSTILE: [HOSTILE, "\U000e0001", "é"]}
    text = legible_json(value, indented=indented)
    assert json.loads(text) == value
    assert all(line.isprintable() for line in text.split("\n"))
    assert "é" in text


def clean(run: Run) -> Run:
    """Hold what was printed to be printable, line by line."""
    assert all(line.isprintable() for line in (run.out + run.err).split("\n")), run
    return run


async def filled(path: Path) -> None:
    """Make a queue with one hostile event that waits and one that is dead."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        event = {"type": "track", "event": HOSTILE, "userId": HOSTILE, "messageId": HOSTILE}
        body = orjson.dumps(event)
        await queue.put([Intake("file", f"{n}", body, ("customerio",), 1.0) for n in range(2)])
        dead, _ = await queue.claim("customerio", 2, 60)
        record = orjson.dumps({"event": event})
        await queue.settle([Dead(dead, "s", HOSTILE, "CODE", HOSTILE, record)])


def test_no_command_prints_it_raw(destinations: CommandLine, config: Path) -> None:
    """Each event keeps to its line."""
    asyncio.run(filled(config.with_name("queue.db")))
    found = clean(destinations("find", config, "--user", HOSTILE))
    assert len(found.out.splitlines()) == 3
    assert found.out.count(ESCAPED) >= 6
    assert len(clean(destinations("dead", "list", config)).out.splitlines()) == 2
    for command in (["find", config, "--user", HOSTILE], ["dead", "list", config]):
        assert clean(destinations(*command, "--json")).json()
    clean(destinations("find", config, "--message", HOSTILE))
    assert clean(destinations("dead", "show", config, 1)).json()["reason"] == HOSTILE
    event = json.dumps({"type": HOSTILE, "event": HOSTILE, "userId": HOSTILE})
    clean(destinations("explain", config, event))
    clean(destinations("explain", config, event.replace(HOSTILE, "track", 1)))
    events = config.with_name("events")
    events.write_text(json.dumps({"type": "identify", "traits": {"email": HOSTILE}}) + "\n{\x9b\n")
    clean(destinations("send", config, events, "--dry-run"))


def test_tail_keeps_to_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an event is called; an object as a name is shown as JSON."""
    monkeypatch.setenv("NO_COLOR", "1")
    names = ("destination", "action", "userId", "messageId", "code", "reason")
    told = dict.fromkeys(names, HOSTILE) | {"event": {"a": HOSTILE}}
    line = tail.line({**told, "at": 0, "status": "dead", "seconds": 1, "next": ""})
    assert line.isprintable()
    assert '{"a":"x\\n2026' in line
