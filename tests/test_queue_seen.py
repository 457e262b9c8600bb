"""Which ids were seen: whoever has added them, wherever they lie, and until they are too old."""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destination_core.queue import Intake, SqliteQueue, seen
from destination_core.queue.bloom import Bloom
from destination_core.queue.seen import FRESH, HOUR, identity
from destination_core.queue.store import Store
from destination_core.queue.tables import connect

NOW = 1_700_000_000.0


def event(number: int, received: float = NOW) -> Intake:
    """Make an event that nobody wants: only its id is kept."""
    return Intake("web", f"m-{number}", b"{}", (), received)


def put(store: Store, *numbers: int, received: float = NOW) -> list[bool]:
    """Put events in a transaction of their own; tell of each whether it was new."""
    store.tables.begin()
    new = store.put([event(n, received) for n in numbers])
    store.tables.db.execute("COMMIT")
    return new


def moved(store: Store) -> None:
    """Move what is full."""
    store.tables.begin()
    assert store.seen.move()
    while store.seen.move():
        pass
    store.tables.db.execute("COMMIT")


def where(store: Store) -> dict[str, int]:
    """Count the ids in parts of new ones, and in hours."""
    found = store.tables.db.execute(
        "SELECT part >= ?, count(*) FROM seen GROUP BY 1", (FRESH,)
    ).fetchall()
    return {("hours", "new")[is_new]: many for is_new, many in found}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make parts that a few ids fill, and pieces of which several are read."""
    monkeypatch.setattr(seen, "PART", 10)
    monkeypatch.setattr(seen, "FULL_PARTS", 3)
    monkeypatch.setattr(seen, "PIECE", 7)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Store]]:
    """Give two owners of one file, as two processes are."""
    with (
        contextlib.closing(connect(tmp_path / "q.db")) as one,
        contextlib.closing(connect(tmp_path / "q.db")) as two,
    ):
        yield [Store(one, 1), Store(two, 2)]


def test_ids_are_known_wherever_they_lie(stores: list[Store], tmp_path: Path) -> None:
    """New ids, moved ones, and those that another owner finds in the file when it starts."""
    one, two = stores
    assert put(one, *range(50)) == [True] * 50
    moved(one)
    assert where(one) == {"hours": 50}
    assert put(one, *range(40, 60)) == [False] * 10 + [True] * 10
    assert where(one) == {"hours": 50, "new": 10}
    for _ in range(10):  # until its filter has all of them, and after that
        assert put(two, *range(60)) == [False] * 60
    assert put(two, 60) == [True]


def test_the_same_id_twice_in_one_call_is_new_once(stores: list[Store]) -> None:
    """The second is a duplicate of the first; an event without an id never is."""
    one, _ = stores
    assert put(one, 1, 1, 2) == [True, False, True]
    one.tables.begin()
    assert one.put([event(3)._replace(message_id="")] * 2) == [True, True]
    one.tables.db.execute("COMMIT")


def test_owners_that_take_turns_know_each_others_ids(stores: list[Store]) -> None:
    """Each is told by the counter that the other has added some, before and after they move."""
    one, two = stores
    for turn in range(20):
        numbers = range(turn * 10, turn * 10 + 10)
        assert put(one, *numbers[:7]) == [True] * 7
        assert put(two, *numbers) == [False] * 7 + [True] * 3
        assert put(one, *numbers) == [False] * 10
        if turn % 5 == 4:
            moved(two)
    assert put(one, *range(200)) == [False] * 200


def test_ids_that_were_added_and_moved_by_another_are_known(stores: list[Store]) -> None:
    """One that has put nothing meanwhile does not find them where it would look."""
    one, two = stores
    assert put(one, 1) == [True]
    assert put(two, *range(2, 60)) == [True] * 58
    moved(two)
    assert put(one, *range(1, 70)) == [False] * 59 + [True] * 10


def test_what_was_undone_is_new_again(stores: list[Store]) -> None:
    """Also when another has added as many ids meanwhile, so that the counter says the same."""
    one, two = stores
    assert put(one, 1, 2) == [True, True]
    one.tables.begin()
    assert one.put([event(3), event(4)]) == [True, True]
    one.tables.db.execute("ROLLBACK")
    one.seen.undone()
    assert put(two, 5, 6) == [True, True]
    assert put(one, 3, 4, 5, 6) == [True, True, False, False]


def test_ids_are_forgotten_after_their_hour_or_at_once_while_they_are_new(
    stores: list[Store],
) -> None:
    """Not before they are too old; an id that was moved up to an hour later."""
    one, _ = stores
    put(one, *range(50))
    moved(one)
    put(one, *range(50, 59))
    begun = NOW // HOUR * HOUR
    assert one.seen.expire(NOW, 1_000) == 0
    assert one.seen.expire(NOW + 1, 1_000) == 9
    assert put(one, 49, 50) == [False, True]
    assert one.seen.expire(begun + HOUR - 1, 1_000) == 1
    assert [one.seen.expire(begun + HOUR, 20) for _ in range(4)] == [20, 20, 10, 0]
    assert where(one) == {}
    assert put(one, 49) == [True]


def test_a_crowded_filter_grows_or_begins_anew(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has at most twice as many ids as the file, and stays right."""
    monkeypatch.setattr(seen, "Bloom", lambda: Bloom(2**10))
    one, _ = stores
    for number in range(0, 400, 20):  # none is too old: it has to grow
        assert put(one, *range(number, number + 20)) == [True] * 20
    assert one.seen._filter is not None
    assert not one.seen._filter.is_crowded
    for number in range(400, 4_000, 20):
        assert put(one, *range(number, number + 20), received=NOW + number) == [True] * 20
        one.seen.expire(NOW + number - 100, 1_000)
    assert put(one, *range(3_900, 4_000)) == [False] * 100
    assert one.seen._filter.many < 1_000


@given(st.lists(st.integers(0, 10_000), max_size=200), st.integers(0, 3))
def test_a_filter_never_denies_what_it_has(numbers: list[int], doublings: int) -> None:
    """However often it was made larger; what it does not have, it mostly denies."""
    made = Bloom(2**12)
    ids = [hashlib.blake2b(b"%d" % n, digest_size=16).digest() for n in numbers]
    made.add(ids[::2])
    for _ in range(doublings):
        made.double()
    made.add(ids[1::2])
    assert made.perhaps(ids) == ids
    others = [hashlib.blake2b(b"-%d" % n, digest_size=16).digest() for n in range(200)]
    assert len(made.perhaps(others)) < 60


async def older(path: Path) -> None:
    """Make a file of version 4 that has seen fifty ids, and has one event."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        await queue.put([event(99)._replace(destinations=("a",), message_id="")])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE seen")
        db.execute(
            "CREATE TABLE seen (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
            " at REAL NOT NULL)"
        )
        rows = [(identity(event(n)), NOW) for n in range(50)]
        db.executemany("INSERT INTO seen (id, at) VALUES (?, ?)", rows)
        db.execute("ALTER TABLE dead DROP COLUMN user")
        db.execute("PRAGMA user_version = 4")
        db.commit()


async def known(path: Path) -> list[str]:
    """Put the fifty ids again: each is known. Return what was found damaged."""
    async with SqliteQueue(path, min_free_bytes=0) as queue:
        for _ in range(9):
            accepted = await queue.put([event(n) for n in range(50)])
            assert (accepted.new, accepted.duplicates) == (0, 50)
        assert (await queue.put([event(50)])).new == 1
        assert len(await queue.claim("a", 10, 60)) == 1
        return [one.message for one in queue.damage]


async def test_ids_of_an_older_version_are_known(tmp_path: Path) -> None:
    """A file of version 4 is brought up to date with what it had seen."""
    await older(tmp_path / "q.db")
    assert await known(tmp_path / "q.db") == []


async def test_ids_of_a_damaged_file_of_an_older_version_are_known(tmp_path: Path) -> None:
    """What cannot be brought up to date is copied, with what it had seen."""
    path = tmp_path / "q.db"
    await older(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_seen_1'"
        ).fetchone()
    with path.open("r+b") as file:  # the table is whole, but its index cannot be dropped
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    (told,) = await known(path)
    assert "has been mended: every row could be read" in told


async def test_upkeep_moves_ids_while_others_write(tmp_path: Path) -> None:
    """A slice at a time, and none is lost on the way."""
    async with SqliteQueue(tmp_path / "q.db", min_free_bytes=0, clock=lambda: NOW) as queue:
        await queue.put([event(n) for n in range(100)])
        await queue.put([event(n) for n in range(100, 105)])
        assert where(queue._file.store) == {"new": 105}
        await queue.tend()
        assert where(queue._file.store) == {"hours": 100, "new": 5}
        assert (await queue.put([event(n) for n in range(105)])).duplicates == 105
