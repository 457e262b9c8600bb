"""Segment's own JSON form of a trigger, both ways."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core.errors import InvalidSubscription
from destination_core.fql.literals import bound
from destination_core.fql.nodes import (
    DEEPEST,
    All,
    Condition,
    Either,
    Node,
    Not,
    Operator,
    group,
)
from destination_core.fql.render import path_text, render
from destination_core.fql.trigger import Trigger, parse
from destination_core.numbers import text_of

TYPES: Final = {
    "event-type": "type",
    "event": "event",
    "name": "name",
    "userId": "userId",
    "event-property": "properties",
    "event-trait": "traits",
    "event-context": "context",
}
"""Segment's condition types and the field of the event that each is about."""

_NAMED: Final = frozenset({"properties", "traits", "context"})
_ROOT_TYPES: Final = {root: kind for kind, root in TYPES.items()}
_KEYS: Final = re.compile(r"(?:\\[.\\]|[^.])+", re.DOTALL)
_PATTERNS: Final = {"starts_with": "{}*", "ends_with": "*{}"}
_NUMERIC: Final[Mapping[str, Operator]] = {
    "number_equals": "=",
    "number_not_equals": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}


def from_segment(ast: Mapping[str, Any]) -> Trigger:
    r"""Build a trigger from Segment's JSON; raises ``InvalidSubscription`` for what it cannot be.

    In the name of a field a dot separates keys; ``\\.`` is a dot within a key. The trigger means
    what its text means, so that writing it out and reading it back changes nothing.
    """
    return parse(render(_node(ast, 0)))


def to_segment(trigger: Trigger) -> dict[str, Any]:
    """Return a trigger as Segment's JSON; the outermost is always a group.

    Raises ``InvalidSubscription`` for what that form cannot say: negated groups, patterns other
    than a prefix or a suffix, and paths below a field that is a text.
    """
    made = _json(trigger.root)
    if made["type"] == "group":
        return made
    return {"type": "group", "operator": "and", "children": [made]}


def _node(ast: Any, depth: int) -> Node:
    if not isinstance(ast, Mapping):
        raise InvalidSubscription(f"condition must be an object, got {ast!r}")
    if depth > DEEPEST:
        raise InvalidSubscription(f"groups are nested more than {DEEPEST} levels deep")
    kind = ast.get("type")
    if kind == "group":
        return _group(ast, depth)
    if not isinstance(kind, str) or kind not in TYPES:
        raise InvalidSubscription(f"unknown condition type {kind!r}; one of {', '.join(TYPES)}")
    root = TYPES[kind]
    path = (root, *_keys(ast.get("name"))) if root in _NAMED else (root,)
    operator = ast.get("operator")
    if operator in ("=", "!=") and "value" not in ast:
        raise InvalidSubscription(f"operator {operator!r} needs a value, and there is none")
    return _condition(path, operator, ast.get("value"))


def _group(ast: Mapping[str, Any], depth: int) -> Node:
    children, operator = ast.get("children"), ast.get("operator")
    if operator not in ("and", "or"):
        raise InvalidSubscription(f"group has the operator {operator!r}; it must be 'and' or 'or'")
    if not isinstance(children, list | tuple) or not children:
        raise InvalidSubscription(f"group needs a list of conditions, got {children!r}")
    kind = All if operator == "and" else Either
    return group(kind, [_node(child, depth + 1) for child in children])


def _keys(name: Any) -> tuple[str, ...]:
    keys = _KEYS.findall(name) if isinstance(name, str) else []
    if not keys:
        raise InvalidSubscription(f"condition needs the name of a field, got {name!r}")
    return tuple(re.sub(r"\\([.\\])", r"\1", key) for key in keys)


def _condition(path: tuple[str, ...], operator: Any, value: Any) -> Condition:
    if not isinstance(operator, str):
        raise InvalidSubscription(f"condition has the operator {operator!r}; it must be a text")
    if operator in ("exists", "not_exists"):
        return Condition(path, "=" if operator == "not_exists" else "!=", None)
    if operator in ("is_true", "is_false"):
        return Condition(path, "=", operator == "is_true")
    if operator in _NUMERIC:
        return Condition(path, _NUMERIC[operator], _number(operator, value))
    if operator in ("=", "!="):
        if value is not None and not isinstance(value, str | int | float):
            raise InvalidSubscription(f"operator {operator!r} cannot compare with {value!r}")
        return Condition(path, "=" if operator == "=" else "!=", value)
    plain = operator.removeprefix("not_")
    negated = plain != operator
    if plain == "contains":
        return Condition(path, "not_contains" if negated else "contains", _text(operator, value))
    if plain in _PATTERNS:
        pattern = _PATTERNS[plain].format(_text(operator, value))
        return Condition(path, "not_match" if negated else "match", pattern)
    raise InvalidSubscription(f"unknown operator {operator!r}")


def _number(operator: str, value: Any) -> float:
    number = bound(value) if isinstance(value, str | int | float) else None
    if number is None or not math.isfinite(number):
        raise InvalidSubscription(f"operator {operator!r} needs a number, got {value!r}")
    return number


def _text(operator: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return text_of(value)
    raise InvalidSubscription(f"operator {operator!r} needs a text, got {value!r}")


def _json(node: Node) -> dict[str, Any]:
    if isinstance(node, Not):
        raise InvalidSubscription("Segment's form of a trigger has no negated groups")
    if isinstance(node, Condition):
        return _leaf(node)
    operator = "and" if isinstance(node, All) else "or"
    return {
        "type": "group",
        "operator": operator,
        "children": [_json(child) for child in node.children],
    }


def _leaf(condition: Condition) -> dict[str, Any]:
    root, *keys = condition.path
    if (root in _NAMED) != bool(keys) or "" in keys:
        raise InvalidSubscription(f"Segment's form has no field like {path_text(condition.path)}")
    made: dict[str, Any] = {"type": _ROOT_TYPES[root]}
    if keys:
        made["name"] = ".".join(re.sub(r"([.\\])", r"\\\1", key) for key in keys)
    value = condition.value
    if condition.operator.endswith("match"):
        pattern = str(value)
        if pattern.count("*") != 1 or not (pattern.startswith("*") or pattern.endswith("*")):
            raise InvalidSubscription(f"Segment's form has no pattern like {pattern!r}")
        name = "starts_with" if pattern.endswith("*") else "ends_with"
        negated = "not_" if condition.operator == "not_match" else ""
        return {**made, "operator": negated + name, "value": pattern.replace("*", "")}
    if value is None and condition.operator in ("=", "!="):
        return {**made, "operator": "not_exists" if condition.operator == "=" else "exists"}
    if isinstance(value, bool) and condition.operator == "=":
        return {**made, "operator": "is_true" if value else "is_false"}
    number = isinstance(value, int | float) and not isinstance(value, bool)
    names = {"=": "number_equals", "!=": "number_not_equals"} if number else {}
    return {**made, "operator": names.get(condition.operator, condition.operator), "value": value}
