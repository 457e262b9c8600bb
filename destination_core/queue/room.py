"""Whether more events can be taken: by the bounds of the file, by the disk, and by the reserve."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from destination_core.queue.marks import beside
from destination_core.queue.reserve import RESERVE_BYTES, Reserve

LOOK_SECONDS: Final = 0.1
"""How old an answer may be."""

LONG_LOG: Final = 16 * 1024 * 1024
"""Bytes of a log that has grown while somebody read: usually it has a quarter."""

SHORTEN_SECONDS: Final = 1.0
"""Between two tries to make room on a full disk, at least."""


class Room:
    """What ``put`` asks: ``max_bytes`` bounds the file, ``min_free_bytes`` are to stay free."""

    def __init__(
        self,
        path: Path,
        reserve: Reserve,
        used_bytes: Callable[[], int],
        *,
        max_bytes: int,
        min_free_bytes: int,
    ) -> None:
        self._path = path
        self._reserve = reserve
        self._used = used_bytes
        self._max_bytes = max_bytes
        self._min_free = min_free_bytes
        self._lacks = ""
        self._looked = -LOOK_SECONDS
        self._shortened = -SHORTEN_SECONDS

    def free_bytes(self) -> int:
        """Return how much of the disk is free."""
        return shutil.disk_usage(self._path.parent).free

    def lacks(self) -> str:
        """Return why nothing more can be put, or "" when there is room."""
        now = time.monotonic()
        if now >= self._looked + LOOK_SECONDS:
            self._looked = now
            self._lacks = self._look()
        return self._lacks

    async def make(self) -> str:
        """Write the log back where room is short, while there is some; then as ``lacks``."""
        now = time.monotonic()
        if now >= self._shortened + SHORTEN_SECONDS and self._is_short():
            self._shortened = now
            await asyncio.to_thread(self._write_back)
            self._looked = -LOOK_SECONDS
        return self.lacks()

    def _look(self) -> str:
        if self._used() > self._max_bytes:
            return f"queue has reached its size, {self._max_bytes:,} bytes"
        free, log = self.free_bytes(), self._log_bytes()
        if free < self._min_free:
            return f"disk has {free:,} bytes left, {self._min_free:,} are to stay free"
        if free < self._min_free + log:  # the file may grow by as much when it is written back
            return (
                f"disk has {free:,} bytes left, {self._min_free:,} are to stay free and the log"
                f" needs {log:,}"
            )
        # what comes in first would take the room without which nothing can be acknowledged
        if not self._reserve.keep():
            return f"disk has {free:,} bytes left, acknowledgements need {RESERVE_BYTES:,}"
        return ""

    def _log_bytes(self) -> int:
        try:
            return beside(self._path, "wal").stat().st_size
        except FileNotFoundError:
            return 0

    def _is_short(self) -> bool:
        return not self._reserve.keep() or self.free_bytes() < self._min_free + self._log_bytes()

    def _write_back(self) -> None:
        """Write the log into the file; give the disk what the log has where that is much.

        What acknowledgements are written in on a full disk is the room that the log has: it is not
        given up for less than a new reserve.
        """
        log = self._log_bytes()
        if self._reserve.keep():
            shorten = log > LONG_LOG
        else:
            shorten = log + self.free_bytes() >= RESERVE_BYTES
        mode = "TRUNCATE" if shorten else "PASSIVE"
        with closing(sqlite3.connect(self._path)) as db, suppress(sqlite3.DatabaseError):
            db.execute(f"PRAGMA wal_checkpoint({mode})")  # fails while the file cannot grow
