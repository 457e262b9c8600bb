"""What damage does to SQLite's queue: it is found, it is told, and everything else is delivered."""

import asyncio
import errno
import fcntl
import os
import random
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from destination_core.queue import Dead, Delivered, Intake, SqliteQueue, salvage
from destination_core.queue.marks import HighWater, Reached

MANY = 400
PAGE = 4096


def event(number: int) -> Intake:
    """Make an event of half a kilobyte that says its number."""
    return Intake("web", f"m-{number}", b'{"n":%d,"x":"%s"}' % (number, b"x" * 500), ("a",), 1.0)


async def filled(path: Path) -> None:
    """Make a queue with many events, and close it."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(n) for n in range(MANY)])


async def drained(path: Path) -> tuple[list[bytes], list[str]]:
    """Deliver what can be; return the bodies and what was found damaged."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        bodies: list[bytes] = []
        await queue.tend()
        while jobs := await queue.claim("a", 100, 60):
            bodies += [job.body for job in jobs]
            await queue.settle([Delivered(job) for job in jobs])
        counts = (await queue.counts()).get("a")
        assert counts is None or (counts.difference, counts.queued) == (0, 0)
        fresh = Intake("web", "", b"fresh", ("a",), 1.0)
        await queue.put([fresh])
        (job,) = await queue.claim("a", 10, 60)
        assert job.body == b"fresh"
        return bodies, [one.message for one in queue.damage]


def break_index(path: Path) -> None:
    """Damage the page by which jobs are found, beside whoever has the file open."""
    with closing(sqlite3.connect(path)) as asking:
        (root,) = asking.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'jobs_by_due'"
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xff" * PAGE)


def zeroed(raw: bytearray, at: int, chance: random.Random) -> None:
    """Lose a sector."""
    raw[at : at + 512] = bytes(512)


def garbled(raw: bytearray, at: int, chance: random.Random) -> None:
    """Find something else in a sector."""
    raw[at : at + 512] = chance.randbytes(512)


def flipped(raw: bytearray, at: int, chance: random.Random) -> None:
    """Flip a bit."""
    raw[at + chance.randrange(512)] ^= 1 << chance.randrange(8)


async def test_a_dead_letter_does_not_change_its_destination_in_silence(tmp_path: Path) -> None:
    """Wherever its name is harmed, in table or index: it is told, or nothing is missing."""
    path, name = tmp_path / "q.db", "destination-of-letters"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([Intake("web", f"m-{n}", b"{}", (name,), 1.0) for n in range(20)])
        jobs = await queue.claim(name, 20, 60)
        await queue.settle([Dead(job, "s", "a", "BAD", "no", b"{}") for job in jobs])
    whole = path.read_bytes()
    mark = (tmp_path / "q.db-mark").read_bytes()
    found = [one.start() for one in re.finditer(name.encode(), whole)]
    assert len(found) > 40
    for at in found:
        for beside in tmp_path.glob("q.db*"):  # noqa: ASYNC240
            beside.unlink()
        path.write_bytes(whole[:at] + bytes(len(name)) + whole[at + len(name) :])
        (tmp_path / "q.db-mark").write_bytes(mark)
        async with SqliteQueue(path, min_free_bytes=0) as queue:
            await queue.tend()
            letters = await queue.dead_letters(destination=name)
            assert queue.damage or len(letters) == 20, at


@pytest.mark.parametrize("harm", [zeroed, garbled, flipped], ids=lambda one: one.__name__)
async def test_what_is_not_damaged_is_delivered_byte_for_byte(
    tmp_path: Path, harm: Callable[[bytearray, int, random.Random], None]
) -> None:
    """Wherever a sector is harmed: what is missing is told, nothing that is wrong goes out."""
    path, original = tmp_path / "q.db", tmp_path / "original.db"
    await filled(original)
    whole = original.read_bytes()
    wanted = {event(n).body for n in range(MANY)}
    chance = random.Random(harm.__name__)
    for turn in range(12):
        for beside in tmp_path.glob("q.db*"):  # noqa: ASYNC240
            beside.unlink()
        raw = bytearray(whole)
        harm(raw, 0 if turn == 0 else chance.randrange(0, len(raw) // 512) * 512, chance)
        path.write_bytes(raw)
        mark = tmp_path / "q.db-mark"
        mark.write_bytes((tmp_path / "original.db-mark").read_bytes())
        bodies, damage = await drained(path)
        assert set(bodies) <= wanted
        assert damage or set(bodies) == wanted
        assert len(bodies) > MANY * 0.8


async def test_a_page_that_breaks_while_in_use_is_mended_on_the_way(tmp_path: Path) -> None:
    """The caller's claim succeeds; the damaged file is kept, and what is lost is counted."""
    path = tmp_path / "q.db"
    await filled(path)
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        break_index(path)
        delivered = 0
        while jobs := await queue.claim("a", 100, 60):
            delivered += await queue.settle([Delivered(job) for job in jobs])
        counts = (await queue.counts())["a"]
        assert (delivered, counts.difference) == (MANY, 0)
        assert "has been mended" in queue.damage[0].message
    assert len(list(tmp_path.glob("q.db-damaged-*"))) == 1  # noqa: ASYNC240


async def test_copies_of_a_damaged_file_are_for_its_owner_alone(tmp_path: Path) -> None:
    """Also the one that only lasts as long as it is read: it holds every event."""
    path, fresh = tmp_path / "q.db", tmp_path / "fresh.db"
    await filled(path)
    await filled(fresh)
    with path.open("r+b") as file:
        file.write(b"\xff" * 512)
    with salvage._readable(path, fresh) as old:
        assert old.execute("SELECT count(*) FROM events").fetchone()[0] > 0
        modes = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}  # noqa: ASYNC240
    assert modes["q.db-mended"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_file_that_cannot_be_mended_fails_its_callers_and_leaves_none_waiting(
    tmp_path: Path,
) -> None:
    """There may be no room for a new file: each call is told so, now and later."""
    path = tmp_path / "q.db"
    await filled(path)
    (tmp_path / "q.db-new").mkdir()  # where the new file would be
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        break_index(path)
        async with asyncio.timeout(20):
            for _ in range(2):
                with pytest.raises(sqlite3.Error):
                    await queue.claim("a", 100, 60)


async def test_damaged_fields_of_a_job_are_found(tmp_path: Path) -> None:
    """What is left to do, and how often it was tried: nothing is delivered on a wrong word."""
    path = tmp_path / "q.db"
    await filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE jobs SET subscriptions = '[\"Tracc\"]' WHERE sequence = 5")
        db.execute("UPDATE jobs SET attempts = 99 WHERE sequence = 6")
        db.execute("UPDATE jobs SET subscriptions = CAST(x'ff' AS TEXT) WHERE sequence = 7")
        db.execute("UPDATE events SET source = CAST(x'fe' AS TEXT) WHERE sequence = 8")
        db.commit()
    bodies, damage = await drained(path)
    assert len(bodies) == MANY - 4
    assert [message.split()[1] for message in damage] == ["5", "6", "7", "8"]
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        letters = await queue.dead_letters()
        assert [one.code for one in letters] == ["DAMAGED"] * 4
        assert b'\\"n\\":4' in letters[0].record
        assert await queue.revive([one.id for one in letters]) == 0
        assert (await queue.counts())["a"].damaged == 4


async def test_a_damaged_dead_letter_is_told_and_not_sent(tmp_path: Path) -> None:
    """Neither its record nor its event changes in silence."""
    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(1), event(2)])
        jobs = await queue.claim("a", 2, 60)
        await queue.settle([Dead(job, "", "", "BAD", "no", b'{"x":1}') for job in jobs])
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE dead SET record = x'7b7d' WHERE id = 1")
        db.execute("UPDATE dead SET body = x'7b7d' WHERE id = 2")
        db.commit()
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.dead_letters()
        await queue.dead_letters()
        assert await queue.revive([1, 2]) == 1
        told = [one.message for one in queue.damage]
        assert [message[:25] for message in told] == [
            "dead letter 1 is damaged:",
            "dead letter 2 is damaged:",
        ]


async def test_a_log_that_lost_settlements_is_found(tmp_path: Path) -> None:
    """No event is missing then; but what was delivered goes out again, and that is told."""
    path, copy = tmp_path / "q.db", tmp_path / "copy.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(1)])
        put = (tmp_path / "q.db-wal").stat().st_size
        (job,) = await queue.claim("a", 1, 60)
        await queue.settle([Delivered(job)])
        for name in ("", "-wal", "-mark"):
            copy.with_name(copy.name + name).write_bytes(
                path.with_name(path.name + name).read_bytes()
            )
    with copy.with_name("copy.db-wal").open("r+b") as log:
        log.truncate(put)
    bodies, damage = await drained(copy)
    assert len(bodies) == 1
    assert damage == [f"{copy} lacks its last 2 transactions: what they settled is delivered again"]


def test_a_mark_only_rises(tmp_path: Path) -> None:
    """Two processes write it, and neither takes the other's word back."""
    one, two = HighWater(tmp_path / "mark"), HighWater(tmp_path / "mark")
    one.raise_to(Reached(20, 7), sync=True)
    two.raise_to(Reached(10, 9), sync=False)
    assert one.read() == Reached(20, 9)
    (tmp_path / "mark").write_bytes(b"\x00" * 20)
    assert one.read() is None
    one.close()
    two.close()


def test_a_mark_never_steps_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has read it writes before another may read it: else the other's word is lost."""
    one, two = HighWater(tmp_path / "mark"), HighWater(tmp_path / "mark")
    read = HighWater._read
    other = threading.Thread(target=two.raise_to, args=(Reached(9, 9),), kwargs={"sync": False})

    def slow(mark: HighWater) -> Reached | None:
        found = read(mark)
        if mark is one:
            other.start()
            other.join(0.2)  # it has to wait for us
        return found

    monkeypatch.setattr(HighWater, "_read", slow)
    one.raise_to(Reached(5, 5), sync=False)
    other.join()
    assert read(one) == Reached(9, 9)
    one.close()
    two.close()


def test_a_mark_is_not_read_while_it_is_written(tmp_path: Path) -> None:
    """Half of it would be told as damage."""
    mark, found = HighWater(tmp_path / "mark"), []
    mark.raise_to(Reached(5, 5), sync=False)
    with (tmp_path / "mark").open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        whole = other.read()
        other.seek(0)
        other.write(bytes(8))
        other.flush()
        reading = threading.Thread(target=lambda: found.append(mark.read()))
        reading.start()
        reading.join(0.1)
        assert reading.is_alive()
        other.seek(0)
        other.write(whole)
    reading.join()
    assert found == [Reached(5, 5)]
    mark.close()


async def test_each_damaged_file_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two in a second have two names, and a file system without hard links gets a copy."""
    path = tmp_path / "q.db"

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links here")

    await filled(path)
    first = path.read_bytes()
    salvage.salvage(path, 7.0)
    monkeypatch.setattr(os, "link", refuse)
    second = path.read_bytes()
    salvage.salvage(path, 7.0)
    assert (tmp_path / "q.db-damaged-7").read_bytes() == first
    kept = tmp_path / "q.db-damaged-7-2"
    assert kept.read_bytes() == second
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len((await drained(path))[0]) == MANY
