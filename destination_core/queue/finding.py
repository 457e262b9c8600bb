"""Where the events of one user, or one event, are in the queue: read beside the writer."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from destination_core.numbers import is_number, text_of
from destination_core.queue.looking import looking
from destination_core.queue.records import Intake
from destination_core.queue.seen import FOUND, identity

_QUEUED: Final = (
    "SELECT jobs.destination, events.source, events.received, jobs.due, jobs.attempts, events.body"
    " FROM jobs JOIN events USING (sequence) WHERE ? = '' OR instr(events.body, CAST(? AS BLOB))"
    " ORDER BY jobs.sequence, jobs.destination"
)
_SEEN: Final = f"{FOUND} SELECT at FROM found JOIN seen USING (part) WHERE id = ?"  # noqa: S608


class Waiting(NamedTuple):
    """An event that is still to be delivered to a destination; moments are Unix seconds.

    ``due`` is when it is tried next, or until when it is in the hands of a runner.
    """

    destination: str
    source: str
    received: float
    due: float
    attempts: int
    event: Mapping[str, Any]


def waiting(path: Path, user: str | None, message: str | None) -> Iterator[Waiting]:
    """Yield what is queued of a user and with a ``messageId``, the oldest first; None is any.

    Every event of the queue is looked at: some seconds for a million. Raises ``ConfigurationError``
    when the file cannot be read.
    """
    with looking(path) as store:
        db, hint = store.tables.db, _hint(message or user or "")
        for row in db.execute(_QUEUED, (hint, hint)):
            try:
                event = orjson.loads(row[-1])
            except orjson.JSONDecodeError:  # damaged: whoever delivers finds out and says so
                continue
            if is_of(event, user, message):
                yield Waiting._make([*row[:-1], event])


def accepted_at(path: Path, sources: Iterator[str], message: str) -> float | None:
    """Return when an event with this ``messageId`` came in, as long as that is remembered."""
    with looking(path) as store:
        for source in sources:
            known = identity(Intake(source, message, b"", (), 0.0))
            if row := store.tables.db.execute(_SEEN, (-1, known)).fetchone():
                return float(row[0])
    return None


def is_of(event: object, user: str | None, message: str | None = None) -> bool:
    """Tell whether an event is of a user and has a ``messageId``; None stands for any."""
    return (
        isinstance(event, Mapping)
        and (user is None or user in _texts(event, "userId", "anonymousId"))
        and (message is None or message in _texts(event, "messageId"))
    )


def _texts(event: Mapping[str, Any], *keys: str) -> list[str]:
    found = [event[key] for key in keys if event.get(key) is not None]
    return [text_of(one) if is_number(one) else str(one) for one in found]


def _hint(text: str) -> str:
    """Return what the JSON of such an event has in it, "" where JSON has several ways."""
    return text if text.isascii() and text.isprintable() and not {*'"\\/'} & {*text} else ""
