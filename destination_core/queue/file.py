"""The queue's file, from its opening to its end: who owns it, what it lacks, how it is mended."""

import glob
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from destination_core.errors import ConfigurationError
from destination_core.queue.marks import (
    HighWater,
    OwnerLock,
    Reached,
    beside,
    differences,
    is_alive,
)
from destination_core.queue.records import Damage
from destination_core.queue.reserve import Reserve, is_full
from destination_core.queue.salvage import is_damaged, salvage
from destination_core.queue.store import Store
from destination_core.queue.tables import COMMITS, Fsync, connect

log: Final = logging.getLogger(__name__)


class QueueFile:
    """One file, opened as a new owner; what is missing or damaged is in the store's ``damage``.

    ``follows_crash`` tells whether an owner before this one died without closing it. Raises
    ``ConfigurationError`` when it cannot be opened.
    """

    def __init__(self, path: Path, *, fsync: Fsync, clock: Callable[[], float]) -> None:
        self.path = path
        self._fsync = fsync
        self._clock = clock
        self.reserve = Reserve(self.beside("reserve"))
        self.owner = 0
        self.follows_crash = False
        is_ours = self.beside("mark").exists()
        damage: list[Damage] = []
        try:
            store = self._begun()
        except sqlite3.DatabaseError as error:
            if is_ours and is_damaged(error) and not self._others():
                damage = salvage(self.path, self._clock())
            elif not (is_full(error) and self.reserve.spend()):
                raise self._unopened(error) from error
            try:
                store = self._begun()
            except sqlite3.DatabaseError as again:  # the reserve was not enough
                raise self._unopened(again) from again
        store.damage[:0] = damage
        self.store = store
        self.reserve.keep()

    def _unopened(self, error: Exception) -> ConfigurationError:
        return ConfigurationError(f"queue {str(self.path)!r} cannot be opened: {error}")

    def beside(self, name: str) -> Path:
        """Return the path of a small file that belongs to this one."""
        return beside(self.path, name)

    def _begun(self) -> Store:
        """Open the file as a new owner; what was wrong with it is in the store's damage."""
        db = connect(self.path, fsync=self._fsync)
        try:
            db.execute("BEGIN IMMEDIATE")  # nobody else opens, or commits, meanwhile
            (self.owner,) = db.execute(
                "INSERT INTO owners (since) VALUES (?) RETURNING owner", (self._clock(),)
            ).fetchone()
            store = Store(db, self.owner)
            lock = OwnerLock(self.beside(f"owner-{self.owner}"))
        except BaseException:
            db.close()
            raise
        try:
            self.follows_crash = self.bury(store)
            self._follow_clock(store)
            self.mark = HighWater(self.beside("mark"))
            self._compare(store, self.mark)
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
        return [
            one for one in numbers if one != self.owner and is_alive(self.beside(f"owner-{one}"))
        ]

    def bury(self, store: Store) -> bool:
        """Take back what dead owners held, if there are any; nobody opens the file meanwhile."""
        owners = [one for (one,) in store.tables.db.execute("SELECT owner FROM owners")]
        gone = [
            one for one in owners if one != self.owner and not is_alive(self.beside(f"owner-{one}"))
        ]
        if gone:
            store.release(gone, crashed=True)
        return bool(gone)

    def _follow_clock(self, store: Store) -> None:
        if self._others():
            return
        behind = store.books.follow_clock(self._clock())
        if behind:
            log.warning("queue: the clock was set back by %d s; so is what waits", behind)

    def _compare(self, store: Store, mark: HighWater) -> None:
        """Compare how far the file has come with the mark beside it."""
        reached, found = store.tables.reached(), mark.read()
        store.damage += differences(self.path, reached, found)
        marked = found or Reached()
        missing = marked.sequence - reached.sequence
        if missing > 0:
            # numbers are never given twice, so that what is missing stays missing
            store.tables.number(missing)
            # for whom they were nobody knows any more; so metrics and `status` go on telling it
            store.tables.count({("", "accepted"): missing, ("", "damaged"): missing})
        behind = marked.commits - reached.commits
        if behind > 0:
            store.tables.count({COMMITS: behind})
        mark.raise_to(store.tables.reached(), sync=True)

    def mended(self) -> Store | None:
        """Salvage the file while it is in use; None when another process has it open too."""
        before = self.store
        if self._others():
            return None
        before.tables.db.close()
        found = salvage(self.path, self._clock())
        store = Store(connect(self.path, fsync=self._fsync), self.owner)
        store.damage[:] = [*before.damage, *found]
        self.store = store
        return store

    def close(self) -> None:
        """Give back what this owner holds, and shorten the log."""
        store = self.store
        db = store.tables.db
        try:
            store.tables.begin()
            store.release([self.owner], crashed=False)
            store.books.note_time(self._clock(), every=0)
            db.execute("COMMIT")
            db.execute("PRAGMA busy_timeout = 0")  # others go on meanwhile
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.DatabaseError as error:  # the lock goes, and with it what was held
            log.warning("queue %s is not closed as it should be: %s", self.path, error)
        db.close()
        self.mark.close()
        self._lock.close()
