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
