"""One thread that writes: what waits together is committed together.

While one transaction is on its way to the disk, others gather; so the price of an fsync is shared
by as many callers as there are, and a lonely caller does not wait for company.
"""

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from destination_core.queue.marks import HighWater
from destination_core.queue.records import Intake, QueueFull
from destination_core.queue.store import Store

log: Final = logging.getLogger(__name__)

MOST: Final = 2_000
"""Operations of one transaction."""

RESERVE_BYTES: Final = 8 * 1024 * 1024
"""Kept free for acknowledgements on a full disk."""

Operation = Callable[[Store], Any]


@dataclass(slots=True, eq=False)
class _Waiting:
    """Somebody who waits for a commit: events to put, or another operation."""

    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    events: Sequence[Intake] | None = None
    operation: Operation | None = None
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Runs operations in transactions, in the order in which they came."""

    def __init__(
        self, connection: sqlite3.Connection, store: Store, mark: HighWater, reserve: Path
    ) -> None:
        self._db = connection
        self._store = store
        self._mark = mark
        self._reserve = reserve
        self._waiting: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._marked = store.tables.last_sequence()
        self.used_bytes = store.tables.used_bytes()
        self.commits = 0
        self.commit_seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="queue-writer", daemon=True)

    def start(self) -> None:
        """Set the reserve aside and start the thread."""
        self._keep_reserve()
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
                group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            try:
                self._commit(group)
            except Exception as error:  # noqa: BLE001  each of them has to learn of it
                self._apart(group, error)
            _tell(group)

    def _apart(self, group: list[_Waiting], error: Exception) -> None:
        """Find out whose fault it was: give each a transaction of its own."""
        if len(group) == 1:
            (one,) = group
            if _is_full(error) and one.operation is not None and self._spend_reserve():
                self._apart_one(one)
            else:
                one.error = _said(error)
            return
        for one in group:
            self._apart_one(one)

    def _apart_one(self, one: _Waiting) -> None:
        one.result = one.error = None
        try:
            self._commit([one])
        except Exception as error:  # noqa: BLE001  its caller raises it
            if _is_full(error) and one.operation is not None and self._spend_reserve():
                self._apart_one(one)
            else:
                one.error = _said(error)

    def _commit(self, group: list[_Waiting]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            puts = [one for one in group if one.events is not None]
            if puts:  # together: one statement for the events of all
                new = self._store.put([event for one in puts for event in one.events or ()])
                for one in puts:
                    one.result = new[: len(one.events or ())]
                    new = new[len(one.events or ()) :]
            for one in group:
                if one.operation is not None:
                    one.result = one.operation(self._store)
            last = self._store.tables.last_sequence()
            if puts:
                self.used_bytes = self._store.tables.used_bytes()
            began = time.monotonic()
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        if last != self._marked:
            self._mark.write(last)
            self._marked = last
        self.commits += 1
        self.commit_seconds += time.monotonic() - began

    def _keep_reserve(self) -> None:
        try:
            descriptor = os.open(self._reserve, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("no reserve for a full disk at %s: %s", self._reserve, error)

    def _spend_reserve(self) -> bool:
        """Give the reserve back to the disk, so that acknowledgements can be written."""
        try:
            self._reserve.unlink()
        except OSError:
            return False
        log.error("disk is full: the reserve at %s is spent on acknowledgements", self._reserve)
        return True

    def refill(self) -> bool:
        """Set the reserve aside again if it was spent; tell whether it is there."""
        if not self._reserve.exists():
            self._keep_reserve()
        return self._reserve.exists()


def _is_full(error: Exception) -> bool:
    return (
        isinstance(error, sqlite3.OperationalError)
        and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    )


def _said(error: Exception) -> Exception:
    if _is_full(error):
        return QueueFull("queue: the disk is full; nothing was kept, send it again later")
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
