"""The filters of liquidjs that Segment allows, with JavaScript's arithmetic."""

import inspect
import math
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from liquid.exceptions import LiquidError

from destination_core.mapping import liquid_dates
from destination_core.mapping.json_text import encode
from destination_core.mapping.liquid_context import (
    LONGEST,
    MOST_ITEMS,
    check_extent,
    check_time,
)
from destination_core.mapping.liquid_texts import TEXT_FILTERS
from destination_core.mapping.liquid_values import (
    ABSENT,
    NAN,
    converted,
    equal,
    is_nil,
    is_set,
    is_truthy,
    items,
    joined,
    number,
    plain,
    shown,
    units,
)
from destination_core.mapping.paths import get, keys_of
from destination_core.mapping.values import MISSING, number_text

DISABLED: Final = (
    "array_to_sentence_string",
    "concat",
    "find",
    "find_exp",
    "find_index",
    "find_index_exp",
    "group_by",
    "group_by_exp",
    "has",
    "has_exp",
    "map",
    "newline_to_br",
    "reject",
    "reject_exp",
    "reverse",
    "sort",
    "sort_natural",
    "type",
    "uniq",
    "where_exp",
)
"""Filters that Segment disables."""

_SAFE: Final = 2**53 - 1


class _Bounded:
    """A filter that is bounded: what it takes, what it makes, and its time.

    python-liquid's own limits see the output only.

    As in JavaScript, arguments may be missing, and those beyond the filter's own are ignored.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        self._function = function
        parameters = inspect.signature(function).parameters
        kinds = [one.kind for one in parameters.values()]
        every = inspect.Parameter.VAR_POSITIONAL in kinds
        self._most = None if every else kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) - 1
        self._is_timed = "now" in parameters

    def __call__(self, context: Any, value: Any, *arguments: Any) -> Any:
        """Apply the filter; raises ``LiquidError`` for what it cannot take."""
        check_time(context)
        named = {"now": context.now} if self._is_timed else {}
        given = [plain(one) for one in (value, *arguments[: self._most])]
        for one in given:
            check_extent(one, self._name)
        result = self._function(*given, **named)
        check_time(context)
        check_extent(result, self._name)
        return result


def _disabled(name: str) -> Callable[..., Any]:
    def refuse(*_: Any) -> Any:
        raise LiquidError(f'filter "{name}" is disabled', token=None)

    return refuse


def _operand(value: Any) -> float:
    return NAN if value is ABSENT else number(value)


def _divided_by(value: Any, other: Any = ABSENT, whole: Any = False) -> float:
    left, right = number(value), _operand(other)
    if right == 0:
        return NAN if left == 0 else math.copysign(math.inf, left)
    result = left / right
    return math.floor(result) if number(whole) and math.isfinite(result) else result


def _round(value: Any, digits: Any = 0) -> float:
    read, places = number(value), number(digits)
    if places != math.floor(places) or not math.isfinite(read):
        return read
    scaled = _shifted(abs(read), int(places))
    if not scaled <= _SAFE:
        return read
    return math.copysign(_shifted(math.floor(scaled + 0.5), -int(places)), read)


def _shifted(value: float, places: int) -> float:
    """Move the decimal point in the text of a number, which keeps it exact."""
    digits, _, power = number_text(value).partition("e")
    return float(f"{digits}e{int(power or 0) + places}")


def _whole(function: Callable[[float], int]) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        read = number(value)
        return function(read) if math.isfinite(read) else read

    return convert


def _modulo(value: Any, other: Any = ABSENT) -> float:
    left, right = number(value), _operand(other)
    if right == 0 or not math.isfinite(left) or math.isnan(right):
        return NAN
    return math.fmod(math.fmod(left, right) + right, right)


def _default(value: Any, other: Any = MISSING, *options: Any) -> Any:
    if isinstance(value, str | list):
        return value or other
    if value is False and not all(isinstance(one, list) for one in options):
        raise LiquidError("default: an option is written name: value", token=None)
    if value is False and any(_allows_false(one) for one in options):
        return value
    return value if is_truthy(value) else other


def _allows_false(option: Any) -> bool:
    return bool(option[:1] == ["allow_false"] and is_set(option[1]))


def _slice(value: Any, start: Any = MISSING, length: Any = 1) -> Any:
    if is_nil(value):
        return []
    sequence: Any = value if isinstance(value, list) else shown(value)
    first = converted(start)
    size = 1 if length is MISSING else converted(length)
    first = first + len(sequence) if first < 0 else first
    if first < 0 or size < 0:
        return sequence[:0]
    if isinstance(value, list):
        return value[_count(first, int) : _count(first + size, int)]
    begin = _count(first, math.ceil)
    return sequence[begin : begin + _count(size, math.ceil)]


def _count(value: float, whole: Callable[[float], int]) -> int:
    return 0 if math.isnan(value) else whole(min(value, LONGEST))


def _join(value: Any, by: Any = MISSING) -> str:
    parts, separator = items(value), " " if is_nil(by) else shown(by)
    if len(parts) * len(separator) > LONGEST:
        raise LiquidError(f"join: result has more than {LONGEST:,} characters", token=None)
    return joined(parts, separator)


def _where(value: Any, key: Any = MISSING, wanted: Any = MISSING) -> list[Any]:
    keys = keys_of(shown(key))
    found = []
    for one in items(value):
        member = get(one, keys) if keys else MISSING
        if is_truthy(member) if wanted is MISSING else equal(member, wanted):
            found.append(one)
    return found


def _sum(value: Any, key: Any = MISSING) -> float:
    total: float = 0
    keys = shown(key).split(".") if is_set(key) else ()
    for one in items(value):
        read = converted(get(one, tuple(keys)) if keys else one)
        total += 0 if math.isnan(read) else read
    return total


def _end(value: Any, place: int) -> Any:
    return value[place] if isinstance(value, str | list) and value else ""


def _date(value: Any, pattern: Any = MISSING, zone: Any = MISSING, *, now: Any) -> Any:
    date = liquid_dates.moment(value, now)
    if date is None:
        return value
    if not is_nil(zone):
        date = liquid_dates.zoned(date, zone)
    chosen = liquid_dates.DEFAULT_FORMAT if is_nil(pattern) else shown(pattern)
    return liquid_dates.strftime(date, chosen)


def _fixed_date(pattern: str) -> Callable[..., Any]:
    def convert(value: Any, style: Any = None, order: Any = None, *, now: Any) -> Any:
        date = liquid_dates.moment(value, now)
        if date is None:
            return value
        chosen = pattern
        if style == "ordinal" and pattern.startswith("%d"):
            month = pattern.split()[1]
            chosen = f"{month} %-d%q, %Y" if order == "US" else f"%-d%q {month} %Y"
        return liquid_dates.strftime(date, chosen)

    return convert


def _json(value: Any, space: Any = 0) -> Any:
    if is_nil(value) and value is not None:
        return MISSING
    check_extent([value], "json")  # here an object is written out
    if isinstance(space, str):
        return _indented(value, space[:10], "\n")
    count = 0 if isinstance(space, bool) else number(space)
    return _indented(value, " " * int(max(0, min(count, 10))), "\n")


def _indented(value: Any, indent: str, line: str) -> str:
    """Write JSON over several lines, as JavaScript does."""
    if not indent or not isinstance(value, list | Mapping) or not value:
        return encode(value)
    deeper = line + indent
    if isinstance(value, list):
        parts = [_indented(one, indent, deeper) for one in value]
    else:
        parts = [f"{encode(key)}: {_indented(one, indent, deeper)}" for key, one in value.items()]
    left, right = "[]" if isinstance(value, list) else "{}"
    return f"{left}{deeper}{f',{deeper}'.join(parts)}{line}{right}"


def _sample(value: Any, count: Any = 1) -> Any:
    if is_nil(value):
        return []
    drawn: Any = value if isinstance(value, list) else shown(value)
    if count == 1:
        return random.choice(drawn) if drawn else MISSING  # noqa: S311  nothing is kept secret
    size = len(drawn[: int(number(count))])
    if size > MOST_ITEMS:
        raise LiquidError(f"sample: result has more than {MOST_ITEMS:,} items", token=None)
    return random.sample(drawn, size)


_ALLOWED: Final[Mapping[str, Callable[..., Any]]] = {
    **TEXT_FILTERS,
    "abs": lambda v: abs(number(v)),
    "at_least": lambda v, *others: max(number(one) for one in (v, *others)),
    "at_most": lambda v, *others: min(number(one) for one in (v, *others)),
    "ceil": _whole(math.ceil),
    "compact": lambda v: [one for one in items(v) if not is_nil(one)],
    "date": _date,
    "date_to_long_string": _fixed_date("%d %B %Y"),
    "date_to_rfc822": _fixed_date(liquid_dates.RFC822),
    "date_to_string": _fixed_date("%d %b %Y"),
    "date_to_xmlschema": _fixed_date(liquid_dates.XML_SCHEMA),
    "default": _default,
    "divided_by": _divided_by,
    "first": lambda v: _end(v, 0),
    "floor": _whole(math.floor),
    "inspect": _json,
    "join": _join,
    "json": _json,
    "jsonify": _json,
    "last": lambda v: _end(v, -1),
    "minus": lambda v, other=ABSENT: number(v) - _operand(other),
    "modulo": _modulo,
    "plus": lambda v, other=ABSENT: number(v) + _operand(other),
    "pop": lambda v: items(v)[:-1],
    "push": lambda v, other=MISSING: [*items(v), other],
    "raw": lambda v: v,
    "round": _round,
    "sample": _sample,
    "shift": lambda v: items(v)[1:],
    "size": lambda v: units(v) if isinstance(v, str) else len(v) if isinstance(v, list) else 0,
    "slice": _slice,
    "sum": _sum,
    "times": lambda v, other=ABSENT: number(v) * _operand(other),
    "to_integer": converted,
    "unshift": lambda v, other=MISSING: [other, *items(v)],
    "where": _where,
}
"""What the filters do; the first argument is the value on the left."""

FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: _Bounded(name, function) for name, function in _ALLOWED.items()},
    **{name: _disabled(name) for name in DISABLED},
}
"""What templates call: with the rendering, the value on the left, and arguments."""
