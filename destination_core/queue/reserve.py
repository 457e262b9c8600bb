"""Room that is kept on the disk for acknowledgements, and given back to it when it is full."""

import errno
import logging
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Final

log: Final = logging.getLogger(__name__)

RESERVE_BYTES: Final = 32 * 1024 * 1024
"""More than the file grows by when the log is written back: 4 MiB and the last transaction."""

PIECE: Final = 1024 * 1024

AMPLE_BYTES: Final = 64 * 1024 * 1024
"""With so many free, no write fails for want of room."""

_NO_SPACE: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
"""The second is what SQLite says when its index of the log cannot grow."""


class Reserve:
    """A file of 32 MiB beside the queue."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._warned = False

    def keep(self) -> bool:
        """Set it aside, unless that was done; tell whether it is there.

        It is not tried where there is no room: for a moment it would take what is left.
        """
        try:
            there = self._path.stat().st_size if self._path.exists() else 0
            if there >= RESERVE_BYTES:
                return True
            _set_aside(self._path, RESERVE_BYTES - there)
        except OSError as error:
            self._path.unlink(missing_ok=True)  # a part of it would be no help
            if not self._warned:
                log.warning("no reserve for a full disk at %s: %s", self._path, error)
            self._warned = True
            return False
        self._warned = False
        return True

    def is_needless(self) -> bool:
        """Tell whether the disk has room enough without it."""
        return shutil.disk_usage(self._path.parent).free > AMPLE_BYTES

    def spend(self) -> bool:
        """Give it back to the disk, for acknowledgements; tell whether it was there."""
        try:
            self._path.unlink()
        except OSError:
            return False
        log.error("disk is full: the reserve at %s is spent on acknowledgements", self._path)
        return True


def _set_aside(path: Path, missing: int) -> None:
    if shutil.disk_usage(path.parent).free < missing:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _fill(descriptor)
    finally:
        os.close(descriptor)


def _fill(descriptor: int) -> None:
    """Take the room, not only the length."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        return
    for start in range(0, RESERVE_BYTES, PIECE):  # macOS
        os.pwrite(descriptor, bytes(PIECE), start)


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that there is no room on the disk."""
    return getattr(error, "sqlite_errorcode", None) in _NO_SPACE
