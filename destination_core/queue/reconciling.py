"""Make the counters agree with the rows again, after damage."""

import sqlite3

from destination_core.queue.tables import Tables


class DamagedFile(sqlite3.DatabaseError):
    """The file is not what was written, though SQLite takes it for whole."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def reconcile(tables: Tables) -> str:
    """Count as damaged what is gone, so that the sums are right again; return what to say."""
    values: dict[str, dict[str, int]] = {}
    for destination, name, value in tables.db.execute("SELECT * FROM counters").fetchall():
        values.setdefault(destination, {})[name] = value
    queued = dict(
        tables.db.execute("SELECT destination, count(*) FROM jobs GROUP BY destination").fetchall()
    )
    (last,) = tables.db.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()
    before = tables.reached().sequence
    if last > before:
        tables.number(last - before)
    lost = 0
    for destination in sorted(set(values) | set(queued), key=str):
        if not destination:
            continue
        found = values.get(destination, {})
        ended = sum(found.get(name, 0) for name in ("delivered", "dead", "filtered", "damaged"))
        missing = found.get("accepted", 0) - ended - queued.get(destination, 0)
        if missing > 0:
            tables.count({(destination, "damaged"): missing})
            lost += missing
        elif missing < 0:
            tables.count({(destination, "accepted"): -missing})
    return f"{lost} deliveries are lost" if lost else ""
