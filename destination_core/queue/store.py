"""Events and jobs: what is done to them, inside transactions that others begin and end.

One row per event (``events``, never changed) and one per event and destination (``jobs``, small,
changed by every claim), so that a claim does not write the body again. ``due`` is also the lease:
a claimed job is due again when its lease ends. A job that waits for an earlier one of its user is
parked: due never, until the earlier one has ended. All counters are changed in the transaction that
changes what they count.
"""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import orjson

from destination_core.queue.books import Books
from destination_core.queue.letters import Damaged, Letters
from destination_core.queue.records import (
    Damage,
    Dead,
    Delivered,
    Filtered,
    Intake,
    Job,
    Retry,
    Settlement,
)
from destination_core.queue.seen import Seen
from destination_core.queue.tables import (
    IN_LIST,
    PARKED,
    Tables,
    checksum,
    flat,
    job_checksum,
    listed,
    parts,
    places,
    user_number,
)


class Store:
    """The operations; ``owner`` is the epoch under which jobs are claimed."""

    def __init__(self, connection: sqlite3.Connection, owner: int) -> None:
        self._db = connection
        self._owner = owner
        self.tables = Tables(connection)
        self.damage: list[Damage] = []
        self.letters = Letters(self.tables, self.damage)
        self.seen = Seen(self.tables)
        self.books = Books(self.tables, self.letters, self.seen, self.damage)

    # -- in --------------------------------------------------------------------------------

    def put(self, events: Sequence[Intake]) -> list[bool]:
        """Insert the events that are new, and their jobs; tell of each whether it was."""
        new = self.seen.remember(events)
        counted: Counter[tuple[str, str]] = Counter()
        counted["", "duplicates"] = new.count(False)
        fresh = [one for one, is_new in zip(events, new, strict=True) if is_new]
        kept = [one for one in fresh if one.destinations]
        last = self.tables.number(len(kept)) if kept else 0
        rows: list[tuple[Any, ...]] = []
        jobs: list[tuple[Any, ...]] = []
        lines: dict[str, dict[int, None]] = {}
        for sequence, one in enumerate(kept, last - len(kept) + 1):
            source, _, body, destinations, received, user, ordered, chosen, trace = one
            crc = checksum(sequence, source, body)
            rows.append((sequence, source, received, body, crc, trace or None))
            names = _names(chosen)
            for destination in destinations:
                due, line = received, None
                if user and destination in ordered:
                    due, line = PARKED, user_number(user)
                    lines.setdefault(destination, {})[line] = None
                guard = job_checksum(sequence, destination, 0, names)
                jobs.append((sequence, destination, due, line, names, guard))
        for destination, many in Counter([job[1] for job in jobs]).items():
            counted[destination, "accepted"] = many
        self.tables.insert("events (sequence, source, received, body, crc, trace)", rows)
        self.tables.insert("jobs (sequence, destination, due, user, subscriptions, crc)", jobs)
        for destination, users in lines.items():
            self._advance(destination, list(users), kept[-1].received)
        unwanted = len(fresh) - len(kept)  # no destination wants them: counted, not kept
        counted["", "accepted"] = counted["", "filtered"] = unwanted
        self.tables.count(counted)
        return new

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
            "SELECT jobs.sequence, owner, attempts, crashes, subscriptions, jobs.crc, source,"
            " received, body, events.crc, trace FROM jobs LEFT JOIN events USING (sequence)"
            " WHERE destination = ? AND due <= ? ORDER BY due, jobs.sequence LIMIT ?",
            (destination, now, limit),
        ).fetchall()
        jobs: list[Job] = []
        broken: list[Damaged] = []
        for row in found:
            sequence, owner, attempts, crashes, names, guard, *kept, crc, trace = row
            source, received, body = kept
            if not _is_sound(guard, sequence, destination, attempts, names) or (
                body is None or crc != checksum(sequence, source, body)
            ):
                broken.append(Damaged(destination, sequence, source, received, body, crc))
                continue
            lost = crashes + (owner != 0)
            left = None if names is None else frozenset(orjson.loads(names))
            about = (sequence, destination, source, received, body)
            jobs.append(Job(*about, attempts, lost, left, trace or ""))
        if jobs:  # whoever waits asks again and again
            self._db.execute(
                "UPDATE jobs SET due = ?, crashes = crashes + (owner != 0), owner = ?"  # noqa: S608
                f" WHERE destination = ? AND sequence {IN_LIST}",
                (now + lease, self._owner, destination, listed([one.sequence for one in jobs])),
            )
        if broken:
            self._put_aside(broken, now)
        return jobs

    def renew(self, jobs: Sequence[Job], now: float, lease: float) -> int:
        """Lease jobs that are still ours for longer; return how many they are."""
        ours = 0
        by_destination: dict[str, list[int]] = {}
        for job in jobs:
            by_destination.setdefault(job.destination, []).append(job.sequence)
        for destination, sequences in by_destination.items():
            ours += self._db.execute(
                "UPDATE jobs SET due = ? WHERE destination = ? AND owner = ?"  # noqa: S608
                f" AND sequence {IN_LIST}",
                (now + lease, destination, self._owner, listed(sequences)),
            ).rowcount
        return ours

    def _put_aside(self, rows: Sequence[Damaged], now: float) -> None:
        for row in rows:
            destination, sequence = row.destination, row.sequence
            (user,) = self._db.execute(
                "DELETE FROM jobs WHERE destination = ? AND sequence = ? RETURNING user",
                (destination, sequence),
            ).fetchone()
            if user is not None:
                self._advance(destination, [user], now)
            self.letters.quarantine(row, now)
            self.damage.append(
                Damage(f"event {sequence} for {destination!r} is damaged and cannot be delivered")
            )
            self.tables.count({(destination, "damaged"): 1})
        self._forget([row.sequence for row in rows])

    def is_behind(self, job: Job, marks: Sequence[bytes]) -> bool:
        """Look for an earlier event that holds one of these, at the job's destination."""
        holding = " OR ".join("instr(body, ?)" for _ in marks)
        found = self._db.execute(
            "SELECT 1 FROM jobs JOIN events USING (sequence)"  # noqa: S608
            f" WHERE destination = ? AND jobs.sequence < ? AND ({holding}) LIMIT 1",
            (job.destination, job.sequence, *marks),
        )
        return found.fetchone() is not None

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
            for sequence, user in removed.items():
                one = by_sequence[sequence]
                if isinstance(one, Dead):
                    self.letters.bury(one, user, now)
                counted[destination, _COUNTER[type(one)]] += 1
                gone.append(sequence)
            users = {user: None for user in removed.values() if user is not None}
            self._advance(destination, list(users), now)
        self._forget(gone)
        self.tables.count(counted)
        return ours + len(gone)

    def revive(self, ids: Sequence[int], now: float) -> int:
        """Make jobs of dead letters, each at the end of the line of its user if it was in one."""
        revived, lines = self.letters.revive(ids, now)
        for destination, users in lines.items():
            self._advance(destination, list(users), now)
        return revived

    def _postpone(self, one: Retry) -> int:
        names = _names(one.subscriptions)
        job = one.job
        attempts = job.attempts + one.counts
        return self._db.execute(
            "UPDATE jobs SET due = ?, attempts = ?, subscriptions = ?, owner = 0, crashes = ?,"
            " crc = ? WHERE sequence = ? AND destination = ? AND owner = ?",
            (
                *(one.due, attempts, names, one.crashes),
                job_checksum(job.sequence, job.destination, attempts, names),
                *(job.sequence, job.destination, self._owner),
            ),
        ).rowcount

    def _remove(self, destination: str, sequences: Sequence[int]) -> dict[int, int | None]:
        """Delete the jobs among these that are ours; return which they were, with their users."""
        which = f"destination = ? AND owner = ? AND sequence {IN_LIST}"
        key = (destination, self._owner, listed(sequences))
        ours, users = self._db.execute(
            f"SELECT count(*), count(user) FROM jobs WHERE {which}",  # noqa: S608
            key,
        ).fetchone()
        if ours == len(sequences) and not users:  # as a rule: no row has to come back
            self._db.execute(f"DELETE FROM jobs WHERE {which}", key)  # noqa: S608
            return dict.fromkeys(sequences)
        return dict(
            self._db.execute(
                f"DELETE FROM jobs WHERE {which} RETURNING sequence, user",  # noqa: S608
                key,
            )
        )

    def _forget(self, sequences: Sequence[int]) -> None:
        """Delete events that no destination waits for any more."""
        self._db.execute(
            f"DELETE FROM events WHERE sequence {IN_LIST}"  # noqa: S608
            " AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.sequence = events.sequence)",
            (listed(sequences),),
        )

    def release(self, owners: Sequence[int], *, crashed: bool) -> int:
        """Give back what owners had claimed, and forget them; one more crash each if they died."""
        many = 0
        for owner in owners:
            many += self._db.execute(
                "UPDATE jobs SET due = 0, owner = 0, crashes = crashes + ? WHERE owner = ?",
                (crashed, owner),
            ).rowcount
            self._db.execute("DELETE FROM owners WHERE owner = ?", (owner,))
        return many

    def beat(self, now: float) -> None:
        """Write that the owner lives."""
        self._db.execute("UPDATE owners SET since = ? WHERE owner = ?", (now, self._owner))


_COUNTER: Final = {Delivered: "delivered", Filtered: "filtered", Dead: "dead"}


def _is_sound(
    guard: int | None, sequence: int, destination: str, attempts: int, names: str | None
) -> bool:
    """Tell whether a job is as it was written; one of an older version has no checksum."""
    return guard is None or guard == job_checksum(sequence, destination, attempts, names)


def _names(subscriptions: frozenset[str] | None) -> str | None:
    return None if subscriptions is None else orjson.dumps(sorted(subscriptions)).decode()
