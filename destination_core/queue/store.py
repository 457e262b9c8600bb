"""Events and jobs: what is done to them, inside transactions that others begin and end.

One row per event (``events``, never changed) and one per event and destination (``jobs``, small,
changed by every claim), so that a claim does not write the body again. ``due`` is also the lease:
a claimed job is due again when its lease ends. A job that waits for an earlier one of its user is
parked: due never, until the earlier one has ended. All counters are changed in the transaction that
changes what they count.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from destination_core.queue.letters import Letters
from destination_core.queue.records import (
    Counts,
    Damage,
    Dead,
    Delivered,
    Filtered,
    Intake,
    Job,
    Retry,
    Settlement,
)
from destination_core.queue.tables import (
    SEQUENCE,
    Tables,
    checksum,
    flat,
    identity,
    parts,
    places,
    user_number,
)

SHRINK_PAGES: Final = 500
"""Empty pages that one round of upkeep gives back to the disk."""

PARKED: Final = math.inf
"""``due`` of a job that waits for an earlier one of its user."""


class Store:
    """The operations; ``owner`` is the epoch under which jobs are claimed."""

    def __init__(self, connection: sqlite3.Connection, owner: int) -> None:
        self._db = connection
        self._owner = owner
        self.tables = Tables(connection)
        self.letters = Letters(self.tables)
        self.damage: list[Damage] = []

    # -- in --------------------------------------------------------------------------------

    def put(self, events: Sequence[Intake]) -> list[bool]:
        """Insert the events that are new, and their jobs; tell of each whether it was."""
        new = self._unseen(events)
        counted: Counter[tuple[str, str]] = Counter()
        counted["", "duplicates"] = new.count(False)
        fresh = [one for one, is_new in zip(events, new, strict=True) if is_new]
        kept = [one for one in fresh if one.destinations]
        last = self.tables.number(len(kept)) if kept else 0
        rows: list[tuple[Any, ...]] = []
        jobs: list[tuple[Any, ...]] = []
        lines: dict[str, dict[int, None]] = {}
        for sequence, one in enumerate(kept, last - len(kept) + 1):
            crc = checksum(sequence, one.source, one.body)
            rows.append((sequence, one.source, one.received, one.body, crc, one.trace or None))
            names = _names(one.subscriptions)
            for destination in one.destinations:
                counted[destination, "accepted"] += 1
                if one.user and destination in one.ordered:
                    user = user_number(one.user)
                    lines.setdefault(destination, {})[user] = None
                    jobs.append((sequence, destination, PARKED, user, names))
                else:
                    jobs.append((sequence, destination, one.received, None, names))
        self.tables.insert("events (sequence, source, received, body, crc, trace)", rows)
        self.tables.insert("jobs (sequence, destination, due, user, subscriptions)", jobs)
        for destination, users in lines.items():
            self._advance(destination, list(users), kept[-1].received)
        unwanted = len(fresh) - len(kept)  # no destination wants them: counted, not kept
        counted["", "accepted"] = counted["", "filtered"] = unwanted
        self.tables.count(counted)
        return new

    def _unseen(self, events: Sequence[Intake]) -> list[bool]:
        """Remember the ids of events; tell of each whether it is new."""
        ids = [identity(one) for one in events]
        rows = [
            (key, one.received) for key, one in zip(ids, events, strict=True) if key is not None
        ]
        new = {
            key
            for part in parts(rows)
            for (key,) in self._db.execute(
                f"INSERT OR IGNORE INTO seen (id, at) VALUES {places(part)} RETURNING id",  # noqa: S608
                flat(part),
            )
        }
        fresh: list[bool] = []
        for key in ids:
            fresh.append(key is None or key in new)
            if key is not None:
                new.discard(key)  # the same id twice in one call is new only once
        return fresh

    def _advance(self, destination: str, users: Sequence[int], now: float) -> None:
        """Make the first job of each user due, if it was parked."""
        for part in parts([(user,) for user in users]):
            self._db.execute(
                "UPDATE jobs SET due = ? WHERE destination = ? AND due = ? AND sequence IN ("  # noqa: S608
                "SELECT (SELECT sequence FROM jobs WHERE destination = ? AND user = line.column1"
                f" ORDER BY sequence LIMIT 1) FROM (VALUES {places(part)}) AS line)",
                (now, destination, PARKED, destination, *flat(part)),
            )

    # -- out -------------------------------------------------------------------------------

    def claim(self, destination: str, limit: int, now: float, lease: float) -> list[Job]:
        """Lease jobs that are due; rows whose checksum is wrong are put aside and reported."""
        found = self._db.execute(
            "SELECT jobs.sequence, owner, attempts, crashes, subscriptions, source, received,"
            " body, crc, trace FROM jobs LEFT JOIN events USING (sequence)"
            " WHERE destination = ? AND due <= ? ORDER BY due, jobs.sequence LIMIT ?",
            (destination, now, limit),
        ).fetchall()
        jobs, broken = [], []
        for sequence, owner, attempts, crashes, names, source, received, body, crc, trace in found:
            if body is None or crc != checksum(sequence, source, body):
                broken.append(sequence)
                continue
            lost = crashes + (owner != 0)
            left = None if names is None else frozenset(orjson.loads(names))
            about = (sequence, destination, source, received, body)
            jobs.append(Job(*about, attempts, lost, left, trace or ""))
        for part in parts([(one.sequence,) for one in jobs]):
            self._db.execute(
                "UPDATE jobs SET due = ?, crashes = crashes + (owner != 0), owner = ?"  # noqa: S608
                f" WHERE destination = ? AND sequence IN ({','.join('?' * len(part))})",
                (now + lease, self._owner, destination, *flat(part)),
            )
        if broken:
            self._put_aside(destination, broken, now)
        return jobs

    def _put_aside(self, destination: str, sequences: Sequence[int], now: float) -> None:
        for sequence in sequences:
            (user,) = self._db.execute(
                "DELETE FROM jobs WHERE destination = ? AND sequence = ? RETURNING user",
                (destination, sequence),
            ).fetchone()
            if user is not None:
                self._advance(destination, [user], now)
            self.damage.append(
                Damage(f"event {sequence} for {destination!r} is damaged and cannot be delivered")
            )
        self.tables.count({(destination, "damaged"): len(sequences)})

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
            removed = self._remove(destination, list(by_sequence))
            for sequence in removed:
                one = by_sequence[sequence]
                if isinstance(one, Dead):
                    self.letters.bury(one, now)
                counted[destination, _COUNTER[type(one)]] += 1
                gone.append(sequence)
            users = {user: None for user in removed.values() if user is not None}
            self._advance(destination, list(users), now)
        self._forget(gone)
        self.tables.count(counted)
        return ours + len(gone)

    def _postpone(self, one: Retry) -> int:
        names = _names(one.subscriptions)
        job = one.job
        return self._db.execute(
            "UPDATE jobs SET due = ?, attempts = ?, subscriptions = ?, owner = 0, crashes = ?"
            " WHERE sequence = ? AND destination = ? AND owner = ?",
            (
                *(one.due, job.attempts + one.counts, names, one.crashes),
                *(job.sequence, job.destination, self._owner),
            ),
        ).rowcount

    def _remove(self, destination: str, sequences: Sequence[int]) -> dict[int, int | None]:
        """Delete the jobs among these that are ours; return which they were, with their users."""
        removed: dict[int, int | None] = {}
        for part in parts([(one,) for one in sequences]):
            removed.update(
                self._db.execute(
                    "DELETE FROM jobs WHERE destination = ? AND owner = ?"  # noqa: S608
                    f" AND sequence IN ({','.join('?' * len(part))}) RETURNING sequence, user",
                    (destination, self._owner, *flat(part)),
                )
            )
        return removed

    def _forget(self, sequences: Iterable[int]) -> None:
        """Delete events that no destination waits for any more."""
        for part in parts([(one,) for one in sorted(set(sequences))]):
            self._db.execute(
                f"DELETE FROM events WHERE sequence IN ({','.join('?' * len(part))})"  # noqa: S608
                " AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.sequence = events.sequence)",
                flat(part),
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

    def beat(self, now: float) -> None:
        """Write that the owner lives."""
        self._db.execute("UPDATE owners SET since = ? WHERE owner = ?", (now, self._owner))

    # -- upkeep ----------------------------------------------------------------------------

    def expire(self, seen_before: float, dead_before: float, most: int) -> tuple[int, int]:
        """Forget ids and dead letters that are too old, at most so many; return how many."""
        (newest,) = self._db.execute(
            "SELECT coalesce(max(number), 0) FROM (SELECT number, at FROM seen"
            " ORDER BY number LIMIT ?) WHERE at < ?",
            (most, seen_before),
        ).fetchone()
        seen = self._db.execute("DELETE FROM seen WHERE number <= ?", (newest,)).rowcount
        dead = self.letters.expire(dead_before, most)
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
        for destination, many in self.letters.counts():
            values.setdefault(destination, {})["letters"] = many
        return {name: Counts(**found) for name, found in sorted(values.items())}


_COUNTER: Final = {Delivered: "delivered", Filtered: "filtered", Dead: "dead"}


def _names(subscriptions: frozenset[str] | None) -> str | None:
    return None if subscriptions is None else orjson.dumps(sorted(subscriptions)).decode()
