"""Directives as authors write them: each call yields Segment's JSON."""

from typing import Any

import pytest

import destination_core as dc
from destination_core import mapping

BUILT: list[tuple[dc.Directive, Any]] = [
    (dc.path("$.userId"), {"@path": "$.userId"}),
    (dc.template("Hi {{name}}"), {"@template": "Hi {{name}}"}),
    (dc.literal({"@path": "x"}), {"@literal": {"@path": "x"}}),
    (dc.liquid("{{ a }}"), {"@liquid": "{{ a }}"}),
    (
        dc.coalesce("$.a", "$.b", "$.c"),
        {
            "@if": {
                "exists": {"@path": "$.a"},
                "then": {"@path": "$.a"},
                "else": {
                    "@if": {
                        "exists": {"@path": "$.b"},
                        "then": {"@path": "$.b"},
                        "else": {"@path": "$.c"},
                    }
                },
            }
        },
    ),
    (
        dc.if_(blank=dc.path("$.a"), then="x", else_=["y", dc.path("$.b")]),
        {"@if": {"blank": {"@path": "$.a"}, "then": "x", "else": ["y", {"@path": "$.b"}]}},
    ),
    (
        dc.case(dc.path("$.a"), "lower"),
        {"@case": {"operator": "lower", "value": {"@path": "$.a"}}},
    ),
    (
        dc.replace(dc.path("$.a"), "-", "_", pattern2=".", replacement2="", all=False),
        {
            "@replace": {
                "pattern": "-",
                "replacement": "_",
                "pattern2": ".",
                "replacement2": "",
                "ignorecase": False,
                "global": False,
                "value": {"@path": "$.a"},
            }
        },
    ),
    (
        dc.array_path("$.items", {"id": dc.path("$.sku")}),
        {"@arrayPath": ["$.items", {"id": {"@path": "$.sku"}}]},
    ),
    (
        dc.flatten(dc.path("$.a"), separator="_", omit_arrays=True),
        {"@flatten": {"value": {"@path": "$.a"}, "separator": "_", "omitArrays": True}},
    ),
    (
        dc.json(dc.path("$.a"), mode="decode"),
        {"@json": {"value": {"@path": "$.a"}, "mode": "decode"}},
    ),
    (
        dc.merge(dc.path("$.a"), {"b": 1}, direction="left"),
        {"@merge": {"objects": [{"@path": "$.a"}, {"b": 1}], "direction": "left"}},
    ),
    (
        dc.transform(apply={"a": dc.path("$.b")}, mapping={"c": dc.path("$.a")}),
        {"@transform": {"apply": {"a": {"@path": "$.b"}}, "mapping": {"c": {"@path": "$.a"}}}},
    ),
    (dc.exclude_when_null(dc.path("$.a")), {"@excludeWhenNull": {"@path": "$.a"}}),
]


@pytest.mark.parametrize(("built", "json"), BUILT, ids=[next(iter(one[1])) for one in BUILT])
def test_a_builder_yields_segments_json(built: dc.Directive, json: Any) -> None:
    """The JSON that Segment would store, which is also a sound mapping."""
    assert built.value == json
    assert mapping.compile({"field": built.value}).source == {"field": json}


def test_every_directive_has_a_builder() -> None:
    """None of the thirteen has to be written by hand."""
    assert {next(iter(one[1])) for one in BUILT} == set(mapping.directives.DIRECTIVES)
