"""Whether more events can be taken: by the bounds of the file, by the disk, and by the reserve."""

import asyncio
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from destination_core.queue.reserve import RESERVE_BYTES, Reserve

LOOK_SECONDS: Final = 0.1
"""How old an answer may be."""

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
        """Give the disk what the log has of it, if the reserve needs it; then as ``lacks``."""
        now = time.monotonic()
        if now >= self._shortened + SHORTEN_SECONDS and not self._reserve.keep():
            self._shortened = now
            await asyncio.to_thread(self._shorten_log)
            self._looked = -LOOK_SECONDS
        return self.lacks()

    def _look(self) -> str:
        if self._used() > self._max_bytes:
            return f"queue has reached its size, {self._max_bytes:,} bytes"
        free = self.free_bytes()
        if free < self._min_free:
            return f"disk has {free:,} bytes left, {self._min_free:,} are to stay free"
        # what comes in first would take the room without which nothing can be acknowledged
        if not self._reserve.keep():
            return f"disk has {free:,} bytes left, acknowledgements need {RESERVE_BYTES:,}"
        return ""

    def _shorten_log(self) -> None:
        with closing(sqlite3.connect(self._path)) as db, suppress(sqlite3.DatabaseError):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # fails while the file cannot grow
