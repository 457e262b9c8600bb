"""The queue that comes with the package: one SQLite file."""

import asyncio
import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from destination_core.queue.file import QueueFile
from destination_core.queue.looking import reading
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
from destination_core.queue.room import Room
from destination_core.queue.store import Store
from destination_core.queue.tables import Fsync
from destination_core.queue.writer import Operation, Writer
from destination_core.timings import Timings

GIB: Final = 1024**3
DAY: Final = 86_400.0
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
        self._is_open = False
        self.follows_crash = False
        self._verify_at = -math.inf
        self._version = 0

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
        file = self._file = QueueFile(self.path, fsync=self._fsync, clock=self._clock)
        self._is_open = True
        self.follows_crash = file.follows_crash
        self._writer = Writer(
            file.store, file.mark, file.reserve, fsync=self._fsync, mend=file.mended
        )
        self._room = Room(
            self.path,
            file.reserve,
            lambda: self._writer.used_bytes,
            max_bytes=self._max_bytes,
            min_free_bytes=self._min_free,
        )
        self._writer.start()

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._writer.stop()
            self._file.close()

    @property
    def tail_path(self) -> Path:
        """Where this process tells of outcomes while the queue is open: a name of its own."""
        return self._file.beside(f"tail-{self._file.owner}")

    @property
    def damage(self) -> list[Damage]:
        """What was found damaged since the queue was opened."""
        return self._file.store.damage if self._is_open else []

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
        return self._room.free_bytes()

    async def beat(self) -> None:
        """Write something, and wait for the disk; raises what a write raises."""
        now = self._clock()
        await self._writer.do(lambda store: store.beat(now))

    def room(self) -> str:
        """Return why nothing more can be put, or "" when there is room; 0.1 s old at most."""
        return self._room.lacks()

    async def put(self, events: Sequence[Intake]) -> Accepted:
        """Keep events; see ``Queue.put``."""
        full = self._room.lacks() and await self._room.make()
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
            with reading(self.path) as store:
                return operation(store)

        return await asyncio.to_thread(look)

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
        many: int = await self._writer.do(lambda store: store.revive(ids, now))
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
        short = bool(await self._room.make())
        if time.monotonic() >= self._verify_at:
            await self._verify(now)

        def upkeep(store: Store) -> Expired:
            self._file.bury(store)
            store.books.note_time(now)
            return store.books.expire(now - self._window, now - self._retention, PURGE, short=short)

        expired: Expired = await self._writer.do(upkeep)
        while await self._writer.do(lambda store: store.seen.move()):
            pass  # others write in between
        return expired

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
