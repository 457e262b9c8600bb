"""Dates as Customer.io wants them: whole Unix seconds.

One strict gate for all of them: ISO 8601 dates and date-times as the hosted destination knows
them, up to nine fractional digits, UTC where no zone is given. A phone number, an id or a year is
never taken for a date, and a day that does not exist stays the text it was.
"""

import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

REST: Final = r"\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
"""What follows the first hyphen."""

ISO_8601: Final = re.compile(rf"\d\d\d\d-{REST}", re.ASCII)
IN_JSON: Final = re.compile(rf'(-(?<=[:,\[]"\d\d\d\d-){REST})"(?!:)', re.ASCII)
"""An ISO 8601 text in JSON, unless it is a key, from its first hyphen to its closing quote.

Hyphens are rare, so the search begins with one and looks back from there. Inside a text quotes are
escaped: one that comes after a colon, a comma or a bracket opens a value.
"""

DAY: Final = len("2026-01-02")
SENT: Final = len("2026-01-02T03:04:05.678Z")
"""What JavaScript's ``toISOString`` writes, and so do Segment's sources: always that long."""

NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]+)?")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_HERE: Final = EPOCH.replace(tzinfo=None)
MONTH: Final = re.compile(r"[0-9]{4}-[0-9]{2}")
MILLISECONDS_FROM: Final = 100_000_000_000
"""Larger numbers are milliseconds: as seconds they would be after the year 5138."""


_read: Final = datetime.fromisoformat


def seconds(text: str) -> int | None:
    """Return the Unix seconds of an ISO 8601 text, or None when it is none."""
    return _seconds(text) if ISO_8601.fullmatch(text) else None


def _seconds(text: str) -> int | None:
    try:
        date = _read(text)
    except ValueError:
        return None
    passed = date - (EPOCH_HERE if date.tzinfo is None else EPOCH)
    return passed.days * 86_400 + passed.seconds


_day = lru_cache(maxsize=4_096)(_seconds)
"""The same for dates without a time, of which there are few."""


def instant(text: str) -> int | None:
    """Return the Unix seconds of a field that is a time: ISO 8601, seconds or milliseconds.

    Where a time is expected a blank between date and time, and a month alone, are read as well.
    """
    # fromisoformat reads more forms, but none of this shape: half the price of the gate's search
    if text[4:20:3] == "--T::." and len(text) == SENT and text[-1] == "Z":
        return _seconds(text)
    if ISO_8601.fullmatch(text):
        return _seconds(text)
    found = seconds(text.replace(" ", "T", 1)) if " " in text else None
    if found is None and MONTH.fullmatch(text):
        found = seconds(f"{text}-01")
    if found is not None or not NUMBER.fullmatch(text):
        return found
    number = float(text)
    return math.floor(number / 1000 if abs(number) >= MILLISECONDS_FROM else number)


def converted(body: str) -> str:
    """Return JSON with its ISO 8601 texts as Unix seconds, at any depth; keys stay as they are.

    A search of the text is cheaper than a walk over the values: 0.3 µs against 1.5 µs for 0.4 kB
    without a date.
    """
    parts = IN_JSON.split(body)  # text, date, text, date, …, text
    if len(parts) == 1:
        return body
    for place in range(1, len(parts), 2):
        before, rest = parts[place - 1], parts[place]
        text = before[-4:] + rest
        date = _day(text) if len(text) == DAY else _seconds(text)
        if date is None:
            parts[place] = f'{rest}"'
        else:
            parts[place - 1] = before[:-5]
            parts[place] = str(date)
    return "".join(parts)
