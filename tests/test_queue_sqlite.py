"""SQLite's queue: damage, other files, permissions, other processes, and their ends."""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import stat
import sys
import threading
from pathlib import Path

import pytest

import destination_core as dc
from destination_core.queue import Delivered, Intake, Retry, SqliteQueue
from destination_core.queue.store import Store
from destination_core.queue.tables import Tables, connect, parts

BODY = b'{"type":"track","text":"%s"}' % (b"x" * 500)


def event(number: int) -> Intake:
    """Make an event of half a kilobyte."""
    return Intake("web", f"m-{number}", BODY, ("a",), 1.0)


async def filled(path: Path, many: int) -> None:
    """Make a queue with events."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(n) for n in range(many)])


async def drained(path: Path) -> tuple[int, list[str]]:
    """Deliver what can be; return how many and what was found damaged."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        many = 0
        while jobs := await queue.claim("a", 100, 60):
            assert all(job.body == BODY for job in jobs)
            many += await queue.settle([Delivered(job) for job in jobs])
        return many, [one.message for one in queue.damage]


async def test_a_queue_in_no_folder_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    """It says which folder is missing and what to do, and makes nothing."""
    with pytest.raises(dc.ConfigurationError, match=r"there is no folder '.*/gone'; make it"):
        await filled(tmp_path / "gone" / "queue.db", 1)
    assert not (tmp_path / "gone").exists()


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """They hold customers' data."""
    async with SqliteQueue(tmp_path / "q.db", min_free_bytes=0) as queue:
        await queue.put([event(1)])
        files = list(tmp_path.iterdir())  # noqa: ASYNC240  four files
        assert len(files) >= 4
        assert {stat.S_IMODE(one.stat().st_mode) & 0o077 for one in files} == {0}


async def test_another_file_is_refused(tmp_path: Path) -> None:
    """With its name, and without harm to it."""
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, not a database" * 100, "utf-8")
    with pytest.raises(dc.ConfigurationError, match=r"notes\.txt"):
        await SqliteQueue(path).__aenter__()
    assert path.read_text("utf-8").startswith("these are my notes")


async def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """It says what to do."""
    await filled(tmp_path / "q.db", 1)
    with sqlite3.connect(tmp_path / "q.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(dc.ConfigurationError, match="upgrade"):
        await SqliteQueue(tmp_path / "q.db").__aenter__()


async def test_a_flipped_bit_is_found_and_the_others_are_delivered(tmp_path: Path) -> None:
    """Whatever bit of a body flips, that one event is reported; SQLite itself would not notice."""
    chance = random.Random(7)
    path = tmp_path / "q.db"
    await filled(path, 50)
    raw = bytearray(path.read_bytes())
    start = raw.find(b"x" * 100, chance.randrange(len(raw) // 2))
    raw[start + 5] ^= 1
    path.write_bytes(raw)
    delivered, damage = await drained(path)
    assert delivered == 49
    assert len(damage) == 1
    assert "damaged" in damage[0]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
async def test_a_log_that_was_cut_is_found(tmp_path: Path, share: float) -> None:
    """Its end is sound and silent about what is missing; the mark beside it is not."""
    path = tmp_path / "q.db"
    queue = await SqliteQueue(path, min_free_bytes=0).__aenter__()
    for n in range(40):
        await queue.put([event(n)])
    copy = tmp_path / "copy.db"  # as a crash of the machine would leave it
    for name in ("", "-wal", "-mark"):
        source = path.with_name(path.name + name)
        copy.with_name(copy.name + name).write_bytes(source.read_bytes())
    await queue.__aexit__(None, None, None)
    log = copy.with_name("copy.db-wal")
    os.truncate(log, int(log.stat().st_size * share))
    async with SqliteQueue(copy, min_free_bytes=0) as cut:
        counts = (await cut.counts()).get("a")
        missing = 40 - (counts.queued if counts else 0)
        assert missing > 0
        (damage,) = cut.damage
        assert damage.message == (
            f"{copy} ends at event {40 - missing}, but event 40 was accepted:"
            f" {missing} accepted events are missing"
        )
        await cut.put([event(99)])
        (*_, last) = await cut.claim("a", 100, 60)
        assert last.sequence == 41
    async with SqliteQueue(copy, min_free_bytes=0) as later:
        assert later.damage == []
        lost = (await later.counts())[""]
        assert (lost.accepted, lost.damaged, lost.difference) == (missing, missing, 0)


async def test_what_a_dead_owner_held_is_taken_over_by_a_living_one(tmp_path: Path) -> None:
    """At the next upkeep, long before its leases end; with one more crash."""
    path = tmp_path / "q.db"
    await filled(path, 3)
    script = WORKER.replace(
        "await asyncio.gather", "await queue.claim('a', 2, 3600)\n        os._exit(9)#"
    )
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import os" + script, str(path), "0"
        )
        assert await process.wait() == 9
        assert len(await queue.claim("a", 10, 60)) == 1
        await queue.tend()
        assert [job.crashes for job in await queue.claim("a", 10, 60)] == [1, 1]


async def test_who_opens_it_after_a_crash_is_told(tmp_path: Path) -> None:
    """And who opens it after that one's end in order is not."""
    path = tmp_path / "q.db"
    await filled(path, 3)
    script = WORKER.replace("await asyncio.gather", "os._exit(9)#")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "import os" + script, str(path), "0"
    )
    assert await process.wait() == 9
    told = []
    for _ in range(2):
        async with SqliteQueue(path, min_free_bytes=0) as queue:
            told.append(queue.follows_crash)
    assert told == [True, False]


async def test_commits_need_not_wait_for_the_disk(tmp_path: Path) -> None:
    """With `fsync: checkpoint`; the file says so to whoever opens it."""
    async with SqliteQueue(tmp_path / "q.db", min_free_bytes=0, fsync="checkpoint") as queue:
        await queue.put([event(1)])
        assert queue._writer._db.execute("PRAGMA synchronous").fetchone() == (1,)
    async with SqliteQueue(tmp_path / "q.db", min_free_bytes=0) as queue:
        assert queue._writer._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert queue.damage == []


async def test_closing_beside_others_waits_for_nobody(tmp_path: Path) -> None:
    """The log is written back by whoever closes last; a reader that stays holds nothing up."""
    path = tmp_path / "q.db"
    await filled(path, 10)
    with contextlib.closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM jobs").fetchone()
        queue = await SqliteQueue(path, min_free_bytes=0).__aenter__()
        await queue.put([event(99)])
        closing = asyncio.create_task(queue.__aexit__(None, None, None))
        done, _ = await asyncio.wait([closing], timeout=10)
        assert done == {closing}, "it waits for the reader"


WORKER = """
import asyncio, sys
from pathlib import Path
from destination_core.queue import Delivered, Intake, SqliteQueue

async def main():
    start = int(sys.argv[2])
    async with SqliteQueue(Path(sys.argv[1]), min_free_bytes=0) as queue:
        async def produce(offset):
            for n in range(start + offset, start + 100_000, 4):
                await queue.put([Intake("web", f"m-{n}", b'{"n":%d}' % n, ("a",), 1.0)])
                print("put", n, flush=True)
        async def consume():
            while True:
                jobs = await queue.claim("a", 20, 60)
                for job in jobs:
                    print("got", job.body.decode(), flush=True)
                await queue.settle([Delivered(job) for job in jobs])
                await asyncio.sleep(0.001)
        await asyncio.gather(*[produce(n) for n in range(4)], consume())

asyncio.run(main())
"""


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    """SIGKILL at random moments: each event that was acknowledged is delivered or still there."""
    path = tmp_path / "q.db"
    put: set[int] = set()
    got: list[int] = []
    chance = random.Random(11)
    for turn in range(6):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, str(path), str(turn * 100_000),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(chance.uniform(0.05, 0.3))
        process.send_signal(signal.SIGKILL)
        out, _ = await process.communicate()
        for line in out.decode().splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "put" and rest.isdigit():
                put.add(int(rest))
            elif kind == "got" and rest.endswith("}"):
                got.append(int(rest.removeprefix('{"n":').rstrip("}")))
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        left = {int(job.body[5:-1]) for job in await queue.claim("a", 1_000_000, 60)}
        counts = (await queue.counts())["a"]
        assert queue.damage == []
    assert len(put) > 100
    assert put <= set(got) | left
    assert counts.difference == 0
    assert len(got) - len(set(got)) <= 6 * 20  # what was in hand at each kill, at most


async def test_a_file_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """What an older version queued is delivered by this one."""
    path = tmp_path / "q.db"
    await filled(path, 3)
    with contextlib.closing(sqlite3.connect(path)) as older:
        older.execute("DROP INDEX jobs_by_user")
        older.execute("ALTER TABLE jobs DROP COLUMN user")
        older.execute("ALTER TABLE events DROP COLUMN trace")
        older.execute("ALTER TABLE jobs DROP COLUMN crc")
        older.execute("ALTER TABLE dead DROP COLUMN record_crc")
        older.execute("ALTER TABLE dead DROP COLUMN user")
        older.execute("PRAGMA user_version = 1")
    assert await drained(path) == (3, [])


async def test_what_waits_follows_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """An hour's wait stays an hour, though the next run begins on the day before."""
    day, hour = 86_400.0, 3_600.0
    time = 1_000_000_000.0

    def clock() -> float:
        return time

    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0, clock=clock) as queue:
        await queue.put([event(1)])
        (job,) = await queue.claim("a", 1, 60)
        await queue.settle([Retry(job, time + hour)])
    time -= day
    async with SqliteQueue(path, min_free_bytes=0, clock=clock) as queue:
        assert not await queue.claim("a", 1, 60)
        time += hour + 1
        assert len(await queue.claim("a", 1, 60)) == 1
        assert (await queue.counts())["a"].difference == 0
        assert not queue.damage


async def test_numbers_that_were_undone_are_not_marked(tmp_path: Path) -> None:
    """What a transaction gave before it was undone is no end that the file should have reached."""
    path = tmp_path / "q.db"

    def fails(store: Store) -> None:
        store.tables.number(5)
        raise RuntimeError("undone")

    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(0)])
        with pytest.raises(RuntimeError, match="undone"):
            await queue._writer.do(fails)
        await queue.beat()
    assert await drained(path) == (1, [])


async def test_opening_beside_a_writer_reports_no_damage(tmp_path: Path) -> None:
    """File and mark are compared while nobody commits: `status` beside `serve` tells the truth."""
    path = tmp_path / "q.db"
    async with SqliteQueue(path, min_free_bytes=0) as queue:

        async def write() -> None:
            for number in range(10_000):
                await queue.put([event(number)])

        writing = asyncio.create_task(write())
        for _ in range(30):
            async with SqliteQueue(path, min_free_bytes=0) as other:
                assert other.damage == []
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        assert queue.damage == []


def test_a_process_gets_its_turn_beside_one_that_writes(tmp_path: Path) -> None:
    """One that writes waits for another that does, begins when that has ended, or says "locked"."""
    path = tmp_path / "q.db"
    with (
        contextlib.closing(connect(path)) as other,
        contextlib.closing(connect(path, busy_seconds=0.05)) as hasty,
        contextlib.closing(connect(path)) as patient,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            Tables(hasty).begin()
        tables = Tables(patient)
        waiting = threading.Thread(target=tables.begin)
        waiting.start()
        other.execute("COMMIT")
        waiting.join()
        assert patient.in_transaction
        patient.execute("COMMIT")
        tables.begin_reading()
        assert patient.execute("PRAGMA busy_timeout").fetchone() == (30_000,)


@pytest.mark.parametrize("many", [0, 1, 255, 256, 257, 1_000])
def test_rows_are_cut_into_few_sizes(many: int) -> None:
    """Each row is in one statement, in order; of all lengths there are nine statements."""
    rows = [(n,) for n in range(many)]
    cut = list(parts(rows))
    assert [row for part in cut for row in part] == rows
    assert {len(part) for part in cut} <= {2**n for n in range(9)}


async def test_what_only_reads_waits_for_no_process_that_writes(tmp_path: Path) -> None:
    """While another has begun to write, one learns when a job is due and of what has changed."""
    path = tmp_path / "q.db"
    await filled(path, 1)
    async with SqliteQueue(path) as queue:
        with contextlib.closing(connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await queue.next_due("a") is not None
            await queue.changed()
            assert not await queue.changed()
            other.execute("UPDATE owners SET since = since + 1")
            other.execute("COMMIT")
        assert await queue.changed()
