"""Values inside a template, with JavaScript's conversions."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core.mapping.values import MISSING
from destination_core.mapping.values import text as scalar_text
from destination_core.numbers import number_of

NAN: Final = math.nan

ABSENT: Final[Any] = type("Absent", (), {"__repr__": lambda _: "absent"})()
"""An argument that a template does not give; one without a value is ``MISSING``."""

EMPTY: Final[Any] = type("Empty", (), {"__repr__": lambda _: "empty"})()
BLANK: Final[Any] = type("Blank", (), {"__repr__": lambda _: "blank"})()
"""What the words `empty` and `blank` are in a template."""

_BASED: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def plain(value: Any) -> Any:
    """Return a value as filters take it: `empty` and `blank` are no text."""
    return "" if value is EMPTY or value is BLANK else value


def shown(value: Any) -> str:
    """Write a value the way liquidjs puts it into the output."""
    scalar = scalar_text(value)
    if scalar is not None:
        return scalar
    if isinstance(value, Mapping):
        return "[object Object]"
    # nil shows nothing, and `empty` and `blank` by themselves neither
    return "".join(map(shown, value)) if isinstance(value, list) else ""


def joined(value: list[Any], separator: str) -> str:
    """Write a list as JavaScript's ``join`` does: lists within it with commas."""
    return separator.join(
        joined(one, ",") if isinstance(one, list) else shown(one) for one in value
    )


def converted(value: Any) -> float:
    """Convert to a number as JavaScript's ``Number`` does; NaN for what is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if value is None:
        return 0
    if isinstance(value, list):
        value = joined(value, ",")
    if not isinstance(value, str):
        return NAN
    text = value.strip()
    if not text:
        return 0
    if text.lstrip("+-") == "Infinity":
        return -math.inf if text[0] == "-" else math.inf
    if _BASED.fullmatch(text):
        return int(text, 0)
    read = number_of(value)
    return NAN if read is None else read


def number(value: Any) -> float:
    """Convert to a number as liquidjs's arithmetic does: 0 for what is none."""
    read = converted(value)
    return 0 if math.isnan(read) else read


def items(value: Any) -> list[Any]:
    """Return a value as a list: nothing for nil, one item for anything else."""
    if is_nil(value):
        return []
    if isinstance(value, list):
        return list(value)
    return [value]


def is_nil(value: Any) -> bool:
    """Tell whether a value is nil or was never there."""
    return value is None or value is MISSING or value is ABSENT


def is_truthy(value: Any) -> bool:
    """Tell whether a condition holds: only false and nil do not."""
    return value is not False and not is_nil(value)


def is_set(value: Any) -> bool:
    """Tell whether JavaScript takes an argument for true: not nil, false, 0 or an empty text."""
    return not (is_nil(value) or value in (0, "") or value != value)  # noqa: PLR0124  NaN


def equal(left: Any, right: Any) -> bool:
    """Compare as JavaScript's ``===`` does, lists item by item; nil is nil.

    An object equals nothing but itself, and `empty` and `blank` equal whatever is.
    """
    if left is EMPTY or left is BLANK:
        return _is_like(left, right)
    if right is EMPTY or right is BLANK:
        return _is_like(right, left)
    left, right = plain(left), plain(right)
    if is_nil(left) or is_nil(right):
        return is_nil(left) and is_nil(right)
    if isinstance(left, list):
        if not isinstance(right, list) or len(left) != len(right):
            return False
        return all(equal(one, two) for one, two in zip(left, right, strict=True))
    if isinstance(left, bool) or isinstance(right, bool) or isinstance(left, Mapping):
        return left is right
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    return bool(left == right) if numbers or type(left) is type(right) else False


def _is_like(drop: Any, value: Any) -> bool:
    if value is EMPTY or value is BLANK:
        return False
    value = plain(value)
    if drop is BLANK and (
        value is False or is_nil(value) or (isinstance(value, str) and not value.strip())
    ):
        return True
    return isinstance(value, str | list | Mapping) and not value


def units(text: str) -> int:
    """Return the length of a text as JavaScript counts it: in UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def extent(value: Any, most: int, least: int) -> int:
    """Return how many characters a value would show, counting little beyond ``most``.

    Anything in a list or in an object counts for ``least`` at least, which is what it costs to look
    at it. Lists that hold one another are small in memory and endless when shown.
    """
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if not isinstance(value, list):
        return 1
    total = 0
    for one in value:
        total += max(extent(one, most - total, least), least)
        if total > most:
            break
    return total
