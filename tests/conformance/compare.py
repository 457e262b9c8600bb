"""Compare a result with a vector, by the rules of the vectors' own description."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """The first place where two values differ; ``place`` is a JSON pointer."""

    place: str
    wanted: Any
    got: Any


MISSING: Any = type("Missing", (), {"__repr__": lambda _: "(missing)"})()


def difference(wanted: Any, got: Any, place: str = "") -> Difference | None:
    """Return the first difference between two JSON values, or None.

    Objects are unordered, numbers compare by value (1 = 1.0), ``true`` is not 1, and the markers
    for what JSON cannot hold are read as the vectors' description says.
    """
    if isinstance(wanted, dict) and len(wanted) == 1:
        marker = next(iter(wanted))
        if marker == "$undefined":
            same = got is None or got is MISSING or got == wanted
            return None if same else Difference(place, wanted, got)
        if marker == "$number":
            same = isinstance(got, float) and repr(got) == _PYTHON_NUMBERS.get(wanted[marker])
            return None if same or got == wanted else Difference(place, wanted, got)
    if isinstance(wanted, bool) or isinstance(got, bool):
        return None if wanted is got else Difference(place, wanted, got)
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        return _objects(wanted, got, place)
    if isinstance(wanted, list) and isinstance(got, Sequence) and not isinstance(got, str):
        return _arrays(wanted, got, place)
    if isinstance(wanted, int | float) and isinstance(got, int | float):
        return None if float(wanted) == float(got) else Difference(place, wanted, got)
    return None if type(wanted) is type(got) and wanted == got else Difference(place, wanted, got)


_PYTHON_NUMBERS = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


def _objects(wanted: Mapping[str, Any], got: Mapping[str, Any], place: str) -> Difference | None:
    for key in [*wanted, *(key for key in got if key not in wanted)]:
        there = f"{place}/{key}"
        if key not in wanted:
            return Difference(there, MISSING, got[key])
        found = difference(wanted[key], got.get(key, MISSING), there)
        if found:
            return found
    return None


def _arrays(wanted: list[Any], got: Sequence[Any], place: str) -> Difference | None:
    for index in range(max(len(wanted), len(got))):
        one = wanted[index] if index < len(wanted) else MISSING
        two = got[index] if index < len(got) else MISSING
        found = difference(one, two, f"{place}/{index}")
        if found:
            return found
    return None


ALSO = ("calls", "token_refreshes", "completions", "settings_after", "attempts", "failed")
"""What the failures of some kinds have beside their requests."""


def error_difference(
    wanted: Mapping[str, Any], got: Mapping[str, Any] | None, *, strict: bool
) -> Difference | None:
    """Compare failures: phase, category and requests always; texts and codes when strict."""
    if got is None:
        return Difference("/error", dict(wanted), MISSING)
    keys = ["phase", "category", "requests", *ALSO]
    if strict:
        keys += ["status", "code", "response_status"]
    for key in keys:
        if key in wanted:
            found = difference(wanted[key], got.get(key, MISSING), f"/error/{key}")
            if found:
                return found
    if strict and "messages" in wanted:
        return difference(
            sorted(map(str, wanted["messages"])),
            sorted(map(str, got.get("messages", []))),
            "/error/messages",
        )
    return None
