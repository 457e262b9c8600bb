"""The queue that comes with the package: one SQLite file."""

import asyncio
import glob
import logging
import math
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from destination_core.errors import ConfigurationError
from destination_core.queue.marks import HighWater, OwnerLock, Reached, is_alive
from destination_core.queue.records import (
    Accepted,
    Counts,
    Damage,
    DeadLetter,
    Expired,
    Intake,
    Job,
    QueueFull,
    Settlement,
)
from destination_core.queue.reserve import RESERVE_BYTES, Reserve, is_full
from destination_core.queue.salvage import is_damaged, salvage
from destination_core.queue.store import Store
from destination_core.queue.tables import COMMITS, Fsync, connect, lenient
from destination_core.queue.writer import Operation, Writer
from destination_core.timings import Timings

log: Final = logging.getLogger(__name__)

GIB: Final = 1024**3
DAY: Final = 86_400.0
LOOK_SECONDS: Final = 0.1
SHORTEN_SECONDS: Final = 1.0
"""Between two tries to make room on a full disk, at least."""

VERIFY_SECONDS: Final = 60.0
"""Between two looks for damage that no checksum tells, at least."""

SHARE: Final = 50
"""A look may take a fiftieth of the time, however long the queue is."""

LATEST: Final = 2 * DAY
"""Nothing that is queued waits for longer: `Retry-After` and leases are bounded by a day."""

PURGE: Final = 1_000
"""Rows that one round of upkeep deletes at most: delivery goes on beside it."""


class SqliteQueue:
    """A queue in one file, with two small ones beside it; an async context manager.

    Commits are grouped and reach the disk (``synchronous = FULL``) before anybody is told. Any
    number of processes may share the file; each claims under its own epoch, so that one which was
    stopped and comes back cannot settle what others have claimed meanwhile. ``max_bytes`` bounds
    the file, ``min_free_bytes`` is what must stay free on the disk: beyond them ``put`` raises
    ``QueueFull`` while everything else goes on. With ``fsync="checkpoint"`` commits survive a crash
    of the process, and of the machine only once the log has been written back; what was lost is
    reported when the file is opened. ``window`` is how long an event's ``messageId`` is
    remembered, ``retention`` how long dead letters are kept, both in seconds. What is found damaged
    is in ``damage``.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 8 * GIB,
        min_free_bytes: int = GIB // 4,
        fsync: Fsync = "always",
        window: float = DAY,
        retention: float = 30 * DAY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path.absolute()
        self._max_bytes = max_bytes
        self._min_free = min_free_bytes
        self._window = window
        self._fsync = fsync
        self._retention = retention
        self._clock = clock
        self._store: Store | None = None
        self._looked = -LOOK_SECONDS
        self._shortened = -SHORTEN_SECONDS
        self._verify_at = -math.inf
        self._version = 0
        self._full = ""
        self.follows_crash = False

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
        self._reserve = Reserve(self._beside("reserve"))
        is_ours = self._beside("mark").exists()
        damage: list[Damage] = []
        try:
            store = self._begun()
        except sqlite3.DatabaseError as error:
            if is_ours and is_damaged(error) and not self._others():
                damage = salvage(self.path, self._clock())
            elif not (is_full(error) and self._reserve.spend()):
                told = f"queue {str(self.path)!r} cannot be opened: {error}"
                raise ConfigurationError(told) from error
            store = self._begun()
        store.damage[:0] = damage
        self._store = store
        self._reserve.keep()
        self._writer = Writer(
            store, self._mark, self._reserve, fsync=self._fsync, mend=self._mended
        )
        self._writer.start()

    def _begun(self) -> Store:
        """Open the file as a new owner; what was wrong with it is in the store's damage."""
        db = connect(self.path, fsync=self._fsync)
        try:
            db.execute("BEGIN IMMEDIATE")  # nobody else opens, or commits, meanwhile
            (self._owner,) = db.execute(
                "INSERT INTO owners (since) VALUES (?) RETURNING owner", (self._clock(),)
            ).fetchone()
            store = Store(db, self._owner)
            lock = OwnerLock(self._beside(f"owner-{self._owner}"))
        except BaseException:
            db.close()
            raise
        try:
            self.follows_crash = self._bury(store)
            self._follow_clock(store)
            self._mark = HighWater(self._beside("mark"))
            self._compare(store, self._mark)
            db.execute("COMMIT")
        except BaseException:
            lock.close()
            db.close()
            raise
        self._lock = lock
        return store

    def _others(self) -> list[int]:
        """Return the other owners that live, by their lock files."""
        found = self.path.parent.glob(f"{glob.escape(self.path.name)}-owner-*")
        numbers = [int(one.name.rpartition("-")[2]) for one in found]
        mine = self._owner if self._store is not None else None
        return [one for one in numbers if one != mine and is_alive(self._beside(f"owner-{one}"))]

    def _bury(self, store: Store) -> bool:
        """Take back what dead owners held, if there are any; nobody opens the file meanwhile."""
        owners = [one for (one,) in store.tables.db.execute("SELECT owner FROM owners")]
        gone = [
            one
            for one in owners
            if one != self._owner and not is_alive(self._beside(f"owner-{one}"))
        ]
        if gone:
            store.release(gone, crashed=True)
        return bool(gone)

    def _follow_clock(self, store: Store) -> None:
        if set(self._others()) - {self._owner}:
            return
        behind = store.books.follow_clock(self._clock())
        if behind:
            log.warning("queue: the clock was set back by %d s; so is what waits", behind)

    def _compare(self, store: Store, mark: HighWater) -> None:
        """Compare how far the file has come with the mark beside it."""
        reached, marked = store.tables.reached(), mark.read()
        if marked is None:
            store.damage.append(Damage(f"{self._beside('mark')} is damaged; it is written anew"))
            marked = Reached()
        missing = marked.sequence - reached.sequence
        if missing > 0:
            store.damage.append(
                Damage(
                    f"{self.path} ends at event {reached.sequence}, but event {marked.sequence}"
                    f" was accepted: {missing} accepted events are missing"
                )
            )
            # numbers are never given twice, so that what is missing stays missing
            store.tables.number(missing)
        behind = marked.commits - reached.commits
        if behind > 0:
            if missing <= 0:
                store.damage.append(
                    Damage(
                        f"{self.path} lacks its last {behind} transactions: what they settled is"
                        f" delivered again"
                    )
                )
            store.tables.count({COMMITS: behind})
        mark.raise_to(store.tables.reached(), sync=True)

    def _mended(self) -> Store | None:
        """Salvage the file while it is in use; None when another process has it open too."""
        before = self._store
        if before is None or self._others():
            return None
        before.tables.db.close()
        found = salvage(self.path, self._clock())
        store = Store(connect(self.path, fsync=self._fsync), self._owner)
        store.damage[:] = [*before.damage, *found]
        self._store = store
        return store

    def _close(self) -> None:
        if self._store is None:
            return
        self._writer.stop()
        db = self._store.tables.db
        try:
            self._store.tables.begin()
            self._store.release([self._owner], crashed=False)
            self._store.books.note_time(self._clock(), every=0)
            db.execute("COMMIT")
            db.execute("PRAGMA busy_timeout = 0")  # others go on meanwhile
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:  # the lock goes, and with it what was held
            log.warning("queue %s is not closed as it should be: %s", self.path, error)
        db.close()
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
    def commits(self) -> Timings:
        """How many transactions reached the disk, and how long that took."""
        return self._writer.commits

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
        # what comes in first would take the room without which nothing can be acknowledged
        if not self._reserve.keep():
            return f"disk has {free:,} bytes left, acknowledgements need {RESERVE_BYTES:,}"
        return ""

    async def put(self, events: Sequence[Intake]) -> Accepted:
        """Keep events; see ``Queue.put``."""
        full = self.room() and await self._make_room()
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

    async def renew(self, jobs: Sequence[Job], lease: float) -> int:
        """Lease jobs for longer; see ``Queue.renew``."""
        now = self._clock()
        ours: int = await self._writer.do(lambda store: store.renew(jobs, now, lease))
        return ours

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        """Settle jobs; see ``Queue.settle``."""
        now = self._clock()
        ours: int = await self._writer.do(lambda store: store.settle(settlements, now))
        return ours

    async def next_due(self, destination: str) -> float | None:
        """Return when the next job is due."""
        due: float | None = await self._writer.ask(lambda store: store.next_due(destination))
        return due

    async def counts(self) -> Mapping[str, Counts]:
        """Return the counts, read beside the writer from one moment's state."""
        return dict(await self._look_at(lambda store: store.books.counts()))

    async def is_behind(self, job: Job, marks: Sequence[bytes]) -> bool:
        """Look for earlier events; see ``Queue.is_behind``."""
        return bool(await self._look_at(lambda store: store.is_behind(job, marks)))

    async def _look_at(self, operation: Operation) -> Any:
        def look() -> Any:
            with self._reading() as store:
                return operation(store)

        return await asyncio.to_thread(look)

    @contextmanager
    def _reading(self) -> Iterator[Store]:
        """Give a store to read from, as of one moment."""
        connection = lenient(sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True))
        try:
            connection.execute("BEGIN")
            yield Store(connection, 0)
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

    async def changed(self) -> bool:
        """Tell of other processes; see ``Queue.changed``."""
        before = self._version
        self._version = await self._writer.ask(lambda store: store.tables.version())
        return self._version != before

    async def tend(self) -> Expired:
        """Forget a part of what is too old, take over from owners that died; see ``Queue.tend``."""
        now = self._clock()
        await self._make_room()

        if time.monotonic() >= self._verify_at:
            await self._verify(now)

        def upkeep(store: Store) -> Expired:
            self._bury(store)
            store.books.note_time(now)
            return store.books.expire(now - self._window, now - self._retention, PURGE)

        expired: Expired = await self._writer.do(upkeep)
        while await self._writer.do(lambda store: store.seen.move()):
            pass  # others write in between
        return expired

    async def _make_room(self) -> str:
        """Give the disk what the log has of it, if the reserve needs it; then as ``room``."""
        now = time.monotonic()
        if now >= self._shortened + SHORTEN_SECONDS and not self._reserve.keep():
            self._shortened = now
            await asyncio.to_thread(self._shorten_log)
            self._looked = -LOOK_SECONDS
        return self.room()

    def _shorten_log(self) -> None:
        with closing(sqlite3.connect(self.path)) as db, suppress(sqlite3.DatabaseError):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # fails while the file cannot grow

    async def _verify(self, now: float) -> None:
        """Look for damage that no checksum tells: beside the writer, and mend it if there is."""
        began, latest = time.monotonic(), now + LATEST
        try:
            sound = await self._look_at(lambda store: store.books.is_consistent(latest))
        except (sqlite3.DatabaseError, TypeError):  # nothing where there must be something
            sound = False
        if not sound:
            await self._writer.do(lambda store: store.books.repair(latest, now))
        ended = time.monotonic()
        self._verify_at = ended + max(VERIFY_SECONDS, SHARE * (ended - began))
