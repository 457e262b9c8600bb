"""The edges of each directive: kinds of values, what is left out, what fails on an event."""

import copy
from typing import Any

import pytest

import destination_core as dc
from destination_core import mapping

EVENT: dict[str, Any] = {
    "s": "Text",
    "n": 1.50,
    "yes": True,
    "null": None,
    "list": [1, None, "x"],
    "rows": [{"a": 1, "b": {"c": 2}}, 5, None, {}],
    "object": {"a": None, "in": {"b": [None, {"c": None}], "none": {}}},
    "0": "zero",
    "path": "$.s",
}
LEFT_OUT: Any = ...

CASES: list[tuple[Any, Any]] = [
    # @path
    ({"@path": "$.list[0]"}, 1),
    ({"@path": "$.list[1]"}, None),
    ({"@path": "$.list[3]"}, LEFT_OUT),
    ({"@path": "$.list[-1]"}, LEFT_OUT),
    ({"@path": "$.list[00]"}, LEFT_OUT),
    ({"@path": "$.list.length"}, LEFT_OUT),
    ({"@path": "$.s[0]"}, LEFT_OUT),
    ({"@path": "$[0]"}, "zero"),
    ({"@path": "$['object']['in'].none"}, {}),
    ({"@path": "$.null.deeper"}, LEFT_OUT),
    ({"@path": {"@path": "$.path"}}, "Text"),
    ({"@path": {"@template": "$.{{path}}x"}}, LEFT_OUT),
    # @template
    ({"@template": ""}, ""),
    ({"@template": "{{n}} {{yes}} {{list}} {{object.in.none}}"}, "1.5 true 1,,x {}"),
    ({"@template": "{{ }}{{null}}{{nope.at.all}}|{{"}, "|{{"),
    ({"@template": {"@path": "$.path"}}, "$.s"),
    # @literal
    ({"@literal": None}, None),
    ({"@literal": [{"@path": "$.s"}]}, [{"@path": "$.s"}]),
    # @if
    ({"@if": {"exists": False, "then": 1, "else": 2}}, 1),
    ({"@if": {"blank": False, "then": 1, "else": 2}}, 1),
    ({"@if": {"blank": {"@path": "$.null"}, "then": 1, "else": 2}}, 2),
    ({"@if": {"blank": {"@path": "$.nope"}, "then": 1, "else": {"@path": "$.s"}}}, "Text"),
    ({"@if": {"exists": 1, "else": 2}}, LEFT_OUT),
    ({"@if": {"exists": 1, "then": {"@path": "$.nope"}, "else": 2}}, LEFT_OUT),
    ({"@if": {"exists": {"@path": "$.nope"}, "then": 1, "else": None}}, LEFT_OUT),
    # @case
    ({"@case": {"operator": "lower", "value": {"@path": "$.s"}}}, "text"),
    ({"@case": {"operator": "upper", "value": {"@path": "$.list"}}}, [1, None, "x"]),
    ({"@case": {"operator": "upper", "value": {"@path": "$.nope"}}}, LEFT_OUT),
    ({"@case": {"operator": "title", "value": {"@path": "$.n"}}}, 1.5),
    ({"@case": {"operator": "upper"}}, LEFT_OUT),
    # @replace
    ({"@replace": {"pattern": "t", "value": {"@path": "$.s"}}}, "Tex"),
    ({"@replace": {"pattern": "t", "ignorecase": True, "value": {"@path": "$.s"}}}, "ex"),
    ({"@replace": {"pattern": ".", "replacement": ",", "value": {"@path": "$.n"}}}, "1,5"),
    ({"@replace": {"pattern": "true", "replacement": "1", "value": {"@path": "$.yes"}}}, "1"),
    ({"@replace": {"pattern": "x", "value": {"@path": "$.list"}}}, LEFT_OUT),
    ({"@replace": {"pattern": "x", "value": {"@path": "$.null"}}}, LEFT_OUT),
    ({"@replace": {"pattern": "x", "value": ""}}, LEFT_OUT),
    (
        {"@replace": {"pattern": "a", "replacement": "bb", "pattern2": "b", "replacement2": "\\1",
                      "global": False, "value": "aa"}},
        "\\1ba",
    ),
    # @arrayPath
    (
        {"@arrayPath": ["$.rows", {"x": {"@path": "$.a"}, "y": {"@path": "$.b.c"}, "z": 0}]},
        [{"x": 1, "y": 2, "z": 0}, {"z": 0}, {"x": None, "y": None, "z": 0}, {"z": 0}],
    ),
    ({"@arrayPath": ["$.s", {"x": 1}]}, "Text"),
    ({"@arrayPath": ["$.nope", {"x": 1}]}, LEFT_OUT),
    ({"@arrayPath": [{"@path": "$.object"}, {}]}, EVENT["object"]),
    ({"@arrayPath": [{"@path": "$.rows"}, {"@path": "$.a"}]}, [1, None]),
    # @flatten
    ({"@flatten": {"separator": ".", "value": {"@path": "$.s"}}}, "Text"),
    ({"@flatten": {"separator": ".", "value": {}}}, {}),
    ({"@flatten": {"separator": "", "value": {"a": {"b": 1}}}}, {"ab": 1}),
    ({"@flatten": {"separator": ".", "value": {"@path": "$.object"}}},
     {"a": None, "in.b.0": None, "in.b.1.c": None}),
    ({"@flatten": {"separator": ".", "omitArrays": True, "value": {"@path": "$.list"}}},
     [1, None, "x"]),
    # @json
    ({"@json": {"mode": "encode", "value": {"@path": "$.nope"}}}, LEFT_OUT),
    ({"@json": {"mode": "ENCODE", "value": {"é": 1e21}}}, '{"é":1e+21}'),
    ({"@json": {"mode": "encode", "value": {"@path": "$.null"}}}, "null"),
    ({"@json": {"mode": "decode", "value": "NaN"}}, "NaN"),
    ({"@json": {"mode": "decode", "value": "null"}}, None),
    ({"@json": {"mode": "decode", "value": {"@path": "$.n"}}}, 1.5),
    # @merge
    ({"@merge": {"direction": "right", "objects": []}}, {}),
    ({"@merge": {"direction": "LEFT", "objects": [{"@path": "$.null"}, {"a": {"b": 1}},
                                                  {"a": {"c": 1}, "d": 2}, {"@path": "$.s"}]}},
     {"a": {"b": 1}, "d": 2}),
    # @transform
    ({"@transform": {"apply": {"@path": "$.object.in"}, "mapping": {"b": {"@path": "$.b[1]"}}}},
     {"b": {"c": None}}),
    ({"@transform": {"apply": {}, "mapping": {"@path": "$.s"}}}, LEFT_OUT),
    # @excludeWhenNull
    ({"@excludeWhenNull": {"@path": "$.nope"}}, LEFT_OUT),
    ({"@excludeWhenNull": {"@path": "$.object"}}, {"in": {"b": [{}], "none": {}}}),
    ({"@excludeWhenNull": False}, False),
    # what is missing, and what beside a directive is ignored
    ({"a": {"@path": "$.nope"}, "b": [{"@path": "$.nope"}]}, {"b": []}),
    ({"_metadata": {"label": "x"}, "@literal": 1}, 1),
    ({"_metadata": {"label": "x"}}, {"_metadata": {"label": "x"}}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "made"), CASES, ids=[str(case[0])[:70] for case in CASES])
def test_a_directive_at_its_edges(source: Any, made: Any) -> None:
    """The value is exactly this one; ``...`` stands for a field that is left out."""
    before = copy.deepcopy(EVENT)
    resolved = mapping.compile({"f": source}).resolve(EVENT)
    assert resolved == ({} if made is LEFT_OUT else {"f": made})
    assert before == EVENT


@pytest.mark.parametrize(
    ("source", "pointer", "reason"),
    [
        ({"@path": {"@path": "$.n"}}, "/f", "@path: expected string, got number"),
        ({"@path": {"@path": "$.nope"}}, "/f", "@path: expected string, got undefined"),
        ({"@template": {"@path": "$.null"}}, "/f", "@template: expected string, got null"),
        ({"@if": {"then": 1}}, "/f", '@if requires an "exists" key or a "blank" key'),
        ({"@case": {"value": "x"}}, "/f", '@case requires a "operator" key'),
        ({"@case": {"operator": "up", "value": "x"}}, "/f", 'value of "lower" or "upper"'),
        ({"@flatten": {"value": {}}}, "/f", '@flatten requires a "separator" key'),
        ({"a": {"@if": {}}}, "/f/a", "@if requires"),
        ([1, {"@if": {}}], "/f/1", "@if requires"),
        ([{"@path": "$.nope"}, {"b": {"@if": {}}}], "/f/1/b", "@if requires"),
    ],
)
def test_a_failure_on_an_event_names_the_field(source: Any, pointer: str, reason: str) -> None:
    """The place is the one in the mapping, also after an item that is left out."""
    with pytest.raises(dc.InvalidPayload) as caught:
        mapping.compile({"f": source}).resolve(EVENT)
    assert caught.value.code == "MAPPING_ERROR"
    (problem,) = caught.value.problems
    assert problem.pointer == pointer
    assert reason in problem.message


def test_a_payload_shares_nothing_with_its_mapping() -> None:
    """Writing into one payload changes neither the mapping nor the next payload."""
    source = {"a": {"@literal": {"b": [1]}}, "c": {"d": []}}
    compiled = mapping.compile(source)
    first = compiled.resolve({})
    first["a"]["b"].append(2)
    first["c"]["d"].append(3)
    assert compiled.resolve({}) == {"a": {"b": [1]}, "c": {"d": []}}
    assert source == {"a": {"@literal": {"b": [1]}}, "c": {"d": []}}


def test_an_event_of_any_depth_can_be_mapped() -> None:
    """10,000 levels give a payload or one clear rejection, whatever walks them."""
    deep: Any = 1
    for _ in range(10_000):
        deep = {"a": deep}
    assert mapping.compile({"f": {"@path": "$.x"}}).resolve({"x": deep})["f"] is deep
    for source in (
        {"@json": {"mode": "encode", "value": {"@path": "$.x"}}},
        {"@flatten": {"separator": ".", "value": {"@path": "$.x"}}},
        {"@excludeWhenNull": {"@path": "$.x"}},
        {"@template": "{{x}}"},
    ):
        with pytest.raises(dc.InvalidPayload, match="nested too deeply") as caught:
            mapping.compile({"f": source}).resolve({"x": deep})
        assert caught.value.code == "MAPPING_ERROR"


@pytest.mark.parametrize(
    ("root", "made"),
    [
        ({"@transform": {"apply": {"u": {"@path": "$.s"}}}}, {"id": "Text"}),
        ({"@transform": {"apply": {"u": 1}, "mapping": {"kept": 1}}}, {"id": 1}),
        ({"@transform": {"apply": {}}}, {}),
    ],
)
def test_the_root_directive_maps_with_the_other_keys(root: Any, made: Any) -> None:
    """They are its ``mapping``, whatever it says itself."""
    source = {"id": {"@path": "$.u"}, "__segment_internal_directive": root}
    assert mapping.compile(source).resolve(EVENT) == made
