"""Segment's own JSON form of a trigger, both ways."""

import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core.errors import InvalidSubscription
from destination_core.fql.nodes import All, Condition, Either, Node, Not, group
from destination_core.fql.trigger import Trigger

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
_KEYS: Final = re.compile(r"(?:\\.|[^.\\])+", re.DOTALL)
_PATTERNS: Final = {"starts_with": "{}*", "ends_with": "*{}"}


def from_segment(ast: Mapping[str, Any]) -> Trigger:
    """Build a trigger from Segment's JSON; raises ``InvalidSubscription`` for what it cannot be."""
    return Trigger(_node(ast))


def to_segment(trigger: Trigger) -> dict[str, Any]:
    """Return a trigger as Segment's JSON; the outermost is always a group.

    Raises ``InvalidSubscription`` for what that form cannot say: negated groups, and patterns
    other than a prefix or a suffix.
    """
    made = _json(trigger.root)
    if made["type"] == "group":
        return made
    return {"type": "group", "operator": "and", "children": [made]}


def _node(ast: Any) -> Node:
    if not isinstance(ast, Mapping):
        raise InvalidSubscription(f"condition must be an object, got {ast!r}")
    kind = ast.get("type")
    if kind == "group":
        children = [_node(child) for child in ast.get("children") or ()]
        operator = ast.get("operator")
        if not children or operator not in ("and", "or"):
            raise InvalidSubscription(f"group needs children and an operator, got {dict(ast)!r}")
        return group(All if operator == "and" else Either, children)
    if kind not in TYPES:
        raise InvalidSubscription(f"unknown condition type {kind!r}; one of {', '.join(TYPES)}")
    root = TYPES[kind]
    path = (root, *_keys(ast.get("name"))) if root in _NAMED else (root,)
    return _condition(path, str(ast.get("operator")), ast.get("value"))


def _keys(name: Any) -> tuple[str, ...]:
    if not isinstance(name, str) or not name:
        raise InvalidSubscription(f"condition needs the name of a field, got {name!r}")
    return tuple(re.sub(r"\\(.)", r"\1", key, flags=re.DOTALL) for key in _KEYS.findall(name))


def _condition(path: tuple[str, ...], operator: str, value: Any) -> Condition:
    negated = operator.startswith("not_")
    plain = operator.removeprefix("not_")
    if plain == "exists":
        return Condition(path, "=" if negated else "!=", None)
    if operator in ("is_true", "is_false"):
        return Condition(path, "=", operator == "is_true")
    if plain in _PATTERNS:
        pattern = _PATTERNS[plain].format(value)
        return Condition(path, "not_match" if negated else "match", pattern)
    if plain == "contains":
        return Condition(path, "not_contains" if negated else "contains", str(value))
    if operator in ("=", "number_equals"):
        return Condition(path, "=", value)
    if operator in ("!=", "number_not_equals"):
        return Condition(path, "!=", value)
    if operator in ("<", "<=", ">", ">="):
        return Condition(path, operator, value)  # type: ignore[arg-type]  # narrowed by the test
    raise InvalidSubscription(f"unknown operator {operator!r}")


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
    made: dict[str, Any] = {"type": _ROOT_TYPES[root]}
    if keys:
        made["name"] = ".".join(re.sub(r"([.\\\[\]])", r"\\\1", key) for key in keys)
    value = condition.value
    if condition.operator.endswith("match"):
        pattern = str(value)
        if pattern.count("*") != 1 or not (pattern.startswith("*") or pattern.endswith("*")):
            raise InvalidSubscription(f"Segment's form has no pattern like {pattern!r}")
        name = "starts_with" if pattern.endswith("*") else "ends_with"
        negated = "not_" if condition.operator == "not_match" else ""
        return {**made, "operator": negated + name, "value": pattern.replace("*", "", 1)}
    if value is None and condition.operator in ("=", "!="):
        return {**made, "operator": "not_exists" if condition.operator == "=" else "exists"}
    if isinstance(value, bool) and condition.operator == "=":
        return {**made, "operator": "is_true" if value else "is_false"}
    number = isinstance(value, int | float) and not isinstance(value, bool)
    names = {"=": "number_equals", "!=": "number_not_equals"} if number else {}
    return {**made, "operator": names.get(condition.operator, condition.operator), "value": value}
