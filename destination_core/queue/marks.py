"""Two small files beside the database: the last sequence number, and who owns what.

The database alone cannot tell that its end is missing: a log that was cut ends earlier and is
sound. So the last number given is also written here, after every commit and before anybody is told
that their event is safe.
"""

import fcntl
import os
import struct
import zlib
from pathlib import Path
from typing import Final

_RECORD: Final = struct.Struct("<QI")


class HighWater:
    """The last sequence number that was acknowledged, in a file of twelve bytes."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def read(self) -> int | None:
        """Return the number; 0 when there is none yet, None when the file is damaged."""
        raw = os.pread(self._descriptor, _RECORD.size, 0)
        if not raw:
            return 0
        if len(raw) != _RECORD.size:
            return None
        number, crc = _RECORD.unpack(raw)
        return int(number) if crc == zlib.crc32(raw[:8]) else None

    def write(self, number: int) -> None:
        """Write a number; it is on the disk when this returns."""
        head = number.to_bytes(8, "little")
        os.pwrite(self._descriptor, _RECORD.pack(number, zlib.crc32(head)), 0)
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class OwnerLock:
    """A file that its owner holds locked: the kernel lets go of it however the owner dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let go of the lock and remove the file."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def is_alive(path: Path) -> bool:
    """Tell whether somebody holds the lock; the file of a dead owner is removed."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)
