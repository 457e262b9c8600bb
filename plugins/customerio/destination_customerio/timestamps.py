"""Dates as Customer.io wants them: whole Unix seconds.

One strict gate for all of them: ISO 8601 dates and date-times, up to nine fractional digits, UTC
where no zone is given. A phone number, an id or a year is never taken for a date, and a day that
does not exist stays the text it was.
"""

import math
import re
from datetime import UTC, datetime
from typing import Any, Final

ISO_8601: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
    r"(?:Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
SHORTEST: Final = 10
LONGEST: Final = 35
NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]+)?")
MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
MILLISECONDS_FROM: Final = 100_000_000_000
"""Larger numbers are milliseconds: as seconds they would be after the year 5138."""


def seconds(text: str) -> int | None:
    """Return the Unix seconds of an ISO 8601 text, or None when it is none."""
    if not (SHORTEST <= len(text) <= LONGEST and text[4] == "-" and ISO_8601.fullmatch(text)):
        return None
    try:
        date = datetime.fromisoformat(text.upper() if text[-1] == "z" else text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return math.floor(date.timestamp())


def instant(text: str) -> int | None:
    """Return the Unix seconds of a field that is a time: ISO 8601, seconds or milliseconds.

    Where a time is expected a blank between date and time, and a month alone, are read as well.
    """
    found = seconds(text.replace(" ", "T", 1))
    if found is None and MONTH.fullmatch(text):
        found = seconds(f"{text}-01")
    if found is not None or not NUMBER.fullmatch(text):
        return found
    number = float(text)
    return math.floor(number / 1000 if abs(number) >= MILLISECONDS_FROM else number)


def converted(value: Any) -> Any:
    """Return attributes with their ISO 8601 texts as Unix seconds, at any depth.

    Copies only what changes: the payload belongs to the engine, and may be sent again.
    """
    if isinstance(value, str):
        # cheap tests first: almost no attribute is a date
        if len(value) >= SHORTEST and value[4] == "-" and value[0].isdigit():
            found = seconds(value)
            return value if found is None else found
        return value
    if isinstance(value, dict):
        return _members(value)
    if isinstance(value, list):
        return _items(value)
    return value


def _members(value: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] | None = None
    for key, one in value.items():
        kind = type(one)
        if kind is str:
            if len(one) < SHORTEST or one[4] != "-":
                continue
        elif kind is not dict and kind is not list:
            continue
        new = converted(one)
        if new is not one:
            if changed is None:
                changed = dict(value)
            changed[key] = new
    return value if changed is None else changed


def _items(value: list[Any]) -> list[Any]:
    made = [converted(one) for one in value]
    changed = any(new is not old for new, old in zip(made, value, strict=True))
    return made if changed else value
