"""Compile a tree into a function of an event."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from destination_core.fql.literals import bound
from destination_core.fql.nodes import All, Condition, Either, Literal_, Node, Not

Predicate = Callable[[Mapping[str, Any]], bool]
Test = Callable[[Any], bool]

_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": lambda actual, bound: actual < bound,
    "<=": lambda actual, bound: actual <= bound,
    ">": lambda actual, bound: actual > bound,
    ">=": lambda actual, bound: actual >= bound,
}


def compile_node(node: Node) -> Predicate:
    """Return a predicate that is total: no event makes it raise."""
    if isinstance(node, Condition):
        return _condition(node.path, test_of(node))
    if isinstance(node, Not):
        child = compile_node(node.child)
        return lambda event: not child(event)
    predicates = _members(node)
    if len(predicates) == 1:
        return predicates[0]
    return _all(predicates) if isinstance(node, All) else _either(predicates)


def _members(node: All | Either) -> tuple[Predicate, ...]:
    """Compile the children of a group; texts compared with one field become one set.

    ``event != "A" and event != "B"`` asks once whether the name is among the two.
    """
    operator = "!=" if isinstance(node, All) else "="
    texts: dict[tuple[str, ...], set[str]] = {}
    others: list[Node] = []
    for child in node.children:
        if (
            isinstance(child, Condition)
            and child.operator == operator
            and isinstance(child.value, str)
        ):
            texts.setdefault(child.path, set()).add(child.value)
        else:
            others.append(child)
    sets = (_condition(path, _membership(found, operator)) for path, found in texts.items())
    return (*sets, *map(compile_node, others))


def _membership(texts: set[str], operator: str) -> Test:
    if len(texts) == 1:
        return _equality(*texts, negated=operator == "!=")
    members = frozenset(texts)
    if operator == "!=":
        return lambda actual: not (isinstance(actual, str) and actual in members)
    return lambda actual: isinstance(actual, str) and actual in members


def _all(children: tuple[Predicate, ...]) -> Predicate:
    if len(children) == 2:  # noqa: PLR2004  the usual case needs no loop
        first, second = children
        return lambda event: first(event) and second(event)

    def every(event: Mapping[str, Any]) -> bool:
        for child in children:  # noqa: SIM110  a generator costs more than the loop
            if not child(event):
                return False
        return True

    return every


def _either(children: tuple[Predicate, ...]) -> Predicate:
    def some(event: Mapping[str, Any]) -> bool:
        for child in children:  # noqa: SIM110  a generator costs more than the loop
            if child(event):
                return True
        return False

    return some


def _condition(path: tuple[str, ...], test: Test) -> Predicate:
    if len(path) == 1:
        key = path[0]
        return lambda event: test(event.get(key))
    if len(path) == 2:  # noqa: PLR2004  the usual case: properties.x
        root, leaf = path

        def two(event: Mapping[str, Any]) -> bool:
            parent = event.get(root)
            return test(parent.get(leaf) if type(parent) is dict else lookup(event, path))

        return two
    return lambda event: test(lookup(event, path))


def lookup(event: Any, path: tuple[str, ...]) -> Any:
    """Return the value at a path; None when it is missing, for null means the same in FQL.

    Plain data only: a text has no members, a list only its items, by number.
    """
    value = event
    for key in path:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 10:  # noqa: PLR2004
            index = int(key)
            value = value[index] if index < len(value) else None
        else:
            return None
    return value


def test_of(condition: Condition) -> Test:
    """Return the test of a condition on the value of its field.

    A missing or mistyped field differs from every text (``!= "x"`` holds) and from no number
    (``!= 5`` does not), and negated functions ask for a text: so does the hosted engine.
    """
    operator, value = condition.operator, condition.value
    if operator in ("=", "!="):
        return _equality(value, negated=operator == "!=")
    if operator in _ORDER:
        return _ordering(operator, value)
    text = str(value)
    if operator == "contains":
        return lambda actual: isinstance(actual, str) and text in actual
    if operator == "not_contains":
        return lambda actual: isinstance(actual, str) and text not in actual
    matches = _pattern(text)
    if operator == "match":
        return lambda actual: isinstance(actual, str) and matches(actual)
    return lambda actual: isinstance(actual, str) and not matches(actual)


def _equality(value: Literal_, *, negated: bool) -> Test:
    if value is None:
        return (lambda actual: actual is not None) if negated else (lambda actual: actual is None)
    if isinstance(value, bool):
        if negated:
            return lambda actual: actual is not value
        return lambda actual: actual is value
    if isinstance(value, str):
        if negated:
            return lambda actual: not (isinstance(actual, str) and actual == value)
        return lambda actual: isinstance(actual, str) and actual == value
    if negated:
        return lambda actual: _is_number(actual) and actual != value
    return lambda actual: _is_number(actual) and actual == value


def _ordering(operator: str, value: Literal_) -> Test:
    limit = bound(value)
    if limit is None:
        return lambda _: False
    compare = _ORDER[operator]
    return lambda actual: _is_number(actual) and compare(actual, limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pattern(pattern: str) -> Callable[[str], bool]:
    """Compile a pattern where ``*`` stands for any text; without one it is the text itself."""
    stars = pattern.count("*")
    if stars == 0:
        return lambda actual: actual == pattern
    if stars == 1 and pattern.endswith("*"):
        prefix = pattern[:-1]
        return lambda actual: actual.startswith(prefix)
    if stars == 1 and pattern.startswith("*"):
        suffix = pattern[1:]
        return lambda actual: actual.endswith(suffix)
    parts = pattern.split("*")
    return lambda actual: _glob(parts, actual)


def _glob(parts: list[str], actual: str) -> bool:
    """Find the parts one after the other: linear, whatever the pattern."""
    first, *middle, last = parts
    if len(actual) < len(first) + len(last):
        return False
    if not actual.startswith(first) or not actual.endswith(last):
        return False
    position, end = len(first), len(actual) - len(last)
    for part in middle:
        found = actual.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
