"""Moments on the command line: a date, or how long ago."""

import re
import time
from datetime import UTC, datetime
from typing import Any, Final

import click

_AGO: Final = re.compile(r"(\d+)([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Moment(click.ParamType[float]):
    """ISO 8601 (UTC when it names no zone), or "30m", "2h", "7d" for as long ago: Unix seconds."""

    name = "moment"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a moment."""
        if isinstance(value, float):
            return value
        if ago := _AGO.fullmatch(value):
            return time.time() - int(ago[1]) * _SECONDS[ago[2]]
        found = read(value)
        if found is None:
            self.fail(
                f"{value!r} is neither a date as 2026-01-31T12:00 nor an age as 2h", param, ctx
            )
        return found


def shown(at: float) -> str:
    """Write a moment as `--since` takes it, in UTC: the time of logs and answers."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def read(text: object) -> float | None:
    """Read a date of an event; None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
