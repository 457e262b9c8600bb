"""SQLite's queue where room is short: its own bounds, a full disk, the reserve."""

import asyncio
import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import run

import pytest

from destination_core.errors import ConfigurationError
from destination_core.queue import Delivered, Intake, QueueFull, SqliteQueue
from destination_core.queue.books import SHRINK_PAGES
from destination_core.queue.reserve import RESERVE_BYTES
from destination_core.queue.room import LOOK_SECONDS


def event(number: int) -> Intake:
    """Make an event of half a kilobyte."""
    return Intake("web", f"m-{number}", b"x" * 500, ("a",), 1.0)


async def test_a_queue_that_has_its_size_takes_no_more(tmp_path: Path) -> None:
    """`put` is refused as a whole; claims and settlements go on, and make room."""
    async with SqliteQueue(tmp_path / "q.db", max_bytes=300_000, min_free_bytes=0) as queue:
        put = 0

        async def fill() -> None:
            nonlocal put
            while True:
                await queue.put([event(n) for n in range(put, put + 50)])
                put += 50

        with pytest.raises(QueueFull, match="reached its size"):
            await fill()
        jobs = await queue.claim("a", 1_000_000, 60)
        assert len(jobs) == put
        assert await queue.settle([Delivered(job) for job in jobs]) == put
        queue._room._looked = 0.0  # it looks ten times a second
        assert (await queue.put([event(put)])).new == 1


async def test_a_disk_that_is_nearly_full_takes_no_more(tmp_path: Path) -> None:
    """What must stay free, stays free."""
    async with SqliteQueue(tmp_path / "q.db", min_free_bytes=2**62) as queue:
        with pytest.raises(QueueFull, match="are to stay free"):
            await queue.put([event(1)])


async def test_on_a_full_database_settlements_still_work(tmp_path: Path) -> None:
    """SQLite itself refuses to grow: nothing half is kept, and nothing hangs."""
    async with SqliteQueue(tmp_path / "q.db", min_free_bytes=0) as queue:
        await queue.put([event(n) for n in range(100)])
        db = queue._writer._db
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(QueueFull, match="disk is full"):
            await queue.put([event(n) for n in range(100, 200)])
        counts = (await queue.counts())["a"]
        assert (counts.queued, counts.difference) == (100, 0)
        jobs = await queue.claim("a", 100, 60)
        assert await queue.settle([Delivered(job) for job in jobs]) == 100
        assert (await queue.put([event(n) for n in range(100, 150)])).new == 50


async def test_a_system_without_the_calls_of_linux_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As macOS: the mark is synced and the reserve kept all the same."""
    monkeypatch.delattr(os, "fdatasync")
    monkeypatch.delattr(os, "posix_fallocate")
    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([Intake("web", "m", b"{}", ("a",), 1.0)])
        assert len(await queue.claim("a", 10, 60)) == 1
    reserve = (tmp_path / "q.db-reserve").stat()
    assert (reserve.st_size, reserve.st_blocks * 512 >= reserve.st_size) == (RESERVE_BYTES, True)


async def test_nothing_is_taken_until_acknowledgements_have_their_reserve_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events would fill what little room there is, and none could be acknowledged afterwards."""
    path = tmp_path / "q.db"
    event = Intake("web", "m", b"{}", ("a",), 1.0)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event])
        (job,) = await queue.claim("a", 10, 60)
        path.with_name("q.db-reserve").unlink()
        with monkeypatch.context() as disk:
            disk.setattr(os, "posix_fallocate", full)
            await asyncio.sleep(2 * LOOK_SECONDS)
            with pytest.raises(QueueFull, match="acknowledgements need 33,554,432"):
                await queue.put([event._replace(message_id="n")])
            assert await queue.settle([Delivered(job)]) == 1
            await queue.tend()
        await queue.tend()
        await asyncio.sleep(2 * LOOK_SECONDS)
        assert (await queue.put([event._replace(message_id="n")])).new == 1
        assert path.with_name("q.db-reserve").stat().st_size == RESERVE_BYTES


async def test_empty_pages_go_back_to_the_disk(tmp_path: Path) -> None:
    """A part of them with each round of upkeep."""
    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(n) for n in range(2_000)])
        await queue.settle([Delivered(job) for job in await queue.claim("a", 2_000, 60)])

        def pages() -> int:
            found: int = queue._writer._db.execute("PRAGMA page_count").fetchone()[0]
            return found

        before = pages()
        await queue.tend()
        assert before - pages() >= SHRINK_PAGES


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of 96 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "q", str(tmp_path)]
    if os.geteuid() != 0 or run(mount, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield tmp_path
    run(["umount", "-l", str(tmp_path)], check=True)


@pytest.mark.parametrize("batch", [100, 2_500])
async def test_all_is_acknowledged_on_a_disk_that_others_filled(
    small_disk: Path, batch: int
) -> None:
    """The log is written back into a file that cannot grow: that is what the reserve is for."""
    async with SqliteQueue(small_disk / "q.db", min_free_bytes=0) as queue:
        for start in range(0, 15_000, batch):
            await queue.put([event(n) for n in range(start, start + batch)])
        with suppress(OSError), (small_disk / "others").open("wb", buffering=0) as others:
            while True:
                others.write(bytes(4096))
        settled = 0
        while jobs := await queue.claim("a", 500, 60):
            settled += await queue.settle([Delivered(job) for job in jobs])
        assert settled == 15_000


async def test_a_disk_too_full_to_open_a_queue_is_a_mistake_that_says_so(small_disk: Path) -> None:
    """Neither what SQLite raises, nor a traceback."""
    async with SqliteQueue(small_disk / "q.db", min_free_bytes=0) as queue:
        await queue.put([event(1)])
    (small_disk / "q.db-reserve").unlink()
    with suppress(OSError), (small_disk / "others").open("wb", buffering=0) as others:
        while True:
            others.write(bytes(512))
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        await SqliteQueue(small_disk / "q.db", min_free_bytes=0).__aenter__()
