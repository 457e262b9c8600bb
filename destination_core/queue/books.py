"""Upkeep of the file: what is counted, whether that adds up, and what has grown too old."""

import sqlite3
from typing import Any, Final

from destination_core.queue.letters import Letters
from destination_core.queue.reconciling import DamagedFile, reconcile
from destination_core.queue.records import Counts, Damage, Expired
from destination_core.queue.seen import Seen
from destination_core.queue.tables import CLOCK, COMMITS, IDS, PARKED, SEQUENCE, Tables

SHRINK_PAGES: Final = 100
"""Empty pages that one round of upkeep gives back to the disk."""

SHORT_FACTOR: Final = 10
"""So many times as many where nothing is taken for want of room."""

SET_BACK_SECONDS: Final = 60
"""From which on a clock counts as set back."""


class Books:
    """The operations, inside transactions that others begin and end."""

    def __init__(self, tables: Tables, letters: Letters, seen: Seen, damage: list[Damage]) -> None:
        self._tables = tables
        self._db = tables.db
        self._letters = letters
        self._seen = seen
        self._damage = damage

    def expire(
        self, seen_before: float, dead_before: float, most: int, *, short: bool = False
    ) -> Expired:
        """Forget ids and dead letters that are too old, at most so many; return how many.

        More empty pages go back to a disk that is ``short`` of room.
        """
        seen = self._seen.expire(seen_before, most)
        dead = self._letters.expire(dead_before, most)
        self._shrink(SHRINK_PAGES * SHORT_FACTOR if short else SHRINK_PAGES)
        return Expired(seen, dead)

    def _shrink(self, pages: int) -> None:
        """Give empty pages back, one by one: Python takes one step of the statement only."""
        (empty,) = self._db.execute("PRAGMA freelist_count").fetchone()
        for _ in range(min(pages, empty)):
            self._db.execute("PRAGMA incremental_vacuum(1)")

    def note_time(self, now: float, every: float = 10.0) -> None:
        """Write down what time it is, so many seconds apart: ``follow_clock`` has to know."""
        self._db.execute(
            "INSERT INTO counters VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value WHERE excluded.value > value + ?",
            (*CLOCK, int(now), every),
        )

    def follow_clock(self, now: float) -> float:
        """Make due what waits for a time that is far again, as the clock was set back.

        Returns by how many seconds it was, since the last owner noted the time. Only for the one
        owner of a file: others go on by the time that they began with.
        """
        row = self._db.execute(
            "SELECT value FROM counters WHERE destination = ? AND name = ?", CLOCK
        ).fetchone()
        behind = row[0] - now if row else 0.0
        if behind <= SET_BACK_SECONDS:
            return 0.0
        self._db.execute(
            "UPDATE jobs SET due = max(?, due - ?) WHERE due > ? AND due < ?",
            (now, behind, now, PARKED),
        )
        self._tables.count({CLOCK: int(-behind)})
        return float(behind)

    def is_consistent(self, latest: float) -> bool:
        """Tell whether table, index and counters say the same, and every job has its day.

        Nothing is due after ``latest`` but what waits for another job.
        """
        sums = (
            "SELECT destination, sum(due > :latest AND due < :never), count(*),"
            " sum(sequence % 1000003), sum(CAST(min(due, 1e15) AS INTEGER) % 1000003)"
        )
        grouped = "GROUP BY destination ORDER BY destination"
        moments = {"latest": latest, "never": PARKED}
        by_table = [  # the sum of what no index holds: SQLite has to read the table for it
            row[:-1]
            for row in self._db.execute(f"{sums}, sum(attempts) FROM jobs {grouped}", moments)
        ]
        by_index = self._db.execute(
            f"{sums} FROM jobs INDEXED BY jobs_by_due {grouped}", moments
        ).fetchall()
        late = any(many for _, many, *_ in by_table)
        whole = all(one.difference == 0 for one in self.counts().values())
        agree = by_table == by_index and self._letters.is_consistent()
        return agree and not late and whole

    def repair(self, latest: float, now: float) -> None:
        """Make table, index and counters say the same again; what is gone counts as damaged.

        Raises ``DamagedFile`` when the table itself is damaged.
        """
        try:
            self._db.execute("REINDEX jobs")
        except sqlite3.IntegrityError as error:
            raise DamagedFile(f"the list of deliveries is damaged: {error}") from error
        stuck = self._db.execute(
            "UPDATE jobs SET due = ?, owner = 0 WHERE due > ? AND due < ?", (now, latest, PARKED)
        ).rowcount
        told = [
            reconcile(self._tables),
            f"{stuck} had no day" if stuck else "",
            self._letters.repair(),
        ]
        if not self.is_consistent(latest):
            raise DamagedFile("the list of deliveries is damaged")
        said = "; ".join(one for one in told if one) or "none is lost"
        self._damage.append(
            Damage(f"the list of deliveries was damaged and has been mended: {said}")
        )

    def counts(self) -> dict[str, Counts]:
        """Return the counters, with what is queued counted afresh."""
        values: dict[str, dict[str, Any]] = {}
        for destination, name, value in self._db.execute("SELECT * FROM counters"):
            if (destination, name) not in (SEQUENCE, COMMITS, CLOCK, IDS):
                values.setdefault(destination, {})[name] = value
        queued = self._db.execute(  # of an index alone: no event is read for it
            "SELECT destination, count(*), min(sequence) FROM jobs GROUP BY destination"
        ).fetchall()
        for destination, many, first in queued:
            row = self._db.execute("SELECT received FROM events WHERE sequence = ?", (first,))
            (oldest,) = row.fetchone() or (None,)
            values.setdefault(destination, {}).update(queued=many, oldest=oldest)
        for destination, many in self._letters.counts():
            values.setdefault(destination, {})["letters"] = many
        return {name: Counts(**found) for name, found in sorted(values.items(), key=str)}
