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
USUAL: Final = (20, 24)
NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]+)?")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_HERE: Final = EPOCH.replace(tzinfo=None)
MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
MILLISECONDS_FROM: Final = 100_000_000_000
"""Larger numbers are milliseconds: as seconds they would be after the year 5138."""


def seconds(text: str) -> int | None:
    """Return the Unix seconds of an ISO 8601 text, or None when it is none."""
    size = len(text)
    if not (SHORTEST <= size <= LONGEST and text[4] == "-"):
        return None
    # most date-times end in Z with seconds or milliseconds: their shape is told by six characters
    usual = (
        size in USUAL
        and text[-1] == "Z"
        and text[10] == "T"
        and text[13] == ":" == text[16]
        and text[5].isdigit()
        and (size == 20 or text[19] == ".")  # noqa: PLR2004  without a fraction
    )
    if not usual and not ISO_8601.fullmatch(text):
        return None
    try:
        date = datetime.fromisoformat(text.upper() if text[-1] == "z" else text)
    except ValueError:
        return None
    passed = date - (EPOCH_HERE if date.tzinfo is None else EPOCH)
    return passed.days * 86_400 + passed.seconds


def instant(text: str) -> int | None:
    """Return the Unix seconds of a field that is a time: ISO 8601, seconds or milliseconds.

    Where a time is expected a blank between date and time, and a month alone, are read as well.
    """
    found = seconds(text)
    if found is None and " " in text:
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
    kind = type(value)
    if kind is dict:
        return _members(value)
    if kind is list:
        return _items(value)
    return _text(value) if kind is str else value


def _text(value: str) -> Any:
    # cheap tests first: almost no attribute is a date
    if len(value) < SHORTEST or value[4] != "-" or not value[0].isdigit():
        return value
    found = seconds(value)
    return value if found is None else found


def _members(value: dict[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] | None = None
    for key, one in value.items():
        kind = type(one)
        if kind is str:
            if len(one) < SHORTEST or one[4] != "-":
                continue
            new = _text(one)
        elif kind is dict:
            new = _members(one)
        elif kind is list:
            new = _items(one)
        else:
            continue
        if new is not one:
            if changed is None:
                changed = dict(value)
            changed[key] = new
    return value if changed is None else changed


def _items(value: list[Any]) -> list[Any]:
    changed: list[Any] | None = None
    for position, one in enumerate(value):
        new = converted(one)
        if new is not one:
            if changed is None:
                changed = list(value)
            changed[position] = new
    return value if changed is None else changed
