"""Triggers of the form that both engines read alike: no precedence, one level of groups."""

from random import Random
from typing import Any, Final

PATHS: Final = (
    "event", "name", "userId", "properties.a", "properties.b.c", "traits.x", "context.ip",
    "context.app.name", "properties.first\\ name", "properties.order", "properties.contains",
    "properties.true", "properties.a_b", "properties.$x", "properties.événement",
    "properties.type", "properties.items", "properties.a:b",
)  # fmt: skip
LITERALS: Final = (
    '"a"', '"Order Completed"', '"track"', '""', '"5"', '"true"', "5", "5.5", "-1", "0", "true",
    "false", "track", "abc", '"é 🎈"', "1.0", '"(x)"', '"a, b"', '" a"', '"and"', '"it\'s"',
)  # fmt: skip
PATTERNS: Final = ('"a*"', '"*a"', '"Order*"', '"*ed"')
EVENTS: Final[tuple[dict[str, Any], ...]] = (
    {"type": "track", "event": "Order Completed", "userId": "u1", "name": "Home",
     "properties": {"a": "a", "b": {"c": 5}, "order": 1, "items": [1, "a"], "first name": "abc"},
     "traits": {"x": "5"}, "context": {"ip": "1.2.3.4", "app": {"name": "a b"}}},
    {"type": "identify", "userId": 5, "properties": {"a": 5, "b": {"c": "ab"}, "true": True}},
    {"type": "page", "name": "a", "userId": None, "properties": {"a": True, "b": {"c": None}}},
    {"type": "track", "event": "a", "properties": {"a": 5.5, "type": "track", "order": "10"}},
    {"type": "track", "properties": {"a": {"z": 1}, "b": {}, "contains": None}},
)  # fmt: skip


def matched(random: Random) -> dict[str, Any]:
    return {"op": "match", "fql": _trigger(random), "event": random.choice(EVENTS)}


def parsed(random: Random) -> dict[str, Any]:
    return {"op": "parse", "fql": _level(random, [_condition(random) for _ in range(2)])}


def _trigger(random: Random) -> str:
    parts = []
    for _ in range(random.choice((1, 1, 2, 3))):
        if random.random() < 0.3:  # the hosted engine ends a group at a function's parenthesis
            parts.append(f"({_level(random, [_comparison(random) for _ in range(2)])})")
        else:
            parts.append(_condition(random))
    return _level(random, parts)


def _level(random: Random, parts: list[str]) -> str:
    word = random.choice(("and", "or"))
    return (_blank(random) + word + _blank(random)).join(parts)


def _blank(random: Random) -> str:
    return random.choice((" ", " ", " ", " ", "  ", "\t", "\n", "\n   "))


def _condition(random: Random) -> str:
    if random.random() < 0.75:
        return _comparison(random)
    function = random.choice(("contains", "match", "!contains", "!match"))
    return f"{function}({random.choice(PATHS)},{_blank(random)}{random.choice(PATTERNS)})"


def _comparison(random: Random) -> str:
    operator, path = random.choice(("=", "=", "!=", "<", ">", "<=", ">=")), random.choice(PATHS)
    literal = random.choice(LITERALS)
    if literal in ("true", "false"):
        operator = "="
    elif path not in ("event", "name") and operator in ("=", "!=") and random.random() < 0.2:
        literal = "null"
    return path + _blank(random) + operator + _blank(random) + literal
