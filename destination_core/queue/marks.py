"""Two small files beside the database: how far it has come, and who owns what.

The database alone cannot tell that its end is missing: a log that was cut ends earlier and is
sound. So the last sequence number given and the number of transactions are also written here, after
every commit and before anybody is told that their event is safe.
"""

import fcntl
import os
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from destination_core.queue.records import Damage

_RECORD: Final = struct.Struct("<QQI")
_OLDER: Final = struct.Struct("<QI")
"""Of the first version: without transactions."""


class Reached(NamedTuple):
    """How far a file has come: the last sequence number, and how many transactions."""

    sequence: int = 0
    commits: int = 0


def beside(path: Path, name: str) -> Path:
    """Return the path of a small file that belongs to a queue's file."""
    return path.with_name(f"{path.name}-{name}")


def marked(path: Path) -> Reached | None:
    """Return what a mark says, without making one; see ``HighWater.read``."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return Reached()
    try:
        return _locked_read(descriptor)
    finally:
        os.close(descriptor)


def differences(path: Path, reached: Reached, mark: Reached | None) -> list[Damage]:
    """Say what a file lacks of what its mark says was there."""
    if mark is None:
        return [Damage(f"{beside(path, 'mark')} is damaged; it is written anew")]
    missing = mark.sequence - reached.sequence
    if missing > 0:
        return [
            Damage(
                f"{path} ends at event {reached.sequence}, but event {mark.sequence}"
                f" was accepted: {missing} accepted events are missing"
            )
        ]
    behind = mark.commits - reached.commits
    if behind > 0:
        return [
            Damage(
                f"{path} lacks its last {behind} transactions: what they settled is delivered again"
            )
        ]
    return []


def _locked_read(descriptor: int) -> Reached | None:
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # half of what is being written is no damage
    try:
        return _read(descriptor)
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _read(descriptor: int) -> Reached | None:
    raw = os.pread(descriptor, _RECORD.size, 0)
    if not raw:
        return Reached()
    for record in (_RECORD, _OLDER):
        if len(raw) == record.size:
            *numbers, crc = record.unpack(raw)
            return Reached(*numbers) if crc == zlib.crc32(raw[:-4]) else None
    return None


class HighWater:
    """The furthest that was acknowledged, in a file of twenty bytes that processes share."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def read(self) -> Reached | None:
        """Return what is marked; zeros when there is nothing yet, None when it is damaged."""
        return _locked_read(self._descriptor)

    def _read(self) -> Reached | None:
        return _read(self._descriptor)

    def raise_to(self, reached: Reached, *, sync: bool) -> None:
        """Write the larger numbers of what is marked and of these.

        With ``sync`` they are on the disk when this returns; a crash of the process alone loses
        them in no case.
        """
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # or another process steps back behind it
        try:
            now = self._read() or Reached()
            most = Reached(*map(max, now, reached))
            if most != now:
                head = struct.pack("<QQ", *most)
                os.pwrite(self._descriptor, _RECORD.pack(*most, zlib.crc32(head)), 0)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        if sync:
            getattr(os, "fdatasync", os.fsync)(self._descriptor)  # macOS has only the other

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
