"""The file: its tables, how they are made and brought up to date, and its transactions' helpers."""

import hashlib
import math
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, compress
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from destination_core.errors import ConfigurationError
from destination_core.queue.marks import Reached

VERSION: Final = 6
SCHEMA: Final = """
CREATE TABLE events (sequence INTEGER PRIMARY KEY, source TEXT NOT NULL, received REAL NOT NULL,
    body BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE jobs (sequence INTEGER NOT NULL, destination TEXT NOT NULL, due REAL NOT NULL,
    owner INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0, subscriptions TEXT, PRIMARY KEY (sequence, destination))
    WITHOUT ROWID;
CREATE INDEX jobs_by_due ON jobs (destination, due, sequence);
CREATE TABLE seen (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, at REAL NOT NULL);
CREATE TABLE dead (id INTEGER PRIMARY KEY AUTOINCREMENT, destination TEXT NOT NULL,
    sequence INTEGER NOT NULL, source TEXT NOT NULL, received REAL NOT NULL, at REAL NOT NULL,
    subscription TEXT NOT NULL, action TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL,
    attempts INTEGER NOT NULL, record BLOB NOT NULL, body BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE INDEX dead_by_destination ON dead (destination, id);
CREATE TABLE counters (destination TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (destination, name)) WITHOUT ROWID;
CREATE TABLE owners (owner INTEGER PRIMARY KEY AUTOINCREMENT, since REAL NOT NULL);
"""

STEPS: Final[Mapping[int, str]] = {
    1: SCHEMA,
    2: """
ALTER TABLE jobs ADD COLUMN user INTEGER;
CREATE INDEX jobs_by_user ON jobs (destination, user, sequence) WHERE user IS NOT NULL;
""",
    3: "ALTER TABLE events ADD COLUMN trace TEXT;",
    4: """
ALTER TABLE jobs ADD COLUMN crc INTEGER;
ALTER TABLE dead ADD COLUMN record_crc INTEGER;
""",
    5: """
ALTER TABLE seen RENAME TO seen_before;
CREATE TABLE seen (part INTEGER NOT NULL, id BLOB NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (part, id)) WITHOUT ROWID;
INSERT INTO seen SELECT CAST(max(at, 0) / 3600 AS INTEGER), id, at FROM seen_before ORDER BY 1, 2;
DROP TABLE seen_before;
""",
    6: "ALTER TABLE dead ADD COLUMN user INTEGER;",
}
"""What makes each version of the one before it."""

ROWS: Final = 256
"""Rows of one statement: SQLite lets go of the GIL for all of them at once."""

IN_LIST: Final = "IN (SELECT value FROM json_each(?))"
"""A condition that holds for what is ``listed``: one statement, however many there are."""

SEQUENCE: Final = ("", "sequence")
"""The counter of sequence numbers: the last one given."""

COMMITS: Final = ("", "commits")
"""The counter of transactions that changed something."""

CLOCK: Final = ("", "clock")
"""What time it was when somebody last looked: no counter, but kept with them."""

IDS: Final = ("", "ids")
"""The counter of ids that were ever remembered."""

PARKED: Final = math.inf
"""``due`` of a job that waits for an earlier one of its user."""

CACHED_KIB: Final = 16 * 1024
"""Pages in memory."""

LOG_PAGES: Final = 1_000
"""Pages (4 MiB) that the log has when it is written back: the reserve must have room for them."""

LONGEST_LOG: Final = 64 * 1024 * 1024
"""Bytes that the log keeps when it has been written back."""

BUSY_SECONDS: Final = 30.0
"""How long to wait for another process that writes."""

TURN_SECONDS: Final = 0.0005
"""Between two tries to be the one that writes."""

Fsync = Literal["always", "checkpoint"]
"""When commits are forced to the disk: each of them, or when the log is written back."""


def connect(
    path: Path, *, fsync: Fsync = "always", busy_seconds: float = BUSY_SECONDS
) -> sqlite3.Connection:
    """Open the file, or make it (readable by its owner only), and bring it up to date.

    Raises ``ConfigurationError`` when it cannot be made, is something else or of a newer version,
    and what SQLite raises when its content is damaged or the disk is full.
    """
    try:
        path.touch(mode=0o600, exist_ok=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigurationError(
            f"queue.path: there is no folder {str(path.parent)!r}; make it, for the user who runs"
            f" this, or name another"
        ) from error
    except PermissionError as error:
        raise ConfigurationError(
            f"queue.path: {str(path)!r} must be writable for the user who runs this"
        ) from error
    connection = lenient(
        sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    )
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file
        connection.execute("PRAGMA journal_mode = WAL")
        level = "FULL" if fsync == "always" else "NORMAL"
        connection.execute(f"PRAGMA synchronous = {level}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: through the disk's own cache, too
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{CACHED_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {LONGEST_LOG}")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for step in range(version + 1, VERSION + 1):
            for statement in STEPS[step].split(";")[:-1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step}")
        connection.execute("COMMIT")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    if version > VERSION:
        connection.close()
        raise ConfigurationError(
            f"queue {str(path)!r} is of version {version}; this program knows up to {VERSION}:"
            f" upgrade it"
        )
    return connection


def lenient(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Let damaged text be read: checksums say that it is damaged, and to whom it belongs."""
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    return connection


class Tables:
    """What every operation needs: numbers, counters, many rows in one statement.

    ``numbered`` is the last sequence number that this transaction gave, 0 for none.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.db = connection
        self.numbered = 0
        (self._patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
        self._waits = self._patience

    def begin(self) -> None:
        """Begin to write once no other process does; raises SQLite's "busy" after 30 seconds.

        SQLite itself would wait up to 100 ms between two tries: a process that writes all the time
        leaves gaps of a few milliseconds, and another would hardly ever find one.
        """
        self.numbered = 0
        self._wait(0)
        until = time.monotonic() + self._patience / 1000
        while not self._has_begun(until):
            time.sleep(TURN_SECONDS)

    def begin_reading(self) -> None:
        """Begin to read; SQLite itself waits for a process that repairs or closes the log."""
        self._wait(self._patience)
        self.db.execute("BEGIN")

    def _wait(self, milliseconds: int) -> None:
        """Say how long SQLite waits for others, if it does not know: a statement costs too."""
        if self._waits != milliseconds:
            self.db.execute(f"PRAGMA busy_timeout = {milliseconds}")
            self._waits = milliseconds

    def _has_begun(self, until: float) -> bool:
        try:
            self.db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            return False
        return True

    def number(self, many: int) -> int:
        """Give so many sequence numbers; return the last of them."""
        self.numbered = self.add(SEQUENCE, many)
        return self.numbered

    def add(self, counter: tuple[str, str], many: int) -> int:
        """Add to a counter; return what it says now."""
        (value,) = self.db.execute(
            "INSERT INTO counters VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = value + excluded.value RETURNING value",
            (*counter, many),
        ).fetchone()
        return int(value)

    def value(self, counter: tuple[str, str]) -> int:
        """Return what a counter says."""
        row = self.db.execute(
            "SELECT value FROM counters WHERE destination = ? AND name = ?", counter
        ).fetchone()
        return int(row[0]) if row else 0

    def reached(self) -> Reached:
        """Return the last sequence number that was given, and how many transactions there were."""
        found = dict(
            self.db.execute("SELECT name, value FROM counters WHERE destination = ''").fetchall()
        )
        return Reached(int(found.get(SEQUENCE[1], 0)), int(found.get(COMMITS[1], 0)))

    def count(self, counted: Mapping[tuple[str, str], int]) -> None:
        """Add to the counters, by destination and name."""
        self.db.executemany(
            "INSERT INTO counters VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = value + excluded.value",
            [(*key, value) for key, value in counted.items() if value],
        )

    def insert(self, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows; ``into`` names the table and its columns.

        What is NULL in all of them is not bound: to Python's SQLite, NULL costs more than a number.
        """
        for part in parts(rows):
            columns = list(zip(*part, strict=True))
            bound = [one[0] is not None or one.count(None) < len(one) for one in columns]
            marks = f"({','.join('?' if one else 'NULL' for one in bound)})"
            values = flat(list(zip(*compress(columns, bound), strict=True)))
            self.db.execute(f"INSERT INTO {into} VALUES {','.join([marks] * len(part))}", values)  # noqa: S608

    def version(self) -> int:
        """Return a number that changes when another connection has changed the file."""
        return int(self.db.execute("PRAGMA data_version").fetchone()[0])

    def is_bounded(self) -> bool:
        """Tell whether SQLite was told to let the file grow no more."""
        pages, most = (
            self.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "max_page_count")
        )
        return bool(pages >= most)

    def used_bytes(self) -> int:
        """Return the bytes of the pages that hold something; the file may have empty ones."""
        (used,) = self.db.execute(
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        ).fetchone()
        return int(used)


def user_number(user: str) -> int:
    """Return what stands for a user in an index: 64 bits; two that share them only wait."""
    digest = hashlib.blake2b(user.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def checksum(sequence: int, source: str, body: bytes) -> int:
    """Return the CRC-32 of what must stay as it was written."""
    return zlib.crc32(body, zlib.crc32(f"{sequence}\0{source}".encode("utf-8", "surrogatepass")))


def job_checksum(sequence: int, destination: str, attempts: int, names: str | None) -> int:
    """Return the CRC-32 of what a claim does not change in a job."""
    text = f"{sequence}\0{destination}\0{attempts}\0{names}"
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def listed(numbers: Sequence[int]) -> str:
    """Write what ``IN_LIST`` compares with; a damaged row may have something else for a number."""
    return orjson.dumps(numbers, default=str).decode()


def parts(rows: Sequence[tuple[Any, ...]]) -> Iterator[Sequence[tuple[Any, ...]]]:
    """Cut rows into as many as one statement takes: ``ROWS``, and powers of two of the rest.

    So there are few statements, and SQLite has them ready; each of another length would be
    prepared anew, and keep the values that were last bound to it.
    """
    start, size = 0, ROWS
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


def places(rows: Sequence[tuple[Any, ...]]) -> str:
    """Write the placeholders of rows."""
    one = f"({','.join('?' * len(rows[0]))})"
    return ",".join([one] * len(rows))


def flat(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return the values of rows, for their placeholders."""
    return list(chain.from_iterable(rows))
