"""Which ids were seen: in the file for good, and in memory to know at once which are new.

Ids are digests: in one index, each new one falls on a page of its own. So a new id goes into a
small part of the index, one that the ids around it share and that later gives way to the next;
upkeep moves full parts, sorted, into the part of their hour, which is forgotten as a whole.

An id may be in any part, but hardly any is looked for: a filter in memory knows those that are
surely new. It holds every id of the file, those of other processes too: a counter tells when they
have added some.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from destination_core.queue.bloom import ID_BYTES, Bloom
from destination_core.queue.records import Intake
from destination_core.queue.tables import IDS, Tables, flat, parts

FRESH: Final = 2**40
"""Parts from here on are those of new ids; those below are hours since 1970."""

PART: Final = 2_048
"""Ids of one part: about twenty pages."""

FOUND: Final = (
    "WITH RECURSIVE found (part) AS (SELECT min(part) FROM seen WHERE part >= ?"
    " UNION ALL SELECT (SELECT min(part) FROM seen WHERE part > found.part) FROM found"
    " WHERE found.part IS NOT NULL)"
)
"""The parts that there are, from one on: one step of the index for each."""

HOUR: Final = 3_600

FULL_PARTS: Final = 16
"""Parts that are worth moving."""

SLICES: Final = 8
"""Transactions that move them: each moves the ids of one range, and holds nobody up for long."""

PIECE: Final = 20_000
"""Ids that one transaction reads into the filter, after a start."""


class Seen:
    """The operations on ids, inside transactions that others begin and end."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._db = tables.db
        self._filter: Bloom | None = None
        self._next: Bloom | None = None
        self._read: tuple[int, bytes] = (-1, b"")
        self._before = 0
        self._total = 0
        self._usual = 0
        self._full: list[int] = []
        self._slice = 0

    def remember(self, events: Sequence[Intake]) -> list[bool]:
        """Remember the ids of events; tell of each whether it is new."""
        ids = [identity(one) for one in events]
        asked = [key for key in ids if key is not None]
        if not asked:
            return [True] * len(events)
        self._before = self._follow()
        known = self._known(asked)
        new: list[bool] = []
        rows: list[tuple[Any, ...]] = []
        part = FRESH + self._before // PART
        for key, one in zip(ids, events, strict=True):
            is_new = key is None or key not in known
            new.append(is_new)
            if key is not None and is_new:
                known.add(key)  # the same id twice in one call is new only once
                rows.append((part, key, one.received))
        if rows:
            rows.sort()  # neighbours in the index
            self._tables.insert("seen (part, id, at)", rows)
            self._tables.count({IDS: len(rows)})
            self._add([key for _, key, _ in rows])
        self._total = self._before + len(rows)
        return new

    def undone(self) -> None:
        """Learn that the transaction was undone: what was added in it is not there."""
        self._total = self._before

    def _known(self, ids: Sequence[bytes]) -> set[bytes]:
        """Return those of the ids that are in the file."""
        if self._filter is not None:
            ids = self._filter.perhaps(ids)
        known: set[bytes] = set()
        places = self._parts() if ids else []
        for part in parts([(key,) for key in ids]):
            marks = ",".join("?" * len(part))
            found = self._db.execute(
                f"SELECT id FROM seen WHERE part IN ({','.join('?' * len(places))})"  # noqa: S608
                f" AND id IN ({marks})",
                (*places, *flat(part)),
            )
            known.update(key for (key,) in found)
        return known

    def _parts(self, first: int = -1) -> list[int]:
        """Return the parts that there are, in order."""
        found = self._db.execute(
            f"{FOUND} SELECT part FROM found WHERE part IS NOT NULL",  # noqa: S608
            (first,),
        )
        return [part for (part,) in found]

    # -- the filter ------------------------------------------------------------------------

    def _follow(self) -> int:
        """Learn of ids that are not in the filter yet; return how many were ever remembered."""
        total = self._tables.value(IDS)
        if self._filter is None and self._next is None:
            self._begin()
        elif total != self._total:
            since = FRESH + min(total, self._total) // PART
            first = next(iter(self._parts(FRESH)), None)
            if first is not None and first <= since:
                self._add(self._ids("part >= ?", since))
            else:  # they may have been moved meanwhile
                self._filter = None
                self._begin()
        if self._next is not None:
            self._read_on(self._next)
        return total

    def _begin(self) -> None:
        """Begin a filter: new ids first, for they move into the hours."""
        self._next = Bloom()
        self._read = (-1, b"")
        self._add(self._ids("part >= ?", FRESH))

    def _read_on(self, made: Bloom) -> None:
        """Add some of the hours' ids; a filter that has them all takes the place of the other."""
        rows = self._db.execute(
            "SELECT part, id FROM seen WHERE (part, id) > (?, ?) AND part < ?"
            " ORDER BY part, id LIMIT ?",
            (*self._read, FRESH, PIECE),
        ).fetchall()
        _into(made, [key for _, key in rows])
        if len(rows) == PIECE:
            self._read = rows[-1]
            return
        self._filter, self._next = made, None
        self._usual = made.many

    def _ids(self, where: str, *values: Any) -> list[bytes]:
        found = self._db.execute(f"SELECT id FROM seen WHERE {where}", values)  # noqa: S608
        return [key for (key,) in found]

    def _add(self, ids: Sequence[bytes]) -> None:
        for one in (self._filter, self._next):
            if one is not None:
                _into(one, ids)
        now = self._filter
        if now is not None and now.is_crowded and self._next is None:
            if now.many > 2 * self._usual:  # most of it may have been forgotten in the file
                self._begin()
            else:
                now.double()

    # -- upkeep ----------------------------------------------------------------------------

    def expire(self, before: float, most: int) -> int:
        """Forget ids that are too old: whole hours, at most so many; and new ones. Return how many.

        An id is remembered for up to an hour longer than it has to be.
        """
        last = (min(int(before // HOUR), FRESH), b"")
        further = self._db.execute(
            "SELECT part, id FROM seen WHERE (part, id) < (?, ?) ORDER BY part, id"
            " LIMIT 1 OFFSET ?",
            (*last, most),
        ).fetchone()
        gone = self._db.execute(
            "DELETE FROM seen WHERE (part, id) < (?, ?)", further or last
        ).rowcount
        for part in self._parts(FRESH):
            found = self._db.execute(
                "DELETE FROM seen WHERE part = ? AND at < ?", (part, before)
            ).rowcount
            if not found:
                break
            gone += found
        return gone

    def move(self) -> bool:
        """Move a slice of the full parts into their hours; tell whether there is another."""
        if not self._slice:
            now = FRESH + self._tables.value(IDS) // PART
            found = [part for part in self._parts(FRESH) if part < now]
            # together, so that several fall on one page of the hour's
            self._full = found if found and found[0] <= now - FULL_PARTS else []
        number, self._slice = self._slice, (self._slice + 1) % SLICES if self._full else 0
        width = 256 // SLICES
        first, last = number * width, (number + 1) * width
        limits = bytes([first]), bytes([last]) if last < 256 else b"\xff" * (ID_BYTES + 1)  # noqa: PLR2004
        for some in parts([(part,) for part in self._full]):
            which = f"part IN ({','.join('?' * len(some))}) AND id >= ? AND id < ?"
            values = (*flat(some), *limits)
            self._db.execute(
                f"INSERT OR IGNORE INTO seen SELECT CAST(max(at, 0) / {HOUR} AS INTEGER), id, at"  # noqa: S608
                f" FROM seen WHERE {which} ORDER BY 1, 2",
                values,
            )
            self._db.execute(f"DELETE FROM seen WHERE {which}", values)  # noqa: S608
        return bool(self._slice)


def identity(one: Intake) -> bytes | None:
    """Return what an event is known by: 16 bytes of its source and ``messageId``, or nothing."""
    if not one.message_id:
        return None
    text = f"{one.source}\0{one.message_id}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=ID_BYTES).digest()


def _into(one: Bloom, ids: Sequence[bytes]) -> None:
    one.add([key for key in ids if len(key) == ID_BYTES])  # others are damaged
