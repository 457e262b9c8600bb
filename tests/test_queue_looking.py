"""Whoever only looks into a queue writes nothing, and disturbs nobody."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import run

import pytest

from destination_core.errors import ConfigurationError
from destination_core.queue import Dead, Delivered, Intake, Onlooker, SqliteQueue


def event(number: int) -> Intake:
    """Make an event."""
    return Intake("web", f"m-{number}", b'{"n": %d}' % number, ("a",), 1.0)


def digests(folder: Path) -> dict[str, str]:
    """Return what is in the files of a folder; SQLite's index of readers is nobody's content."""
    files = (one for one in folder.iterdir() if not one.name.endswith("-shm") and one.is_file())
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


async def look(path: Path) -> tuple[int, int, list[str]]:
    """Return how many are queued, how many dead letters there are, and what is damaged."""
    onlooker = Onlooker(path)
    counts = await onlooker.counts()
    letters = await onlooker.dead_letters()
    damage = [one.message for one in await onlooker.damage()]
    return counts["a"].queued, len(letters), damage


async def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Beside an owner, and where there is none: the same answers, not a byte written."""
    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(n) for n in range(3)])
        first, second, _ = await queue.claim("a", 10, 60)
        await queue.settle([Delivered(first), Dead(second, "s", "x", "CODE", "why", b"{}")])
        before = digests(tmp_path)
        assert await look(path) == (1, 1, [])
        assert digests(tmp_path) == before
    before = digests(tmp_path)
    assert await look(path) == (1, 1, [])
    after = digests(tmp_path)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() <= {"q.db-wal"}  # empty: SQLite makes it to read
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        assert queue._file.owner == 2  # onlookers were none


async def test_what_is_missing_is_seen(tmp_path: Path) -> None:
    """By the mark beside the file, before anybody opens it."""
    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(1)])
        mark = (tmp_path / "q.db-mark").read_bytes()
        await queue.put([event(2), event(3)])
        later = (tmp_path / "q.db-mark").read_bytes()
    (tmp_path / "q.db-mark").write_bytes(mark)
    assert (await look(path))[2] == []
    with sqlite3.connect(path) as db:
        db.execute("UPDATE counters SET value = 1 WHERE name = 'sequence'")
    (tmp_path / "q.db-mark").write_bytes(later)
    assert (await look(path))[2] == [
        f"{path} ends at event 1, but event 3 was accepted: 2 accepted events are missing"
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no database, but long enough to be one" * 100, "cannot be read"),
        (b"", "is empty: nothing was queued yet"),
    ],
    ids=["something else", "nothing"],
)
async def test_what_cannot_be_read_is_a_mistake_that_says_so(
    tmp_path: Path, content: bytes, told: str
) -> None:
    """With what to do about it, not with what SQLite raises."""
    path = tmp_path / "q.db"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=told):
        await Onlooker(path).counts()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 48 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "q", str(tmp_path)]
    if os.geteuid() != 0 or run(mount, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield tmp_path
    run(["umount", "-l", str(tmp_path)], check=True)


async def test_looking_spends_no_reserve_on_a_full_disk(small_disk: Path) -> None:
    """It is there for whoever delivers."""
    path = small_disk / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(n) for n in range(3)])
        with suppress(OSError), (small_disk / "others").open("wb", buffering=0) as others:
            while True:
                others.write(bytes(512))
        assert await look(path) == (3, 0, [])
        assert (small_disk / "q.db-reserve").exists()
