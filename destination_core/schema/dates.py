"""Dates as a ``datetime`` field accepts them: ISO 8601, RFC 2822, and unix seconds.

Deviation VAL-07: the hosted engine accepts whatever its JavaScript engine can make something
of, such as "hello 1", month 13 or February 30. A date without an offset is UTC.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

_TIME = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
_ISO = re.compile(
    r"([0-9]{4})(?:([-/])([0-9]{1,2})(?:\2([0-9]{1,2}))?)?"
    r"(?:[Tt ] *([0-9]{1,2})(?::([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]+))?)?)?)?"
)
# With an offset the hosted engine is stricter behind a T than behind a blank.
_ZONED = re.compile(
    rf"([0-9]{{4}})(-)([0-9]{{2}})-([0-9]{{2}})[Tt]{_TIME}([Zz]|[+-][0-9]{{2}}:?[0-9]{{2}})"
)
_SPACED = re.compile(
    rf"([0-9]{{4}})([-/])([0-9]{{2}})\2([0-9]{{2}}) {_TIME} ?([Zz]|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)"
)
_RFC_2822 = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), *)?([0-9]{1,2}) +"
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +([0-9]{4}) +"
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))? *(UTC?|GMT|Z|[+-][0-9]{4})",
    re.IGNORECASE,
)
# Written as JavaScript would write the number: "5.0" and "007" are not meant as seconds.
_UNIX = re.compile(r"-?(?:0|[1-9][0-9]{0,16})(?:\.[0-9]{0,16}[1-9])?")
# What `fromisoformat` reads without a slip: it skips whatever stands behind six decimals.
_USUAL = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MAX_SECONDS = 8_640_000_000_000  # the range of a JavaScript date
_MAX_TEXT = 64
_MILLISECONDS_FROM = 100_000_000_000  # 5138-11-16 in seconds, 1973-03-03 in milliseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_date_like(text: str) -> bool:
    """Tell whether a text is a date, or a number of seconds since 1970."""
    if len(text) > _MAX_TEXT:
        return False
    if _USUAL.fullmatch(text):
        try:  # nearly every date is one of these
            datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return True
    if _UNIX.fullmatch(text):
        return abs(float(text)) <= _MAX_SECONDS
    try:
        return _calendar_date(text) is not None
    except ValueError:
        return False


def date_of(value: str | float) -> datetime:
    """Make an aware ``datetime`` of a date-like text or number; raises ``ValueError``.

    A number of 1e11 or more is taken as milliseconds: in seconds it would lie beyond year 5138.
    """
    if not isinstance(value, str):
        return _from_unix(value)
    if _UNIX.fullmatch(value) and not re.fullmatch("[0-9]{4}", value):
        return _from_unix(float(value))
    found = _calendar_date(value)
    if found is None:
        raise ValueError(f"{value!r} is not a date")
    return found


def _from_unix(seconds: float) -> datetime:
    if abs(seconds) >= _MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        raise ValueError(f"{seconds!r} is beyond the calendar") from None


def _calendar_date(text: str) -> datetime | None:
    iso = _ZONED.fullmatch(text) or _SPACED.fullmatch(text) or _ISO.fullmatch(text)
    if iso:
        year, _, month, day, hour, minute, second, fraction, *offset = iso.groups()
        return _aware(
            (int(year), int(month or 1), int(day or 1)),
            (int(hour or 0), int(minute or 0), int(second or 0)),
            offset[0] if offset else "",
            int((fraction or "0")[:6].ljust(6, "0")),
        )
    mail = _RFC_2822.fullmatch(text)
    if mail:
        day, name, year, hour, minute, second, zone = mail.groups()
        return _aware(
            (int(year), _MONTHS.index(name.lower()) + 1, int(day)),
            (int(hour), int(minute), int(second or 0)),
            zone,
        )
    return None


def _aware(
    date: tuple[int, int, int], time: tuple[int, int, int], offset: str, microsecond: int = 0
) -> datetime:
    # Midnight may be written as 24:00 of the day before, and a leap second is the next minute.
    hour, minute, second = time
    extra = timedelta(0)
    if (hour, minute, second, microsecond) == (24, 0, 0, 0):
        hour, extra = 0, timedelta(days=1)
    elif second == 60 and minute == 59:  # noqa: PLR2004  a leap second
        second, extra = 59, timedelta(seconds=1)
    sign = -1 if offset[:1] == "-" else 1
    digits = offset[1:].replace(":", "") if offset[:1] in ("+", "-") else ""
    if digits:
        ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
        zone = timezone(sign * ahead)
    else:
        zone = UTC
    try:
        return datetime(*date, hour, minute, second, microsecond, tzinfo=zone) + extra
    except OverflowError:
        raise ValueError(f"{date!r} is beyond the calendar") from None
