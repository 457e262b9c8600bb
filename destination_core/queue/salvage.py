"""Copy what can be read of a damaged file into a new one, and say what could not.

SQLite stops at a page that it cannot make sense of; what lies before and behind it is whole. So the
tables are read in small pieces, around what cannot be read. The damaged file is kept.
"""

import contextlib
import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from destination_core.queue.reconciling import reconcile
from destination_core.queue.records import Damage
from destination_core.queue.seen import HOUR
from destination_core.queue.tables import Tables, checksum, connect, job_checksum, lenient

PIECE: Final = 500
"""Rows that are read together where all is well."""

HOUR_OF_AT: Final = f"CAST(max(at, 0) / {HOUR} AS INTEGER)"
"""The part of an id in a file of version 4 or before."""

FURTHEST: Final = 2**62
"""No key is larger."""

KEYS: Final = {
    "events": ("sequence",),
    "jobs": ("sequence", "destination"),
    "seen": ("part", "id"),
    "dead": ("id",),
    "owners": ("owner",),
    "counters": ("destination", "name"),
}
"""The tables, and what their rows are ordered by."""

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def is_damaged(error: BaseException) -> bool:
    """Tell whether an error means that the file is not what SQLite wrote."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGED


def salvage(path: Path, at: float) -> list[Damage]:
    """Put a sound file in the place of a damaged one that nobody has open; tell what was lost.

    ``at`` names the damaged file, which stays beside it.
    """
    kept = _free(path.with_name(f"{path.name}-damaged-{int(at)}"))
    made = path.with_name(f"{path.name}-new")
    _remove(made)
    new = connect(made)
    lost = []
    new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    try:
        with _readable(path, made) as old:
            new.execute("BEGIN IMMEDIATE")
            for table, key in KEYS.items():
                lost.append(_copy(old, new, table, key))
            _copy_from_index(old, new)
            lost.append(reconcile(Tables(new)))
            new.execute("COMMIT")
        new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        new.close()
    try:
        os.link(path, kept)
    except OSError:  # a file system without hard links
        _copied(path, kept)
    for name in ("-wal", "-shm"):
        beside = path.with_name(path.name + name)
        if beside.exists():
            _copied(beside, kept.with_name(kept.name + name))
            beside.unlink()
    made.replace(path)
    told = "; ".join(one for one in lost if one) or "every row could be read"
    return [Damage(f"{path} was damaged and has been mended: {told}; it is kept as {kept}")]


def _free(path: Path) -> Path:
    """Return a name that nothing has: a file may be mended twice in a second."""
    names = (path.with_name(f"{path.name}-{n}") for n in itertools.count(2))
    return next(one for one in itertools.chain([path], names) if not one.exists())


def _copied(path: Path, to: Path) -> None:
    """Copy a file that holds events: for its owner alone, from the first moment."""
    to.touch(mode=0o600)
    shutil.copyfile(path, to)


def _remove(path: Path) -> None:
    for name in ("", "-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)


@contextlib.contextmanager
def _readable(path: Path, fresh: Path) -> Iterator[sqlite3.Connection]:
    """Open a damaged file; one whose first page is damaged gets that of a fresh one."""
    old = lenient(sqlite3.connect(path, isolation_level=None))
    mended = path.with_name(f"{path.name}-mended")
    try:
        for table in KEYS:
            old.execute(f"SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1)").fetchone()  # noqa: S608
    except sqlite3.DatabaseError as error:
        told = str(error)
        if "no such table" in told or "malformed" not in told or "schema" in told:
            old.close()
            _with_head_of(fresh, path, mended)
            old = lenient(sqlite3.connect(mended, isolation_level=None))
    try:
        yield old
    finally:
        old.close()
        _remove(mended)


def _with_head_of(fresh: Path, path: Path, mended: Path) -> None:
    """Copy a file, with the first page of another: it says where which table begins."""
    _copied(path, mended)
    head = bytearray(fresh.read_bytes()[:4096])
    head[18:20] = b"\x01\x01"  # without a log
    head[32:40] = bytes(8)  # no free pages
    head[92:96] = bytes(4)  # so that the number of pages is that of the file
    with mended.open("r+b") as file:
        file.write(head)


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str, key: Sequence[str]) -> str:
    """Copy a table; return what to say of it."""
    columns = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
    insert = (
        f"INSERT OR IGNORE INTO {table} ({','.join(columns)})"  # noqa: S608
        f" VALUES ({','.join('?' * len(columns))})"
    )
    reader = _Reader(old, table, key, columns)
    if table == "seen" and reader.has("number"):  # of version 4 or before
        reader = _Reader(old, table, ("number",), [HOUR_OF_AT, *columns[1:], "number"])
    if table == "dead" and not reader.has("user"):  # of version 5 or before
        reader = _Reader(old, table, key, ["NULL" if one == "user" else one for one in columns])
    refused = 0
    for rows in reader.pieces():
        for row in rows:
            values = dict(zip(columns, row, strict=False))  # what is behind them is the key
            try:
                if not _is_sound(table, values):
                    refused += 1
                    continue
                new.execute(insert, tuple(values.values()))
            except (sqlite3.Error, TypeError, ValueError, OverflowError):  # it makes no sense
                refused += 1
    gaps = f"{reader.gaps} gaps in table {table!r}" if reader.gaps else ""
    return gaps or (f"{refused} rows of table {table!r} make no sense" if refused else "")


def _is_sound(table: str, row: Mapping[str, Any]) -> bool:
    """Tell whether a row is as it was written, as far as that can be told."""
    if table == "events":
        return bool(row["crc"] == checksum(row["sequence"], row["source"], row["body"]))
    if table == "jobs":
        names = (row["sequence"], row["destination"], row["attempts"], row["subscriptions"])
        return row["crc"] is None or bool(row["crc"] == job_checksum(*names))
    if table == "seen":
        kinds = {"part": int, "id": bytes, "at": float}
        return all(isinstance(row[name], kind) for name, kind in kinds.items())
    if table == "dead":
        return isinstance(row["record"], bytes) and isinstance(row["body"], bytes)
    return table != "counters" or isinstance(row["value"], int)


def _copy_from_index(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Copy jobs that only the index still knows; they begin anew, at all subscriptions."""
    with contextlib.suppress(sqlite3.DatabaseError):
        for row in old.execute(
            "SELECT sequence, destination, due FROM jobs INDEXED BY jobs_by_due"
        ):
            with contextlib.suppress(sqlite3.DatabaseError):
                new.execute(
                    "INSERT OR IGNORE INTO jobs (sequence, destination, due) VALUES (?, ?, ?)", row
                )


class _Reader:
    """Reads a table in the order of its key; ``gaps`` counts where it could not."""

    def __init__(
        self, db: sqlite3.Connection, table: str, key: Sequence[str], columns: Sequence[str]
    ) -> None:
        self.gaps = 0
        self._db = db
        self._table = table
        self._names = ",".join(columns)
        self._key = key
        self._places = [columns.index(name) for name in key]

    def has(self, column: str) -> bool:
        """Tell whether the table has a column, as far as that can be read."""
        with contextlib.suppress(sqlite3.DatabaseError):
            found = self._db.execute(f"PRAGMA table_info({self._table})")
            return column in {row[1] for row in found}
        return False

    def pieces(self) -> Iterator[list[Any]]:
        after = self._start()
        while True:
            rows = self._after(after, PIECE)
            if rows is None:
                one = self._after(after, 1)
                rows = one if one is not None else self._beyond(after)
            if not rows:
                return
            yield rows
            after = tuple(rows[-1][place] for place in self._places)

    def _start(self) -> tuple[Any, ...]:
        if self._key[0] == "destination":
            return ("", "")
        return (-1, "")[: len(self._key)]

    def _after(self, after: tuple[Any, ...], limit: int) -> list[Any] | None:
        names = ",".join(self._key)
        marks = ",".join("?" * len(self._key))
        try:
            return self._db.execute(
                f"SELECT {self._names} FROM {self._table} WHERE ({names}) > ({marks})"  # noqa: S608
                f" ORDER BY {names} LIMIT ?",
                (*after, limit),
            ).fetchall()
        except sqlite3.DatabaseError:
            return None

    def _beyond(self, after: tuple[Any, ...]) -> list[Any]:
        """Return the next row that can be read, and those before it down to the damage."""
        self.gaps += 1
        if not isinstance(after[0], int):
            return []
        step = 1
        while after[0] + step < FURTHEST:
            found = self._after((after[0] + step, *after[1:]), 1)
            if found:
                return [*reversed(self._before(after, found[0])), *found]
            if found is not None:
                return list(reversed(self._before(after, None)))
            step *= 2
        return list(reversed(self._before(after, None)))

    def _before(self, after: tuple[Any, ...], row: Any) -> list[Any]:
        """Read backwards from a row, or from the end, as far as it goes."""
        names = ",".join(self._key)
        marks = ",".join("?" * len(self._key))
        until = (FURTHEST, "") if row is None else tuple(row[place] for place in self._places)
        rows: list[Any] = []
        order = ",".join(f"{name} DESC" for name in self._key)
        with contextlib.suppress(sqlite3.DatabaseError):
            for one in self._db.execute(
                f"SELECT {self._names} FROM {self._table} WHERE ({names}) > ({marks})"  # noqa: S608
                f" AND ({names}) < ({marks}) ORDER BY {order}",
                (*after, *until[: len(self._key)]),
            ):
                rows.append(one)  # noqa: PERF402  what was read before it fails is kept
        return rows
