"""Definitions of fields, and payloads that fit them or not."""

from collections.abc import Mapping
from random import Random
from typing import Any, Final

from tests.differential.made.dates import date as date_text

NAMES: Final = ("alpha", "beta", "gamma", "delta", "eps")
TYPES: Final = ("string", "text", "number", "integer", "boolean", "datetime", "password", "object")
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 5, 5.5, 50, 1e21, "", "a", "x", "hello", "a longer text", "5",
    "5.5", "1e3", "true", "True", "null", "2021-10-20", "a@b.co", "日本", "🎈🎈", "007", [], ["a"],
    [1], ["a", "b"], [True], [[1]], [{"a": 1}], {}, {"a": None, "b": ""}, {"a": 1}, {"gamma": "x"},
    {"deep": {"a": [1]}}, ["5", "x"], [1, 2],
)  # fmt: skip
FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "email": ("a@b.co", "a@b", "a..b@c.de", '"a b"@c.de', "a@[1.2.3.4]", "ü@b.co", " a@b.co"),
    "uri": ("http://a.b", "urn:a:b", "//a.b", "http://", "http://a b", "http://[::1]", "x:", "a"),
    "uri-reference": ("a", "/a", "#a", "a b", "%zz", "\\\\x", "a#b#c"),
    "uri-template": ("http://a/{b}", "{b", "{?q}", "{a b}", "{a:3}", "{}"),
    "hostname": ("a.b", "-a", "a_b", "x" * 64, "a..b", "xn--a", "a.b."),
    "ipv4": ("1.2.3.4", "256.1.1.1", "01.2.3.4", "1.2.3"),
    "ipv6": ("::1", "1::2::3", "fe80::1%eth0", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8:9"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"),
    "date": ("2022-01-01", "2022-02-29", "2000-02-29", "22-01-01", "2022-1-1"),
    "time": ("10:20:30Z", "10:20:30", "24:00:00Z", "23:59:60Z", "10:20:30+02", "10:20:30.5Z"),
    "date-time": ("2022-01-01T10:20:30Z", "2022-01-01 10:20:30z", "2022-02-30T10:20:30Z", "x"),
    "regex": ("a", "[a", "(a", "a{2,1}", "(?<n>a)", "(?i)a", "\\p{L}", "*a", "[b-a]", "\\k<n>"),
    "json-pointer": ("/a", "a", "/a~2", "/a~0b"),
}


def payload(random: Random) -> dict[str, Any]:
    names = random.sample(NAMES, random.choice((1, 2, 2, 3, 4)))
    fields = {name: _field(random, 0, [one for one in names if one != name]) for name in names}
    values = {name: _value(random, one) for name, one in fields.items() if random.random() < 0.85}
    if random.random() < 0.3:
        values["unknown_key"] = random.choice(VALUES)
    mode = random.choice(("single", "single", "batch"))
    return {"op": "validate", "mode": mode, "fields": fields, "payload": values}


def date(random: Random) -> dict[str, Any]:
    return _one({"type": "datetime"}, date_text(random))


def format_of_text(random: Random) -> dict[str, Any]:
    name = random.choice(tuple(FORMATS))
    return _one({"type": "string", "format": name}, random.choice((*FORMATS[name], "abc", 5, "5")))


def _one(field: dict[str, Any], value: Any) -> dict[str, Any]:
    fields = {"f": {"label": "F", **field}}
    return {"op": "validate", "mode": "single", "fields": fields, "payload": {"f": value}}


def _field(random: Random, depth: int, others: list[str]) -> dict[str, Any]:
    kind = random.choice(TYPES if depth < 2 else TYPES[:-1])
    made: dict[str, Any] = {"type": kind, "label": random.choice(("Alpha", "the beta", "x y"))}
    for key, chance in (("multiple", 0.2), ("allowNull", 0.15), ("required", 0.25)):
        if random.random() < chance:
            made[key] = True
    if others and random.random() < 0.2:
        made["required"] = {
            "conditions": [_condition(random, others) for _ in range(random.choice((1, 1, 2)))],
            "match": random.choice(("any", "all")),
        }
    if kind in ("string", "text") and random.random() < 0.2:
        made["choices"] = random.choice((["red", "a"], [{"label": "X", "value": "x"}]))
    elif kind in ("string", "number") and not made.get("multiple") and random.random() < 0.25:
        made |= {"minimum": random.choice((1, 2, 5)), "maximum": random.choice((5, 8, 50))}
    if kind == "object" and random.random() < 0.7:
        names = random.sample(NAMES, random.choice((1, 2, 3)))
        made["properties"] = {name: _field(random, depth + 1, []) for name in names}
    if kind == "object" and random.random() < 0.3:
        made["additionalProperties"] = random.choice((True, False))
    return made


def _condition(random: Random, others: list[str]) -> dict[str, Any]:
    made = {"fieldKey": random.choice(others), "operator": random.choice(("is", "is_not"))}
    value = {"value": random.choice(("a", "x", "5", 5, True, False, "true", 0))}
    return made | (value if random.random() < 0.75 else {})


def _value(random: Random, field: Mapping[str, Any]) -> Any:
    if random.random() < 0.3:
        return random.choice(VALUES)
    if field.get("multiple") and random.random() < 0.7:
        one = {**field, "multiple": False}
        return [_value(random, one) for _ in range(random.choice((0, 1, 2)))]
    if field["type"] == "object":
        children = field.get("properties", {}).items()
        return {key: _value(random, one) for key, one in children if random.random() < 0.8}
    if field["type"] in ("number", "integer"):
        return random.choice((1, 5.5, 50, "5"))
    return random.choice(("x", "a", "hello", "a longer text", True, "2021-10-20", 1634725230))
