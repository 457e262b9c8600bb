"""Values inside a template, with JavaScript's conversions."""

import math
from collections.abc import Mapping
from typing import Any

from liquid import Undefined

from destination_core.mapping.values import number_text
from destination_core.numbers import number_of

NAN = math.nan


def shown(value: Any) -> str:
    """Write a value the way liquidjs puts it into the output."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, Undefined):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, Mapping):
        return "[object Object]"
    if isinstance(value, list | tuple):
        return "".join(shown(one) for one in value)
    # `empty` and `blank` by themselves show nothing
    return ""


def number(value: Any) -> float:
    """Convert to a number as JavaScript does; NaN for what is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if value is None:
        return 0
    if isinstance(value, str):
        if not value.strip():
            return 0
        read = number_of(value)
        return NAN if read is None else read
    return NAN


def items(value: Any) -> list[Any]:
    """Return a value as a list: nothing for nil, one item for a scalar."""
    if value is None or isinstance(value, Undefined):
        return []
    if isinstance(value, list | tuple):
        return list(value)
    return [value]


def is_nil(value: Any) -> bool:
    """Tell whether a value is nil or was never there."""
    return value is None or isinstance(value, Undefined)


def extent(value: Any, most: int) -> int:
    """Return how many characters and items a value would show, counting little beyond ``most``.

    Lists that hold one another are small in memory and endless when shown.
    """
    if isinstance(value, str | range):
        return len(value)
    if isinstance(value, Mapping):
        value = [*value, *value.values()]
    if not isinstance(value, list | tuple):
        return 1
    total = 0
    for one in value:
        total += max(extent(one, most - total), 1)
        if total > most:
            break
    return total
