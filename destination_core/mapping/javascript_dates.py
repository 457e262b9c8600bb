"""Dates in texts, as JavaScript's ``Date`` reads them: ISO 8601, else whatever looks like one."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_ISO: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
    r"(?:T(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:(Z)|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII,
)
_TOKEN: Final = re.compile(r"(?P<number>[0-9]+)|(?P<word>[^\x00-@]+)|(?P<blank>\s+)|(?P<other>.)")
"""As in V8, a word is of whatever comes behind "@" in Unicode: brackets and emoji as well."""

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun",
                  "jul", "aug", "sep", "oct", "nov", "dec")  # fmt: skip
_ZONES: Final = {"z": 0, "ut": 0, "utc": 0, "gmt": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5,
                 "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}  # fmt: skip
_LONGEST: Final = 100
_MOST_NUMBERS: Final = 3
_PARTS_OF_A_DAY: Final = (24, 60, 60, 1000)


class _Unreadable(Exception):
    """The text is no date."""


def parsed(text: str) -> datetime | None:
    """Read a date, UTC unless the text names another zone; None when there is none in it.

    A day that its month does not have is one of the next month, as in JavaScript.
    """
    if len(text) > _LONGEST:
        return None
    match = _ISO.fullmatch(text.strip())
    try:
        return _of_iso(match) if match else _Reading(text).date()
    except (_Unreadable, ValueError, OverflowError):
        return None


def _of_iso(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, decimals, _, sign, ahead, more = match.groups()
    offset = int(ahead or 0) * 60 + int(more or 0)
    milliseconds = int(f"{decimals or 0:0<3}"[:3])
    time = (int(hour or 0), int(minute or 0), int(second or 0), milliseconds)
    if time[0] * 3_600_000 + time[1] * 60_000 + time[2] * 1000 + time[3] > 86_400_000:  # noqa: PLR2004
        raise _Unreadable
    if max(time[1:3]) > 59:  # noqa: PLR2004
        raise _Unreadable
    date = (int(year), int(month or 1), int(day or 1))
    return _made(date, time, -offset if sign == "-" else offset)


def _made(date: tuple[int, int, int], time: tuple[int, ...], offset: int) -> datetime:
    year, month, day = date
    if not 1 <= day <= 31:  # noqa: PLR2004
        raise _Unreadable
    hour, minute, second, milliseconds = time
    return datetime(year, month, 1, tzinfo=UTC) + timedelta(
        days=day - 1,
        hours=hour,
        minutes=minute - offset,
        seconds=second,
        milliseconds=milliseconds,
    )


class _Reading:
    """What was found so far in a text that is not ISO 8601: numbers, a month, a time, a zone."""

    def __init__(self, text: str) -> None:
        without_remarks = re.sub(r"\([^()]*\)", " ", text)
        self._tokens = [
            (match.lastgroup or "", match[0]) for match in _TOKEN.finditer(without_remarks)
        ]
        self._at = 0
        self._numbers: list[int] = []
        self._month: int | None = None
        self._time: list[int] = []
        self._time_ended = False
        self._afternoon: int | None = None
        self._offset: int | None = None
        self._read_number = False

    def date(self) -> datetime:
        """Read all of it; raises ``_Unreadable`` or ``ValueError`` when it is no date."""
        while self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            self._at += 1
            if kind == "number":
                self._number(int(text))
            elif kind == "word":
                self._word(text.lower())
            elif text in "+-" and (self._offset == 0 or self._time):
                self._zone(-1 if text == "-" else 1)
            elif text in "+-)" and self._read_number:
                raise _Unreadable
        return self._assembled()

    def _next(self, text: str = "") -> bool:
        """Skip this text if it comes next."""
        found = self._at < len(self._tokens) and self._tokens[self._at][1] == text
        self._at += found
        return found

    def _comes(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("blank", "")

    def _expects(self, number: int) -> bool:
        place = len(self._time)
        fits = 1 <= place < len(_PARTS_OF_A_DAY) and number < _PARTS_OF_A_DAY[place]
        return fits and not self._time_ended

    def _number(self, number: int) -> None:
        self._read_number = True
        if self._next(":"):
            if self._time_ended or len(self._time) >= len(_PARTS_OF_A_DAY):
                raise _Unreadable
            self._time.append(number)
        elif self._expects(number) and self._next("."):
            kind, decimals = self._comes()
            if kind != "number":
                raise _Unreadable
            self._at += 1
            self._time.append(number)
            self._end_time(int(f"{decimals:0<3}"[:3]))
        elif self._expects(number):
            self._end_time(number)
            kind, text = self._comes()
            if kind != "blank" and text not in ("Z", "z", "+", "-"):
                raise _Unreadable
        else:
            self._next(".")
            if len(self._numbers) == _MOST_NUMBERS:
                raise _Unreadable
            self._numbers.append(number)
            self._next("-")

    def _end_time(self, last: int) -> None:
        missing = len(_PARTS_OF_A_DAY) - len(self._time) - 1
        if len(self._time) == len(_PARTS_OF_A_DAY) - 1:
            self._time.append(last)
        else:
            self._time += [last, *[0] * missing]
        self._time_ended = True

    def _word(self, word: str) -> None:
        if word in ("am", "pm") and self._time:
            self._afternoon = 12 if word == "pm" else 0
        elif word[:3] in _MONTHS:
            self._month = _MONTHS.index(word[:3]) + 1
            self._next("-")
        elif word in _ZONES and self._read_number:
            self._offset = _ZONES[word] * 60
        elif self._read_number or self._comes()[0] == "number":
            raise _Unreadable

    def _zone(self, sign: int) -> None:
        kind, digits = self._comes()
        if kind != "number":
            self._offset = 0
            return
        self._at += 1
        if self._next(":"):
            kind, minutes = self._comes()
            self._at += 1
            if kind != "number":
                raise _Unreadable
            self._offset = sign * (int(digits) * 60 + int(minutes))
        elif len(digits) in (1, 2):
            self._offset = sign * int(digits) * 60
        elif len(digits) in (3, 4):
            self._offset = sign * (int(digits) // 100 * 60 + int(digits) % 100)
        else:
            raise _Unreadable

    def _assembled(self) -> datetime:
        if not self._numbers:
            raise _Unreadable
        hour, minute, second, milliseconds = [*self._time, 0, 0, 0, 0][:4]
        if self._afternoon is not None:
            if not 1 <= hour <= 12:  # noqa: PLR2004
                raise _Unreadable
            hour = hour % 12 + self._afternoon
        whole_day = (hour, minute, second, milliseconds) == (24, 0, 0, 0)
        if not whole_day and (hour > 23 or minute > 59 or second > 59):  # noqa: PLR2004
            raise _Unreadable
        time = (hour, minute, second, milliseconds)
        return _made(self._calendar(), time, self._offset or 0)

    def _calendar(self) -> tuple[int, int, int]:
        one, two, three = [*self._numbers, 1, 1][:3]
        leads_with_year = not 1 <= one <= 31  # noqa: PLR2004
        if self._month is not None:
            month, (year, day) = self._month, (one, two) if leads_with_year else (two, one)
        else:
            year, month, day = (one, two, three) if leads_with_year else (three, one, two)
        if 0 <= year <= 49:  # noqa: PLR2004
            year += 2000
        elif year <= 99:  # noqa: PLR2004
            year += 1900
        return year, month, day
