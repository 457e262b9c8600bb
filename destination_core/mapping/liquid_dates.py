"""Dates in templates: what liquidjs reads, and its strftime."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

DEFAULT_FORMAT: Final = "%A, %B %-e, %Y at %-l:%M %P %z"
RFC822: Final = "%a, %d %b %Y %H:%M:%S %z"
XML_SCHEMA: Final = "%Y-%m-%dT%H:%M:%S%:z"

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DIRECTIVE: Final = re.compile(r"%([-_0^#:]*)([0-9]*)([A-Za-z%+])")
_PADS: Final[Mapping[str, tuple[int, str]]] = {
    "d": (2, "0"),
    "e": (2, " "),
    "H": (2, "0"),
    "I": (2, "0"),
    "j": (3, "0"),
    "k": (2, " "),
    "l": (2, " "),
    "L": (3, "0"),
    "m": (2, "0"),
    "M": (2, "0"),
    "N": (9, "0"),
    "S": (2, "0"),
    "U": (2, "0"),
    "W": (2, "0"),
    "y": (2, "0"),
}


def moment(value: Any, now: Callable[[], datetime]) -> datetime | None:
    """Read a date: ``now``, seconds since 1970, or ISO 8601 (UTC unless it says otherwise)."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float) or (
        isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value)
    ):
        try:
            return datetime.fromtimestamp(float(value), UTC)
        except (OverflowError, OSError, ValueError):
            return None
    if not isinstance(value, str):
        return None
    if value in ("now", "today"):
        return now().astimezone(UTC)
    if not re.match(r"\s*[0-9]{4}-?[0-9]{2}", value):
        return None
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def strftime(date: datetime, pattern: str) -> str:
    """Format a date by liquidjs's strftime; month and day names are English."""
    return _DIRECTIVE.sub(lambda match: _one(date, match), pattern)


def zoned(date: datetime, minutes: float) -> datetime:
    """Move a date to an offset, in minutes west of UTC as JavaScript counts."""
    return date.astimezone(timezone(timedelta(minutes=-minutes)))


def _one(date: datetime, match: re.Match[str]) -> str:
    flags, width, letter = match.groups()
    if letter == "%":
        return "%"
    if letter == "z":
        return _offset(date, colon=":" in flags)
    found = _VALUES.get(letter)
    if found is None:
        return match[0]
    text = found(date)
    size, pad = _PADS.get(letter, (0, " "))
    if width:
        size = int(width[:3])
    if "-" in flags:
        size = 0
    elif "_" in flags:
        pad = " "
    elif "0" in flags:
        pad = "0"
    text = text.rjust(size, pad)
    if "^" in flags:
        return text.upper()
    return text.swapcase() if "#" in flags else text


def _offset(date: datetime, *, colon: bool) -> str:
    total = int((date.utcoffset() or timedelta()).total_seconds() // 60)
    sign, total = ("-", -total) if total < 0 else ("+", total)
    return f"{sign}{total // 60:02d}{':' if colon else ''}{total % 60:02d}"


def _week(date: datetime, first: int) -> int:
    start = (date.replace(month=1, day=1).weekday() + 1 - first) % 7
    return (date.timetuple().tm_yday - 1 + start) // 7


def _ordinal(date: datetime) -> str:
    day = date.day
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


_VALUES: Final[Mapping[str, Callable[[datetime], str]]] = {
    "a": lambda d: _DAYS[d.weekday()][:3],
    "A": lambda d: _DAYS[d.weekday()],
    "b": lambda d: _MONTHS[d.month - 1][:3],
    "B": lambda d: _MONTHS[d.month - 1],
    "c": lambda d: strftime(d, "%a %b %e %H:%M:%S %Y"),
    "C": lambda d: str(d.year // 100),
    "d": lambda d: str(d.day),
    "D": lambda d: strftime(d, "%m/%d/%y"),
    "e": lambda d: str(d.day),
    "F": lambda d: strftime(d, "%Y-%m-%d"),
    "h": lambda d: _MONTHS[d.month - 1][:3],
    "H": lambda d: str(d.hour),
    "I": lambda d: str(d.hour % 12 or 12),
    "j": lambda d: str(d.timetuple().tm_yday),
    "k": lambda d: str(d.hour),
    "l": lambda d: str(d.hour % 12 or 12),
    "L": lambda d: str(d.microsecond // 1000),
    "m": lambda d: str(d.month),
    "M": lambda d: str(d.minute),
    "n": lambda _: "\n",
    "N": lambda d: f"{d.microsecond:06d}000",
    "p": lambda d: "AM" if d.hour < 12 else "PM",  # noqa: PLR2004  noon
    "P": lambda d: "am" if d.hour < 12 else "pm",  # noqa: PLR2004  noon
    "q": _ordinal,
    "r": lambda d: strftime(d, "%I:%M:%S %p"),
    "R": lambda d: strftime(d, "%H:%M"),
    "s": lambda d: str(int(d.timestamp())),
    "S": lambda d: str(d.second),
    "t": lambda _: "\t",
    "T": lambda d: strftime(d, "%H:%M:%S"),
    "u": lambda d: str(d.isoweekday()),
    "U": lambda d: str(_week(d, 0)),
    "w": lambda d: str(d.isoweekday() % 7),
    "W": lambda d: str(_week(d, 1)),
    "x": lambda d: strftime(d, "%m/%d/%y"),
    "X": lambda d: strftime(d, "%H:%M:%S"),
    "y": lambda d: str(d.year % 100),
    "Y": lambda d: str(d.year),
    "Z": lambda _: "UTC",
}
