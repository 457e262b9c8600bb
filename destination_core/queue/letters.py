"""Dead letters in the file: written with the end of their job, kept until somebody decides."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import orjson

from destination_core.queue.records import Damage, Dead, DeadLetter
from destination_core.queue.tables import PARKED, Tables, checksum, job_checksum

DAMAGED: Final = "DAMAGED"
"""The code of a letter that was made of what is left of a delivery."""


class Damaged(NamedTuple):
    """What is left of a delivery whose rows are damaged."""

    destination: str
    sequence: int
    source: str | None
    received: float | None
    body: bytes | None
    crc: int | None


class Letters:
    """The operations on dead letters, inside transactions that others begin and end.

    What is found damaged goes to ``damage``, once per letter.
    """

    def __init__(self, tables: Tables, damage: list[Damage]) -> None:
        self._tables = tables
        self._db = tables.db
        self._damage = damage
        self._damaged: set[int] = set()

    def bury(self, one: Dead, user: int | None, now: float) -> None:
        """Write a dead letter; ``user`` is in whose line it was, if in any."""
        job = one.job
        self._db.execute(
            "INSERT INTO dead (destination, sequence, source, received, at, subscription, action,"
            " code, reason, attempts, record, body, crc, record_crc, user)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *(job.destination, job.sequence, job.source, job.received, now),
                *(one.subscription, one.action, one.code, one.reason, job.attempts),
                *(one.record, job.body, checksum(job.sequence, job.source, job.body)),
                zlib.crc32(one.record),
                user,
            ),
        )

    def quarantine(self, row: Damaged, now: float) -> None:
        """Keep what is left of a damaged delivery for people to look at; it cannot be revived."""
        self._db.execute(
            "INSERT INTO dead (destination, sequence, source, received, at, subscription, action,"
            " code, reason, attempts, record, body, crc, record_crc)"
            " VALUES (?,?,?,?,?,'','',?,?,0,?,?,?,?)",
            (
                *(row.destination, row.sequence, row.source or "", row.received or now, now),
                DAMAGED,
                "what the file holds of it is not what was written",
                record := orjson.dumps({"event": (row.body or b"").decode("utf-8", "replace")}),
                *(row.body or b"", ~(row.crc or 0), zlib.crc32(record)),
            ),
        )

    def page(self, destination: str | None, limit: int, after: int) -> list[DeadLetter]:
        """Return dead letters by id; those that are damaged are reported, and returned."""
        rows = self._db.execute(
            "SELECT record_crc, crc, body, id, destination, sequence, source, at, subscription,"
            " action, code, reason, attempts, record FROM dead"
            " WHERE id > ? AND (? IS NULL OR destination = ?)"
            " ORDER BY id LIMIT ?",
            (after, destination, destination, limit),
        )
        found = []
        for record_crc, crc, body, *members in rows:
            letter = DeadLetter(*members)
            if record_crc is not None and record_crc != zlib.crc32(letter.record):
                self._tell(letter.id, "what it says is not what was written")
            elif letter.code != DAMAGED and crc != checksum(letter.sequence, letter.source, body):
                self._tell(letter.id, "its event cannot be queued again")
            found.append(letter)
        return found

    def counts(self) -> list[tuple[str, int]]:
        """Return how many there are by destination."""
        found = self._db.execute("SELECT destination, count(*) FROM dead GROUP BY destination")
        return found.fetchall()

    def is_consistent(self) -> bool:
        """Tell whether table and index name the same destinations: no checksum covers them."""
        sums = "SELECT destination, count(*), sum(id % 1000003), sum(id % 1009) FROM dead"
        by_table, by_index = (
            self._db.execute(f"{sums} {way} GROUP BY destination ORDER BY destination").fetchall()
            for way in ("NOT INDEXED", "INDEXED BY dead_by_destination")
        )
        return bool(by_table == by_index)

    def repair(self) -> str:
        """Make the index anew, if it differs; return what to say of it."""
        if self.is_consistent():
            return ""
        self._db.execute("REINDEX dead")
        return "of dead letters, some may be listed under another destination"

    def revive(
        self, ids: Sequence[int], now: float
    ) -> tuple[int, Mapping[str, Mapping[int, None]]]:
        """Make jobs of dead letters; deduplication does not see them.

        They have their whole retry window before them. One whose event is damaged stays. Returns
        how many they are, and by destination the users in whose lines they wait now.
        """
        revived = 0
        counted: Counter[tuple[str, str]] = Counter()
        lines: dict[str, dict[int, None]] = {}
        for one in ids:
            row = self._db.execute(
                "SELECT sequence, crc, destination, source, subscription, body, user FROM dead"
                " WHERE id = ?",
                (one,),
            ).fetchone()
            if row is None:
                continue
            before, crc, destination, source, subscription, body, user = row
            if crc != checksum(before, source, body):
                self._tell(one, "its event cannot be queued again")
                continue
            self._db.execute("DELETE FROM dead WHERE id = ?", (one,))
            self._queue(destination, source, subscription, body, user=user, now=now)
            if user is not None:
                lines.setdefault(destination, {})[user] = None
            counted[destination, "dead"] -= 1
            revived += 1
        self._tables.count(counted)
        return revived, lines

    def _queue(
        self,
        destination: str,
        source: str,
        subscription: str,
        body: bytes,
        *,
        user: int | None,
        now: float,
    ) -> None:
        sequence = self._tables.number(1)
        self._tables.insert(
            "events (sequence, source, received, body, crc)",
            [(sequence, source, now, body, checksum(sequence, source, body))],
        )
        names = orjson.dumps([subscription]).decode() if subscription else None
        guard = job_checksum(sequence, destination, 0, names)
        due = now if user is None else PARKED
        self._tables.insert(
            "jobs (sequence, destination, due, user, subscriptions, crc)",
            [(sequence, destination, due, user, names, guard)],
        )

    def drop(self, ids: Sequence[int]) -> int:
        """Delete dead letters; they stay counted as dead."""
        return sum(
            self._db.execute("DELETE FROM dead WHERE id = ?", (one,)).rowcount for one in ids
        )

    def expire(self, before: float, most: int) -> dict[str, int]:
        """Delete dead letters that are too old, at most so many; return how many of whom."""
        gone = self._db.execute(
            "DELETE FROM dead WHERE id IN (SELECT id FROM dead WHERE at < ? LIMIT ?)"
            " RETURNING destination",
            (before, most),
        ).fetchall()
        expired = Counter(destination for (destination,) in gone)
        self._tables.count({(name, "expired"): many for name, many in expired.items()})
        return dict(expired)

    def _tell(self, number: int, what: str) -> None:
        if number not in self._damaged:
            self._damaged.add(number)
            self._damage.append(Damage(f"dead letter {number} is damaged: {what}"))
