"""Mappings: directives within directives, paths that lead somewhere or nowhere."""

from random import Random
from typing import Any, Final

from tests.differential.made.liquid import DATA

PATHS: Final = (
    "userId", "properties.total", "properties.products", "properties.products[0].sku",
    "properties.products.0.sku", "properties.products[-1]", "properties.products[9]",
    "properties.tags", "properties.address.geo.lat", 'properties["first-name"]',
    "properties['a.b']", "properties.a.b", "properties.mixed[4].k", "properties.mixed.5.1",
    "properties.nothing", "properties.missing.x", "properties.empty", "properties.none",
    "properties.numbers[01]", "properties.numbers[ 1 ]", "properties..total", "properties[total]",
    "traits", "type", " userId", "properties. total", "properties[]", "PROPERTIES.total",
)  # fmt: skip
OBJECTS: Final = ("$.properties.address", "$.properties", "$.missing", "properties.products")


def mapping(random: Random) -> dict[str, Any]:
    return {"op": "transform", "mapping": {"a": _value(random, 0)}, "data": DATA}


def _path(random: Random) -> str:
    return random.choice(("$.", "$.", "")) + random.choice(PATHS)


def _template(random: Random) -> str:
    forms = ("{{%s}}", "{{ %s }}", "{{{%s}}}", "{{%s }}", "{ {%s} }", "{{%s}", "x {{{ %s }}}é")
    return "".join(
        random.choice(forms) % random.choice(PATHS) for _ in range(random.choice((1, 2)))
    )


def _text(random: Random) -> Any:
    return random.choice(
        ({"@path": _path(random)}, {"@template": _template(random)}, "Ab-c.a* é", "$.userId")
    )


def _value(random: Random, depth: int) -> Any:
    if depth > 2 or random.random() < 0.3:
        return random.choice((_text(random), _text(random), 1, "x", None, True, 0, [], {}))
    one, two = _value(random, depth + 1), _value(random, depth + 1)
    return random.choice(_directives(random, one, two))


def _directives(random: Random, one: Any, two: Any) -> tuple[Any, ...]:
    pick = random.choice
    replaced = {
        "pattern": pick("a.*-é$("),
        "replacement": pick(("", "x", "--")),
        "value": "Ab-c.a*",
    }
    return (
        {"@if": {"exists": _text(random), "then": one, "else": two}},
        {"@if": {"exists": {"@path": _path(random)}, "then": one}},
        {"@case": {"operator": pick(("upper", "lower")), "value": _text(random)}},
        {
            "@replace": {
                **replaced,
                "global": pick((True, False)),
                "ignorecase": pick((True, False)),
            }
        },
        {"@arrayPath": [_path(random)]},
        {"@arrayPath": ["$.properties.products", {"p": {"@path": "$.sku"}, "q": one}]},
        {"@json": {"mode": "encode", "value": {"@path": _path(random)}}},
        {"@json": {"mode": "decode", "value": pick(('{"a":1}', "[1,2", '"x"', " 5 ", "NaN"))}},
        {"@flatten": {"separator": pick((".", "_")), "value": {"@path": pick(OBJECTS[:2])}}},
        {"@merge": {"direction": pick(("left", "right")), "objects": [{"a": one}, {"a": two}]}},
        {"@merge": {"direction": "right", "objects": [{"@path": pick(OBJECTS[:3])}, {"z": one}]}},
        {"@transform": {"apply": {"u": one}, "mapping": {"a": {"@path": "$.u"}}}},
        {"@excludeWhenNull": {"a": one, "b": two}},
        {"a": one, "z": two},
        [one, two],
    )
