"""What stands between the braces of a template, evaluated as liquidjs does."""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from liquid import RenderContext
from liquid.exceptions import LiquidError

from destination_core.mapping.liquid_context import MOST_ITEMS, check_extent, check_time
from destination_core.mapping.liquid_filters import FILTERS
from destination_core.mapping.liquid_values import (
    BLANK,
    EMPTY,
    converted,
    equal,
    is_nil,
    is_truthy,
    joined,
    plain,
    shown,
    units,
)
from destination_core.mapping.values import MISSING

_Compare = Callable[[Any, Any], bool]


class Expression(ABC):
    """What has a value in each rendering."""

    __slots__ = ()

    @abstractmethod
    def evaluate(self, context: RenderContext) -> Any:
        """Return the value; raises ``LiquidError``."""


class Constant(Expression):
    """A value that is written in the template."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def evaluate(self, _: RenderContext) -> Any:
        """Return the value."""
        return self.value


NIL: Final = Constant(None)
NOTHING: Final = Constant(MISSING)
"""Stands where a value would, and none is written."""

NAMED: Final[Mapping[str, Constant]] = {
    "true": Constant(True),
    "false": Constant(False),
    "nil": NIL,
    "null": NIL,
    "empty": Constant(EMPTY),
    "blank": Constant(BLANK),
}
"""Words that are values."""

_NEVER_ORDERED: Final = frozenset({NIL, NAMED["empty"], NAMED["blank"]})


class Access(Expression):
    """A path: from a value, or from a name in the event and the variables."""

    __slots__ = ("_keys", "_start")

    def __init__(self, start: Expression | None, keys: Sequence[Expression]) -> None:
        self._start, self._keys = start, keys

    def evaluate(self, context: RenderContext) -> Any:
        """Return what is at the end of the path, or ``MISSING``."""
        keys = [plain(key.evaluate(context)) for key in self._keys]
        if self._start is not None:
            value = plain(self._start.evaluate(context))
        else:
            name = _name(keys.pop(0))
            scope = context.locals if name in context.locals else context.globals
            value = scope.get(name, MISSING)
        for key in keys:
            value = _member(value, key)
        return value


def _name(key: Any) -> str:
    return shown(key) if isinstance(key, str | int | float) else str(key)


def _member(value: Any, key: Any) -> Any:
    """Return a member: of an object by name, of a list and a text by number, or what is known."""
    if is_nil(value):
        return value
    if isinstance(value, Mapping):
        return value.get(_name(key), len(value) if key == "size" else MISSING)
    if not isinstance(value, list | str):
        return MISSING
    if key in ("size", "length"):
        return units(value) if isinstance(value, str) else len(value)
    if isinstance(value, list) and key in ("first", "last"):
        key = 0 if key == "first" else -1
    if isinstance(key, float) and key.is_integer():  # JavaScript has one sort of numbers
        key = int(key)
    if isinstance(key, str) and key.isdecimal() and _name(int(key)) == key:
        key = int(key)
    elif isinstance(value, str) and isinstance(key, int) and key < 0:
        return MISSING
    if isinstance(key, bool) or not isinstance(key, int) or not -len(value) <= key < len(value):
        return MISSING
    return value[key]


class Range(Expression):
    """Whole steps between two numbers."""

    __slots__ = ("_high", "_low")

    def __init__(self, low: Expression, high: Expression) -> None:
        self._low, self._high = low, high

    def evaluate(self, context: RenderContext) -> Any:
        """Return the numbers; raises ``LiquidError`` when there are too many."""
        check_time(context)
        low, high = (converted(plain(one.evaluate(context))) for one in (self._low, self._high))
        if not (math.isfinite(low) and math.isfinite(high)):
            return []
        if high - low >= MOST_ITEMS:
            raise LiquidError(f"range has more than {MOST_ITEMS:,} items", token=None)
        return [low + step for step in range(math.ceil(high + 1 - low))]


class Operation(Expression):
    """Two values and what is asked about them; `not` has the right one only."""

    __slots__ = ("_compare", "_left", "_right")

    def __init__(self, name: str, left: Expression, right: Expression) -> None:
        self._compare = OPERATORS[name]
        if name[0] in "<>" and (left in _NEVER_ORDERED or right in _NEVER_ORDERED):
            self._compare = _never
        if name in _WITH_NIL and NIL in (left, right):
            self._compare = _WITH_NIL[name]
        self._left, self._right = left, right

    def evaluate(self, context: RenderContext) -> bool:
        """Compare what the two sides are in this context."""
        left, right = self._left.evaluate(context), self._right.evaluate(context)
        check_time(context)
        for one in (left, right):
            check_extent(one, "comparison")
        return self._compare(left, right)


class FilterCall:
    """A filter and its arguments; one with a name comes as a pair."""

    __slots__ = ("_arguments", "_function")

    def __init__(self, name: str, arguments: Sequence[tuple[str | None, Expression]]) -> None:
        self._function, self._arguments = FILTERS.get(name), arguments

    def apply(self, value: Any, context: RenderContext) -> Any:
        """Return what the filter makes of a value; an unknown filter leaves it."""
        given = [(name, one.evaluate(context)) for name, one in self._arguments]
        if self._function is None:
            return value
        taken = [one if name is None else [name, plain(one)] for name, one in given]
        return self._function(context, value, *taken)


class Filtered(Expression):
    """A value that goes through filters."""

    __slots__ = ("_filters", "_value")

    def __init__(self, value: Expression, filters: Sequence[FilterCall]) -> None:
        self._value, self._filters = value, filters

    def evaluate(self, context: RenderContext) -> Any:
        """Return what comes out."""
        check_time(context)
        value = self._value.evaluate(context)
        for call in self._filters:
            value = call.apply(value, context)
        return value

    def holds(self, context: RenderContext) -> bool:
        """Tell whether it is true as a condition: only false and nil are not."""
        return is_truthy(self.evaluate(context))


def _never(_: Any, __: Any) -> bool:
    return False


def _ordered(compare: Callable[[Any, Any], Any]) -> _Compare:
    def ordered(left: Any, right: Any) -> bool:
        left, right = _primitive(plain(left)), _primitive(plain(right))
        if isinstance(left, str) and isinstance(right, str):
            return bool(compare(left, right))
        return bool(compare(converted(left), converted(right)))

    return ordered


def _primitive(value: Any) -> Any:
    if isinstance(value, list):
        return joined(value, ",")
    return shown(value) if isinstance(value, Mapping) else value


def _same(left: Any, right: Any) -> bool:
    """Compare; what is null in the event is not what is missing there, as in JavaScript."""
    return left is right if is_nil(left) and is_nil(right) else equal(left, right)


def _contains(left: Any, right: Any, same: _Compare = _same) -> bool:
    left = plain(left)
    if isinstance(left, list):
        return any(same(one, right) for one in left)
    if not isinstance(left, str):
        return False
    right = plain(right)
    if is_nil(right):
        return ("null" if right is None else "undefined") in left
    return (joined(right, ",") if isinstance(right, list) else shown(right)) in left


OPERATORS: Final[Mapping[str, _Compare]] = {
    "==": _same,
    "!=": lambda left, right: not _same(left, right),
    "<": _ordered(operator.lt),
    ">": _ordered(operator.gt),
    "<=": _ordered(operator.le),
    ">=": _ordered(operator.ge),
    "contains": _contains,
    "and": lambda left, right: is_truthy(left) and is_truthy(right),
    "or": lambda left, right: is_truthy(left) or is_truthy(right),
    "not": lambda _, right: not is_truthy(right),
}
"""liquidjs's; what is true and how things compare is JavaScript's."""

_WITH_NIL: Final[Mapping[str, _Compare]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "contains": lambda left, right: _contains(left, right, equal),
}
"""The word `nil` is both null and missing."""
