"""The queue that comes with the package: one SQLite file."""

import asyncio
import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from destination_core.queue.marks import HighWater, OwnerLock, is_alive
from destination_core.queue.records import (
    Accepted,
    Counts,
    Damage,
    DeadLetter,
    Intake,
    Job,
    QueueFull,
    Settlement,
)
from destination_core.queue.store import Store
from destination_core.queue.tables import connect
from destination_core.queue.writer import Writer

log: Final = logging.getLogger(__name__)

GIB: Final = 1024**3
DAY: Final = 86_400.0
LOOK_SECONDS: Final = 0.1
PURGE: Final = 5_000
"""Rows that one round of upkeep deletes at most: delivery goes on beside it."""


class SqliteQueue:
    """A queue in one file, with two small ones beside it; an async context manager.

    Commits are grouped and reach the disk (``synchronous = FULL``) before anybody is told. Any
    number of processes may share the file; each claims under its own epoch, so that one which was
    stopped and comes back cannot settle what others have claimed meanwhile. ``max_bytes`` bounds
    the file, ``min_free_bytes`` is what must stay free on the disk: beyond them ``put`` raises
    ``QueueFull`` while everything else goes on. ``window`` is how long an event's ``messageId`` is
    remembered, ``retention`` how long dead letters are kept, both in seconds. What is found damaged
    is in ``damage``.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 8 * GIB,
        min_free_bytes: int = GIB // 4,
        window: float = DAY,
        retention: float = 30 * DAY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path.absolute()
        self._max_bytes = max_bytes
        self._min_free = min_free_bytes
        self._window = window
        self._retention = retention
        self._clock = clock
        self._store: Store | None = None
        self._looked = -LOOK_SECONDS
        self._full = ""

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._close)

    def _open(self) -> None:
        self._db = connect(self.path)
        self._mark = HighWater(self._beside("mark"))
        self._db.execute("BEGIN IMMEDIATE")  # nobody else opens, or commits, meanwhile
        (self._owner,) = self._db.execute(
            "INSERT INTO owners (since) VALUES (?) RETURNING owner", (self._clock(),)
        ).fetchone()
        self._lock = OwnerLock(self._beside(f"owner-{self._owner}"))
        self._store = Store(self._db, self._owner)
        self._recover(self._store)
        self._db.execute("COMMIT")
        self._writer = Writer(self._db, self._store, self._mark, self._beside("reserve"))
        self._writer.start()

    def _recover(self, store: Store) -> None:
        """Take back what dead owners held; compare the file with the mark."""
        owners = [number for (number,) in self._db.execute("SELECT owner FROM owners")]
        gone = [
            number
            for number in owners
            if number != self._owner and not is_alive(self._beside(f"owner-{number}"))
        ]
        store.release(gone, crashed=True)
        self._db.executemany("DELETE FROM owners WHERE owner = ?", [(one,) for one in gone])
        last, marked = store.tables.last_sequence(), self._mark.read()
        if marked is None:
            store.damage.append(Damage(f"{self._beside('mark')} is damaged; it is written anew"))
        elif last < marked:
            store.damage.append(
                Damage(
                    f"{self.path} ends at event {last}, but event {marked} was accepted:"
                    f" {marked - last} accepted events are missing"
                )
            )
            # numbers are never given twice, so that what is missing stays missing
            store.tables.number(marked - last)
            last = marked
        self._mark.write(last)

    def _close(self) -> None:
        if self._store is None:
            return
        self._writer.stop()
        try:
            self._store.release([self._owner], crashed=False)
            self._db.execute("DELETE FROM owners WHERE owner = ?", (self._owner,))
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (
            sqlite3.DatabaseError
        ) as error:  # a full disk; the lock goes, and with it what we hold
            log.warning("queue %s is not closed as it should be: %s", self.path, error)
        self._db.close()
        self._mark.close()
        self._lock.close()
        self._store = None

    def _beside(self, name: str) -> Path:
        return self.path.with_name(f"{self.path.name}-{name}")

    @property
    def tail_path(self) -> Path:
        """Where this process tells of outcomes while the queue is open: a name of its own."""
        return self._beside(f"tail-{self._owner}")

    @property
    def damage(self) -> list[Damage]:
        """What was found damaged since the queue was opened."""
        return [] if self._store is None else self._store.damage

    @property
    def commits(self) -> tuple[int, float]:
        """How many transactions reached the disk, and how many seconds that took in all."""
        return self._writer.commits, self._writer.commit_seconds

    @property
    def used_bytes(self) -> int:
        """Return the bytes of the file that hold something, as of the last ``put``."""
        return self._writer.used_bytes

    @property
    def max_bytes(self) -> int:
        """Return how many bytes the file may have before ``put`` raises ``QueueFull``."""
        return self._max_bytes

    def free_bytes(self) -> int:
        """Return how much of the disk is free."""
        return shutil.disk_usage(self.path.parent).free

    async def beat(self) -> None:
        """Write something, and wait for the disk; raises what a write raises."""
        now = self._clock()
        await self._writer.do(lambda store: store.beat(now))

    def room(self) -> str:
        """Return why nothing more can be put, or "" when there is room; 0.1 s old at most."""
        now = time.monotonic()
        if now >= self._looked + LOOK_SECONDS:
            self._looked = now
            self._full = self._look()
        return self._full

    def _look(self) -> str:
        if self._writer.used_bytes > self._max_bytes:
            return f"queue has reached its size, {self._max_bytes:,} bytes"
        free = self.free_bytes()
        if free < self._min_free:
            return f"disk has {free:,} bytes left, {self._min_free:,} are to stay free"
        return ""

    async def put(self, events: Sequence[Intake]) -> Accepted:
        """Keep events; see ``Queue.put``."""
        full = self.room()
        if full:
            raise QueueFull(f"{full}; nothing was kept, send it again later")
        new = await self._writer.put(events)
        return Accepted(new.count(True), new.count(False))

    async def claim(self, destination: str, limit: int, lease: float) -> list[Job]:
        """Lease jobs; see ``Queue.claim``."""
        now = self._clock()
        jobs: list[Job] = await self._writer.do(
            lambda store: store.claim(destination, limit, now, lease)
        )
        return jobs

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        """Settle jobs; see ``Queue.settle``."""
        now = self._clock()
        ours: int = await self._writer.do(lambda store: store.settle(settlements, now))
        return ours

    async def next_due(self, destination: str) -> float | None:
        """Return when the next job is due."""
        due: float | None = await self._writer.do(lambda store: store.next_due(destination))
        return due

    async def counts(self) -> Mapping[str, Counts]:
        """Return the counts, read beside the writer from one moment's state."""
        return await asyncio.to_thread(self._counts)

    def _counts(self) -> dict[str, Counts]:
        connection = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("BEGIN")
            return Store(connection, 0).counts()
        finally:
            connection.close()

    async def dead_letters(
        self, *, destination: str | None = None, limit: int = 100, after: int = 0
    ) -> list[DeadLetter]:
        """Return dead letters; see ``Queue.dead_letters``."""
        found: list[DeadLetter] = await self._writer.do(
            lambda store: store.letters.page(destination, limit, after)
        )
        return found

    async def revive(self, ids: Sequence[int]) -> int:
        """Queue dead letters again; see ``Queue.revive``."""
        now = self._clock()
        many: int = await self._writer.do(lambda store: store.letters.revive(ids, now))
        return many

    async def drop(self, ids: Sequence[int]) -> int:
        """Delete dead letters; see ``Queue.drop``."""
        many: int = await self._writer.do(lambda store: store.letters.drop(ids))
        return many

    async def tend(self) -> tuple[int, int]:
        """Forget a part of what is too old; return how many ids and how many dead letters.

        To be called now and then, until both are 0.
        """
        now = self._clock()
        self._writer.refill()
        many: tuple[int, int] = await self._writer.do(
            lambda store: store.expire(now - self._window, now - self._retention, PURGE)
        )
        return many
