"""The tables of the queue and what is done to them, inside transactions that others begin and end.

One row per event (``events``, never changed) and one per event and destination (``jobs``, small,
changed by every claim), so that a claim does not write the body again. ``due`` is also the lease:
a claimed job is due again when its lease ends. All counters are changed in the transaction that
changes what they count.
"""

import hashlib
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from destination_core.errors import ConfigurationError
from destination_core.queue.records import (
    Counts,
    Damage,
    Dead,
    DeadLetter,
    Delivered,
    Filtered,
    Intake,
    Job,
    Retry,
    Settlement,
)

VERSION: Final = 1
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

ROWS: Final = 200
"""Rows of one statement: SQLite lets go of the GIL for all of them at once."""

SHRINK_PAGES: Final = 500
"""Empty pages that one round of upkeep gives back to the disk."""

SEQUENCE: Final = ("", "sequence")
"""The counter of sequence numbers: the last one given."""


def connect(path: Path, *, busy_seconds: float = 30.0) -> sqlite3.Connection:
    """Open the file, or make it (readable by its owner only).

    Raises ``ConfigurationError`` when it is something else or of a newer version.
    """
    path.touch(mode=0o600, exist_ok=True)
    connection = sqlite3.connect(
        path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in SCHEMA.split(";")[:-1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ConfigurationError(f"queue {str(path)!r} cannot be opened: {error}") from error
    if version > VERSION:
        connection.close()
        raise ConfigurationError(
            f"queue {str(path)!r} is of version {version}; this program knows up to {VERSION}:"
            f" upgrade it"
        )
    return connection


class Store:
    """The operations; ``owner`` is the epoch under which jobs are claimed."""

    def __init__(self, connection: sqlite3.Connection, owner: int) -> None:
        self._db = connection
        self._owner = owner
        self.damage: list[Damage] = []

    # -- in --------------------------------------------------------------------------------

    def put(self, events: Sequence[Intake]) -> list[bool]:
        """Insert the events that are new, and their jobs; tell of each whether it was."""
        new = self._unseen(events)
        counted: Counter[tuple[str, str]] = Counter()
        counted["", "duplicates"] = new.count(False)
        fresh = [one for one, is_new in zip(events, new, strict=True) if is_new]
        kept = [one for one in fresh if one.destinations]
        last = self._number(len(kept)) if kept else 0
        rows: list[tuple[Any, ...]] = []
        jobs: list[tuple[Any, ...]] = []
        for sequence, one in enumerate(kept, last - len(kept) + 1):
            crc = checksum(sequence, one.source, one.body)
            rows.append((sequence, one.source, one.received, one.body, crc))
            for destination in one.destinations:
                jobs.append((sequence, destination, one.received))
                counted[destination, "accepted"] += 1
        self._insert("events (sequence, source, received, body, crc)", rows)
        self._insert("jobs (sequence, destination, due)", jobs)
        unwanted = len(fresh) - len(kept)  # no destination wants them: counted, not kept
        counted["", "accepted"] = counted["", "filtered"] = unwanted
        self._count(counted)
        return new

    def _unseen(self, events: Sequence[Intake]) -> list[bool]:
        """Remember the ids of events; tell of each whether it is new."""
        ids = [identity(one) for one in events]
        rows = [
            (key, one.received) for key, one in zip(ids, events, strict=True) if key is not None
        ]
        new = {
            key
            for part in _parts(rows)
            for (key,) in self._db.execute(
                f"INSERT OR IGNORE INTO seen (id, at) VALUES {_places(part)} RETURNING id",  # noqa: S608
                _flat(part),
            )
        }
        fresh: list[bool] = []
        for key in ids:
            fresh.append(key is None or key in new)
            if key is not None:
                new.discard(key)  # the same id twice in one call is new only once
        return fresh

    def _number(self, many: int) -> int:
        (last,) = self._db.execute(
            "INSERT INTO counters VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = value + excluded.value RETURNING value",
            (*SEQUENCE, many),
        ).fetchone()
        return int(last)

    # -- out -------------------------------------------------------------------------------

    def claim(self, destination: str, limit: int, now: float, lease: float) -> list[Job]:
        """Lease jobs that are due; rows whose checksum is wrong are put aside and reported."""
        found = self._db.execute(
            "SELECT jobs.sequence, owner, attempts, crashes, subscriptions, source, received,"
            " body, crc FROM jobs LEFT JOIN events USING (sequence)"
            " WHERE destination = ? AND due <= ? ORDER BY due, jobs.sequence LIMIT ?",
            (destination, now, limit),
        ).fetchall()
        jobs, broken = [], []
        for sequence, owner, attempts, crashes, names, source, received, body, crc in found:
            if body is None or crc != checksum(sequence, source, body):
                broken.append(sequence)
                continue
            lost = crashes + (owner != 0)
            left = None if names is None else frozenset(orjson.loads(names))
            jobs.append(Job(sequence, destination, source, received, body, attempts, lost, left))
        for part in _parts([(one.sequence,) for one in jobs]):
            self._db.execute(
                "UPDATE jobs SET due = ?, crashes = crashes + (owner != 0), owner = ?"  # noqa: S608
                f" WHERE destination = ? AND sequence IN ({','.join('?' * len(part))})",
                (now + lease, self._owner, destination, *_flat(part)),
            )
        if broken:
            self._put_aside(destination, broken)
        return jobs

    def _put_aside(self, destination: str, sequences: Sequence[int]) -> None:
        for sequence in sequences:
            self._db.execute(
                "DELETE FROM jobs WHERE destination = ? AND sequence = ?", (destination, sequence)
            )
            self.damage.append(
                Damage(f"event {sequence} for {destination!r} is damaged and cannot be delivered")
            )
        self._count({(destination, "damaged"): len(sequences)})

    def next_due(self, destination: str) -> float | None:
        """Return when the next job is due."""
        row = self._db.execute(
            "SELECT due FROM jobs WHERE destination = ? ORDER BY due LIMIT 1", (destination,)
        ).fetchone()
        return None if row is None else float(row[0])

    # -- settle ----------------------------------------------------------------------------

    def settle(self, settlements: Sequence[Settlement], now: float) -> int:
        """Apply settlements to jobs that are still ours; return how many were."""
        counted: Counter[tuple[str, str]] = Counter()
        ours = 0
        ended: dict[str, dict[int, Settlement]] = {}
        for one in settlements:
            job = one.job
            if isinstance(one, Retry):
                ours += self._postpone(one)
            else:
                ended.setdefault(job.destination, {})[job.sequence] = one
        gone: list[int] = []
        for destination, by_sequence in ended.items():
            for sequence in self._remove(destination, list(by_sequence)):
                one = by_sequence[sequence]
                if isinstance(one, Dead):
                    self._bury(one, now)
                counted[destination, _COUNTER[type(one)]] += 1
                gone.append(sequence)
        self._forget(gone)
        self._count(counted)
        return ours + len(gone)

    def _postpone(self, one: Retry) -> int:
        names = None
        if one.subscriptions is not None:
            names = orjson.dumps(sorted(one.subscriptions)).decode()
        job = one.job
        return self._db.execute(
            "UPDATE jobs SET due = ?, attempts = ?, subscriptions = ?, owner = 0, crashes = ?"
            " WHERE sequence = ? AND destination = ? AND owner = ?",
            (
                *(one.due, job.attempts + one.counts, names, one.crashes),
                *(job.sequence, job.destination, self._owner),
            ),
        ).rowcount

    def _remove(self, destination: str, sequences: Sequence[int]) -> list[int]:
        """Delete the jobs among these that are ours; return which they were."""
        removed: list[int] = []
        for part in _parts([(one,) for one in sequences]):
            removed += [
                sequence
                for (sequence,) in self._db.execute(
                    "DELETE FROM jobs WHERE destination = ? AND owner = ?"  # noqa: S608
                    f" AND sequence IN ({','.join('?' * len(part))}) RETURNING sequence",
                    (destination, self._owner, *_flat(part)),
                )
            ]
        return removed

    def _bury(self, one: Dead, now: float) -> None:
        job = one.job
        self._db.execute(
            "INSERT INTO dead (destination, sequence, source, received, at, subscription, action,"
            " code, reason, attempts, record, body, crc) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(job.destination, job.sequence, job.source, job.received, now),
                *(one.subscription, one.action, one.code, one.reason, job.attempts),
                *(one.record, job.body, checksum(job.sequence, job.source, job.body)),
            ),
        )

    def _forget(self, sequences: Iterable[int]) -> None:
        """Delete events that no destination waits for any more."""
        for part in _parts([(one,) for one in sorted(set(sequences))]):
            self._db.execute(
                f"DELETE FROM events WHERE sequence IN ({','.join('?' * len(part))})"  # noqa: S608
                " AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.sequence = events.sequence)",
                _flat(part),
            )

    def release(self, owners: Sequence[int], *, crashed: bool) -> int:
        """Give back what owners had claimed; with one more crash each if they died."""
        many = 0
        for owner in owners:
            many += self._db.execute(
                "UPDATE jobs SET due = 0, owner = 0, crashes = crashes + ? WHERE owner = ?",
                (crashed, owner),
            ).rowcount
        return many

    # -- dead letters ----------------------------------------------------------------------

    def dead_letters(self, destination: str | None, limit: int, after: int) -> list[DeadLetter]:
        """Return dead letters by id."""
        rows = self._db.execute(
            "SELECT id, destination, sequence, source, at, subscription, action, code, reason,"
            " attempts, record FROM dead WHERE id > ? AND (? IS NULL OR destination = ?)"
            " ORDER BY id LIMIT ?",
            (after, destination, destination, limit),
        )
        return [DeadLetter(*row) for row in rows]

    def revive(self, ids: Sequence[int], now: float) -> int:
        """Make jobs of dead letters; deduplication does not see them."""
        revived = 0
        counted: Counter[tuple[str, str]] = Counter()
        for one in ids:
            row = self._db.execute(
                "DELETE FROM dead WHERE id = ?"
                " RETURNING destination, source, received, subscription, body",
                (one,),
            ).fetchone()
            if row is None:
                continue
            destination, source, received, subscription, body = row
            sequence = self._number(1)
            crc = checksum(sequence, source, body)
            self._insert(
                "events (sequence, source, received, body, crc)",
                [(sequence, source, received, body, crc)],
            )
            names = orjson.dumps([subscription]).decode() if subscription else None
            self._insert(
                "jobs (sequence, destination, due, subscriptions)",
                [(sequence, destination, now, names)],
            )
            counted[destination, "dead"] -= 1
            revived += 1
        self._count(counted)
        return revived

    def drop(self, ids: Sequence[int]) -> int:
        """Delete dead letters; they stay counted as dead."""
        return sum(
            self._db.execute("DELETE FROM dead WHERE id = ?", (one,)).rowcount for one in ids
        )

    # -- upkeep ----------------------------------------------------------------------------

    def expire(self, seen_before: float, dead_before: float, most: int) -> tuple[int, int]:
        """Forget ids and dead letters that are too old, at most so many; return how many."""
        (newest,) = self._db.execute(
            "SELECT coalesce(max(number), 0) FROM (SELECT number, at FROM seen"
            " ORDER BY number LIMIT ?) WHERE at < ?",
            (most, seen_before),
        ).fetchone()
        seen = self._db.execute("DELETE FROM seen WHERE number <= ?", (newest,)).rowcount
        dead = self._db.execute(
            "DELETE FROM dead WHERE id IN (SELECT id FROM dead WHERE at < ? LIMIT ?)",
            (dead_before, most),
        ).rowcount
        self._db.execute(f"PRAGMA incremental_vacuum({SHRINK_PAGES})").fetchall()
        return seen, dead

    def counts(self) -> dict[str, Counts]:
        """Return the counters, with what is queued counted afresh."""
        values: dict[str, dict[str, Any]] = {}
        for destination, name, value in self._db.execute("SELECT * FROM counters"):
            if (destination, name) != SEQUENCE:
                values.setdefault(destination, {})[name] = value
        queued = self._db.execute(
            "SELECT destination, count(*), min(received) FROM jobs"
            " LEFT JOIN events USING (sequence) GROUP BY destination"
        )
        for destination, many, oldest in queued:
            values.setdefault(destination, {}).update(queued=many, oldest=oldest)
        return {name: Counts(**found) for name, found in sorted(values.items())}

    def used_bytes(self) -> int:
        """Return the bytes of the pages that hold something; the file may have empty ones."""
        pages, free, size = (
            self._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def last_sequence(self) -> int:
        """Return the last sequence number that was given."""
        row = self._db.execute(
            "SELECT value FROM counters WHERE destination = ? AND name = ?", SEQUENCE
        ).fetchone()
        return 0 if row is None else int(row[0])

    def _count(self, counted: Mapping[tuple[str, str], int]) -> None:
        self._db.executemany(
            "INSERT INTO counters VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = value + excluded.value",
            [(*key, value) for key, value in counted.items() if value],
        )

    def _insert(self, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for part in _parts(rows):
            self._db.execute(f"INSERT INTO {into} VALUES {_places(part)}", _flat(part))  # noqa: S608


_COUNTER: Final = {Delivered: "delivered", Filtered: "filtered", Dead: "dead"}


def identity(one: Intake) -> bytes | None:
    """Return what an event is known by: 16 bytes of its source and ``messageId``, or nothing."""
    if not one.message_id:
        return None
    text = f"{one.source}\0{one.message_id}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def checksum(sequence: int, source: str, body: bytes) -> int:
    """Return the CRC-32 of what must stay as it was written."""
    return zlib.crc32(body, zlib.crc32(f"{sequence}\0{source}".encode("utf-8", "surrogatepass")))


def _parts(rows: Sequence[tuple[Any, ...]]) -> Iterable[Sequence[tuple[Any, ...]]]:
    return (rows[start : start + ROWS] for start in range(0, len(rows), ROWS))


def _places(rows: Sequence[tuple[Any, ...]]) -> str:
    one = f"({','.join('?' * len(rows[0]))})"
    return ",".join([one] * len(rows))


def _flat(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [value for row in rows for value in row]
