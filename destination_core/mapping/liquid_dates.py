"""Dates in templates: what liquidjs reads, and its strftime."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from liquid.exceptions import LiquidError

from destination_core.mapping import javascript_dates
from destination_core.mapping.liquid_values import is_nil, joined, number

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
_DIRECTIVE: Final = re.compile(r"%([-_0^#:]*)([0-9]*)([EO]?)(.)")
_WIDTHS: Final[Mapping[str, int]] = {**dict.fromkeys("CdeHIklmMSUWy", 2), "j": 3, "L": 3, "Y": 4}
_SPACED: Final = frozenset("aAbBceklpP")
_WIDEST: Final = 1_000


def moment(value: Any, now: Callable[[], datetime]) -> datetime | None:
    """Read a date: ``now``, seconds since 1970, or a text that JavaScript reads as a date."""
    if is_nil(value) or isinstance(value, Mapping):
        return None
    if isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000, UTC)
    if isinstance(value, list):
        return javascript_dates.parsed(joined(value, ","))
    if isinstance(value, int | float) or re.fullmatch("[0-9]+", value):
        try:
            return datetime.fromtimestamp(float(value), UTC)
        except (OverflowError, OSError, ValueError):
            return None
    if value in ("now", "today"):
        return now().astimezone(UTC)
    return javascript_dates.parsed(value)


def strftime(date: datetime, pattern: str) -> str:
    """Format a date by liquidjs's strftime; month and day names are English."""
    return _DIRECTIVE.sub(lambda match: _one(date, match), pattern)


def zoned(date: datetime, zone: Any) -> datetime:
    """Move a date to a zone: its name, or minutes west of UTC as JavaScript counts.

    Raises ``LiquidError`` for a zone that there is not.
    """
    if isinstance(zone, str):
        try:
            return date.astimezone(ZoneInfo(zone))
        except (ValueError, OSError, ZoneInfoNotFoundError):
            raise LiquidError(f"date: no time zone {zone!r}", token=None) from None
    minutes = number(zone)
    if abs(minutes) >= 24 * 60:
        raise LiquidError(f"date: no time zone is {minutes:g} minutes from UTC", token=None)
    return date.astimezone(timezone(timedelta(minutes=-minutes)))


def _one(date: datetime, match: re.Match[str]) -> str:
    flags, width, _, letter = match.groups()
    if letter == "%":
        text = "%"
    elif letter == "z" or (letter == "Z" and not _zone_name(date)):
        text = _offset(date, colon=":" in flags)
    elif letter == "N":
        text = f"{date.microsecond // 1000:03d}"[: int(width[:4] or 9)]
        text = text.ljust(min(int(width[:4] or 9), _WIDEST), "0")
    elif letter in _VALUES:
        text = _VALUES[letter](date)
    else:
        return match[0]
    if "^" in flags:
        text = text.upper()
    elif "#" in flags:
        text = text.upper() if re.search("[a-z]", text) else text.lower()
    pad = " " if letter in _SPACED else "0"
    pad = " " if "_" in flags else "0" if "0" in flags else pad
    size = 0 if "-" in flags else min(int(width[:4] or 0), _WIDEST) or _WIDTHS.get(letter, 0)
    if pad == "0" and text.startswith("-"):
        return "-" + text[1:].rjust(size - 1, pad)
    return text.rjust(size, pad)


def _zone_name(date: datetime) -> str:
    if date.tzinfo is UTC:
        return "UTC"
    return str(date.tzinfo) if isinstance(date.tzinfo, ZoneInfo) else ""


def _offset(date: datetime, *, colon: bool) -> str:
    total = int((date.utcoffset() or timedelta()).total_seconds() // 60)
    sign, total = ("-", -total) if total < 0 else ("+", total)
    return f"{sign}{total // 60:02d}{':' if colon else ''}{total % 60:02d}"


def _clock(date: datetime) -> str:
    return f"{date.hour % 12 or 12}:{date:%M:%S} {'AM' if date.hour < 12 else 'PM'}"  # noqa: PLR2004


def _day(date: datetime) -> str:
    return f"{date.month}/{date.day}/{date.year}"


def _week(date: datetime, first: int) -> int:
    passed = (date.isoweekday() - first) % 7
    return (date.timetuple().tm_yday - 1 - passed + 7) // 7


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
    "c": lambda d: f"{_day(d)}, {_clock(d)}",
    "C": lambda d: str(d.year // 100),
    "d": lambda d: str(d.day),
    "e": lambda d: str(d.day),
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
    "p": lambda d: "AM" if d.hour < 12 else "PM",  # noqa: PLR2004  noon
    "P": lambda d: "am" if d.hour < 12 else "pm",  # noqa: PLR2004  noon
    "q": _ordinal,
    "s": lambda d: str(int(d.timestamp())),
    "S": lambda d: str(d.second),
    "t": lambda _: "\t",
    "u": lambda d: str(d.isoweekday()),
    "U": lambda d: str(_week(d, 0)),
    "w": lambda d: str(d.isoweekday() % 7),
    "W": lambda d: str(_week(d, 1)),
    "x": _day,
    "X": _clock,
    "y": lambda d: str(d.year % 100),
    "Y": lambda d: str(d.year),
    "Z": _zone_name,
}
