"""One thread that writes: what waits together is committed together.

While one transaction is on its way to the disk, others gather; so the price of an fsync is shared
by as many callers as there are, and a lonely caller does not wait for company.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from destination_core.queue.marks import HighWater, Reached
from destination_core.queue.records import Intake, QueueFull
from destination_core.queue.reserve import Reserve, is_full
from destination_core.queue.salvage import is_damaged
from destination_core.queue.store import Store
from destination_core.queue.tables import COMMITS, Fsync
from destination_core.timings import Timings

log: Final = logging.getLogger(__name__)

MOST: Final = 2_000
"""Operations of one transaction."""

MOST_BYTES: Final = 4 * 1024 * 1024
"""Of the events of one transaction, if it has several calls: what the log has can be written back
into the reserve.
"""

WITHIN: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds of a commit that are told apart: from a disk with a battery to one that is in trouble."""

Operation = Callable[[Store], Any]


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who waits for a commit: events to put, or another operation."""

    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    events: Sequence[Intake] | None = None
    operation: Operation | None = None
    reads: bool = False
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Runs operations in transactions, in the order in which they came."""

    def __init__(
        self,
        store: Store,
        mark: HighWater,
        reserve: Reserve,
        *,
        fsync: Fsync = "always",
        mend: Callable[[], Store | None] = lambda: None,
    ) -> None:
        self._store = store
        self._db = store.tables.db
        self._mark = mark
        self._reserve = reserve
        self._fsync = fsync
        self._mend = mend
        self._waiting: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._reached = store.tables.reached()
        self.used_bytes = store.tables.used_bytes()
        self.commits = Timings(WITHIN)
        self._thread = threading.Thread(target=self._run, name="queue-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    async def put(self, events: Sequence[Intake]) -> list[bool]:
        """Put events; tell of each whether it was new. Raises ``QueueFull``."""
        new: list[bool] = await self._enqueue(events=events)
        return new

    async def do(self, operation: Operation) -> Any:
        """Run an operation; its result is returned once it is on the disk."""
        return await self._enqueue(operation=operation)

    async def ask(self, operation: Operation) -> Any:
        """Run an operation that only reads: it waits for no other process that writes."""
        return await self._enqueue(operation=operation, reads=True)

    def _enqueue(self, **work: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(loop.create_future(), loop, **work)
        with self._wake:
            if self._stopping:
                raise QueueFull("queue is closing; send it again")
            self._waiting.append(waiting)
            self._wake.notify()
        return waiting.future

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                if not self._waiting:
                    return
                group = self._gathered()
            try:
                self._commit(group)
            except Exception as error:  # noqa: BLE001  each of them has to learn of it
                self._apart(group, error)
            _tell(group)

    def _gathered(self) -> list[_Waiting]:
        """Take what goes into one transaction."""
        group: list[_Waiting] = []
        size = 0
        while self._waiting and len(group) < MOST and size < MOST_BYTES:
            one = self._waiting.popleft()
            group.append(one)
            if one.events is not None:
                size += sum([len(event.body) for event in one.events])
        return group

    def _apart(self, group: list[_Waiting], error: Exception) -> None:
        """Find out whose fault it was: give each a transaction of its own."""
        for one in group:
            if is_full(error) and one.operation is None and not self._has_space():
                one.error = _said(error)
            elif len(group) == 1:
                self._failed(one, error)
            else:
                self._alone(one)

    def _alone(self, one: _Waiting) -> None:
        one.result = one.error = None
        try:
            self._commit([one])
        except Exception as error:  # noqa: BLE001  its caller raises it
            self._failed(one, error)

    def _failed(self, one: _Waiting, error: Exception) -> None:
        """Try once more where room was made, or with a file that was mended; else tell."""
        full = is_full(error)
        damaged = is_damaged(error) or (full and self._has_space())
        if damaged and self._mended():
            self._alone(one)
        elif full and not damaged and one.operation is not None:
            self._with_room(one, error)
        else:
            one.error = _said(error)

    def _with_room(self, one: _Waiting, error: Exception) -> None:
        """Try again in the room of the log, once it is written back; then with the reserve."""
        for may_help in (self._write_back, self._spend):
            if not may_help():
                continue
            one.result = one.error = None
            try:
                self._commit([one])
            except Exception as again:  # noqa: BLE001  its caller raises it
                error = again
            else:
                return
        one.error = _said(error)

    def _write_back(self) -> bool:
        """Write the log into the file; tell whether all of it was, so that its room is free."""
        try:
            _, pages, written = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.DatabaseError:  # the file cannot grow
            return False
        return bool(pages == written)

    def _spend(self) -> bool:
        """Spend the reserve, if it is there: first on the log, before others take that room."""
        if not self._reserve.spend():
            return False
        self._write_back()
        return True

    def _has_space(self) -> bool:
        """Tell whether "full" has to mean something else: that a table's numbers are damaged."""
        return self._reserve.is_needless() and not self._store.tables.is_bounded()

    def _mended(self) -> bool:
        """Mend the file, once; tell whether that was done."""
        mend, self._mend = self._mend, lambda: None
        log.critical("queue: the file is damaged; what can be read of it is saved now")
        try:
            store = mend()
        except Exception:  # no room for a new file, say: nobody may wait for ever
            log.critical("queue: the file cannot be mended; nothing is taken", exc_info=True)
            return False
        if store is None:
            log.critical("queue: the file is open elsewhere too; stop all processes, start one")
            return False
        self._store, self._db = store, store.tables.db
        return True

    def _commit(self, group: list[_Waiting]) -> None:
        if all(one.reads for one in group):
            self._store.tables.begin_reading()
        else:
            self._store.tables.begin()
        try:
            before = self._db.total_changes
            puts = [one for one in group if one.events is not None]
            if puts:  # together: one statement for the events of all
                new = self._store.put([event for one in puts for event in one.events or ()])
                for one in puts:
                    one.result = new[: len(one.events or ())]
                    new = new[len(one.events or ()) :]
            for one in group:
                if one.operation is not None:
                    one.result = one.operation(self._store)
            reached = self._reached
            if self._db.total_changes != before:
                tables = self._store.tables
                last = max(reached.sequence, tables.numbered)
                reached = Reached(last, tables.add(COMMITS, 1))
            self.used_bytes = self._store.tables.used_bytes()
            began = time.monotonic()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._store.seen.undone()
            raise
        if reached != self._reached:
            self._tell_mark(reached)
        self.commits.add(time.monotonic() - began)

    def _tell_mark(self, reached: Reached) -> None:
        """Mark what is on the disk by now; that the mark cannot be written does not undo it.

        Whoever gave numbers waits until they are marked on the disk, before their caller is told.
        """
        sync = self._fsync == "always" and self._store.tables.numbered != 0
        self._reached = reached
        try:
            self._mark.raise_to(reached, sync=sync)
        except OSError as error:
            log.error("queue: a lost end of the file could not be told: no mark: %s", error)  # noqa: TRY400


def _said(error: Exception) -> Exception:
    if is_full(error):
        return QueueFull("queue: the disk is full; nothing was kept, send it again later")
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return QueueFull("queue: another process holds the file; send it again later")
    return error


def _tell(group: list[_Waiting]) -> None:
    """Wake everybody: one call per event loop, not one per operation."""
    loops: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
    for one in group:
        loops.setdefault(one.loop, []).append(one)
    for loop, waiting in loops.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, waiting)


def _resolve(waiting: list[_Waiting]) -> None:
    for one in waiting:
        if one.future.done():
            continue
        if one.error is not None:
            one.future.set_exception(one.error)
        else:
            one.future.set_result(one.result)
