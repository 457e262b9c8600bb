"""Dead letters in the file: written with the end of their job, kept until somebody decides."""

from collections import Counter
from collections.abc import Sequence

import orjson

from destination_core.queue.records import Dead, DeadLetter
from destination_core.queue.tables import Tables, checksum


class Letters:
    """The operations on dead letters, inside transactions that others begin and end."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._db = tables.db

    def bury(self, one: Dead, now: float) -> None:
        """Write a dead letter."""
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

    def page(self, destination: str | None, limit: int, after: int) -> list[DeadLetter]:
        """Return dead letters by id."""
        rows = self._db.execute(
            "SELECT id, destination, sequence, source, at, subscription, action, code, reason,"
            " attempts, record FROM dead WHERE id > ? AND (? IS NULL OR destination = ?)"
            " ORDER BY id LIMIT ?",
            (after, destination, destination, limit),
        )
        return [DeadLetter(*row) for row in rows]

    def counts(self) -> list[tuple[str, int]]:
        """Return how many there are by destination."""
        found = self._db.execute("SELECT destination, count(*) FROM dead GROUP BY destination")
        return found.fetchall()

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
            sequence = self._tables.number(1)
            crc = checksum(sequence, source, body)
            self._tables.insert(
                "events (sequence, source, received, body, crc)",
                [(sequence, source, received, body, crc)],
            )
            names = orjson.dumps([subscription]).decode() if subscription else None
            self._tables.insert(
                "jobs (sequence, destination, due, subscriptions)",
                [(sequence, destination, now, names)],
            )
            counted[destination, "dead"] -= 1
            revived += 1
        self._tables.count(counted)
        return revived

    def drop(self, ids: Sequence[int]) -> int:
        """Delete dead letters; they stay counted as dead."""
        return sum(
            self._db.execute("DELETE FROM dead WHERE id = ?", (one,)).rowcount for one in ids
        )

    def expire(self, before: float, most: int) -> int:
        """Delete dead letters that are too old, at most so many; return how many."""
        return self._db.execute(
            "DELETE FROM dead WHERE id IN (SELECT id FROM dead WHERE at < ? LIMIT ?)",
            (before, most),
        ).rowcount
