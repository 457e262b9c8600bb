"""Read the `Retry-After` header."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 86_400.0
"""Seconds; no destination makes an event wait for more than a day at a time."""

_SECONDS: Final = re.compile(r"\s*([+-]?[0-9]{1,20})(?:\.[0-9]*)?\s*\Z")


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds to wait, or None when the header is absent or makes no sense.

    Both forms of RFC 9110, section 10.2.3: seconds (a fraction is dropped) and an HTTP date, which
    is compared with ``now`` (default: the clock). Clamped to 0 … 86,400.
    """
    if value is None:
        return None
    seconds = _SECONDS.match(value)
    if seconds:
        return min(max(float(seconds[1]), 0.0), LONGEST)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    try:
        wait = (date - (now or datetime.now(UTC))).total_seconds()
    except OverflowError:
        return None
    return min(max(wait, 0.0), LONGEST)
