"""Directives: what each makes of an event, and how a faulty mapping is refused."""

import subprocess
import sys
from typing import Any

import pytest

import destination_core as dc
from destination_core import mapping

EVENT = {
    "type": "track",
    "userId": "u1",
    "properties": {
        "total": 5.0,
        "big": 1e21,
        "none": None,
        "empty": "",
        "name": "Ann Lee",
        "a.b": "dotted",
        "items": [{"sku": "x", "n": 1}, {"sku": "y"}],
        "nested": {"one": {"two": 2}, "list": [1, {"deep": None}]},
        "json": '{"k": [1, 2]}',
    },
}
P = "$.properties"

RESOLVED: list[tuple[Any, Any]] = [
    ({"@path": "$.userId"}, "u1"),
    ({"@path": "userId"}, "u1"),
    ({"@path": "$"}, EVENT),
    ({"@path": f"{P}.items[1].sku"}, "y"),
    ({"@path": f"{P}.items.1.sku"}, "y"),
    ({"@path": f"{P}['a.b']"}, "dotted"),
    ({"@path": f"{P}.none"}, None),
    ({"@path": {"@template": "{{type}}"}}, ...),
    ({"@path": "$.nowhere.at.all"}, ...),
    ({"@template": "{{userId}}: {{properties.total}} {{properties.none}}{{nope}}!"}, "u1: 5 !"),
    ({"@template": "{{properties.big}} {{{properties.items}}}"},
     '1e+21 [{"sku":"x","n":1},{"sku":"y"}]'),
    ({"@template": "{{properties.name}} is {{ userId }}"}, "Ann Lee is u1"),
    ({"@literal": {"@path": "$.userId"}}, {"@path": "$.userId"}),
    ({"@if": {"exists": {"@path": f"{P}.none"}, "then": 1, "else": 2}}, 2),
    ({"@if": {"exists": {"@path": f"{P}.empty"}, "then": 1, "else": 2}}, 1),
    ({"@if": {"blank": {"@path": f"{P}.empty"}, "then": 1, "else": 2}}, 2),
    ({"@if": {"exists": {"@path": "$.nope"}, "then": 1}}, ...),
    ({"@case": {"operator": "upper", "value": {"@path": "$.userId"}}}, "U1"),
    ({"@case": {"operator": "lower", "value": {"@path": f"{P}.total"}}}, 5.0),
    ({"@replace": {"pattern": "n", "replacement": "N", "value": {"@path": f"{P}.name"}}},
     "ANN Lee"),
    ({"@replace": {"pattern": "N", "replacement": "-", "value": {"@path": f"{P}.name"},
                   "ignorecase": True, "global": False}}, "A-n Lee"),
    ({"@replace": {"pattern": ".", "replacement": "", "value": {"@path": f"{P}.name"},
                   "pattern2": "Lee", "replacement2": "$&"}}, "Ann $&"),
    ({"@arrayPath": [f"{P}.items", {"id": {"@path": "$.sku"}}]}, [{"id": "x"}, {"id": "y"}]),
    ({"@arrayPath": [f"{P}.items"]}, EVENT["properties"]["items"]),  # type: ignore[index]
    ({"@arrayPath": [f"{P}.nested", {"t": {"@path": "$.one.two"}}]}, [{"t": 2}]),
    ({"@flatten": {"separator": "_", "value": {"@path": f"{P}.nested"}}},
     {"one_two": 2, "list_0": 1, "list_1_deep": None}),
    ({"@flatten": {"separator": ".", "omitArrays": True, "value": {"@path": f"{P}.nested"}}},
     {"one.two": 2, "list": [1, {"deep": None}]}),
    ({"@json": {"mode": "encode", "value": {"@path": f"{P}.items"}}},
     '[{"sku":"x","n":1},{"sku":"y"}]'),
    ({"@json": {"mode": "decode", "value": {"@path": f"{P}.json"}}}, {"k": [1, 2]}),
    ({"@json": {"mode": "decode", "value": {"@path": f"{P}.name"}}}, "Ann Lee"),
    ({"@merge": {"direction": "right", "objects": [{"a": 1, "b": 1}, {"b": 2}]}}, {"a": 1, "b": 2}),
    ({"@merge": {"direction": "left", "objects": [{"a": 1, "b": 1}, {"b": 2}]}}, {"a": 1, "b": 1}),
    ({"@transform": {"apply": {"x": {"@path": "$.userId"}}, "mapping": {"y": {"@path": "$.x"}}}},
     {"y": "u1"}),
    ({"@excludeWhenNull": {"@path": f"{P}.none"}}, ...),
    ({"@excludeWhenNull": {"a": None, "b": [None, 1]}}, {"b": [1]}),
    ({"@liquid": "{{ properties.total | times: 100 }} {{ properties.name | upcase }}"},
     "500 ANN LEE"),
    ({"@path": "$.userId", "_metadata": {"label": "x"}}, "u1"),
    ([{"@path": "$.userId"}, {"@path": "$.nope"}, 1], ["u1", 1]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "made"), RESOLVED, ids=[str(case[0])[:60] for case in RESOLVED])
def test_a_directive_resolves(source: Any, made: Any) -> None:
    """Each directive gives this value; ``...`` stands for a field that is left out."""
    resolved = mapping.compile({"field": source, "other": 1}).resolve(EVENT)
    assert resolved == {**({} if made is ... else {"field": made}), "other": 1}


@pytest.mark.parametrize(
    "directive",
    [
        {"@transform": {"apply": {"id": {"@path": "$.userId"}}}},
        {"@transform": {"apply": {"id": {"@literal": "u1"}}}},
    ],
)
def test_a_directive_at_the_root_takes_the_other_keys(directive: Any) -> None:
    """``__segment_internal_directive`` applies to the mapping as a whole."""
    source = {"__segment_internal_directive": directive, "person": {"@path": "$.id"}}
    assert mapping.compile(source).resolve(EVENT) == {"person": "u1"}


FAULTS: list[tuple[Any, str]] = [
    ({"@path": 1}, "/f/@path should be a string or a mapping directive but it is a number."),
    ({"@nope": 1}, "/f has an invalid directive: @nope."),
    ({"@path": "$", "extra": 1}, "/f should only have one @-prefixed key but it has 2 keys."),
    ({"@if": "x"}, "/f/@if should be an object but it is a string."),
    ({"@replace": {"value": "x"}}, '/f/@replace should have field "pattern" but it doesn\'t.'),
    ({"@replace": {"pattern": "12345678901", "value": ""}},
     "/f/@replace/pattern should be a string of length 10 or less."),
    ({"@json": {"mode": "zip", "value": 1}},
     '/f/@json/mode should be one of encode, decode but it is "zip".'),
    ({"@merge": {"objects": [1], "direction": "left"}},
     "/f/@merge/objects/0 should be a object or a mapping directive but it is a number."),
    ({"@liquid": {}}, "/f/@liquid should be a string but it is an object."),
    ({"a": [{"@path": None}]},
     "/f/a/0/@path should be a string or a mapping directive but it is a null."),
]  # fmt: skip


@pytest.mark.parametrize(("source", "fault"), FAULTS, ids=[case[1][:50] for case in FAULTS])
def test_a_fault_is_named_with_its_path(source: Any, fault: str) -> None:
    """Segment's sentence, with the path of the fault, before any event is seen."""
    with pytest.raises(dc.InvalidMapping) as caught:
        mapping.compile({"f": source})
    assert list(caught.value.problems) == [fault]


def test_all_faults_are_named_at_once() -> None:
    """Nobody mends a mapping one error at a time."""
    with pytest.raises(dc.InvalidMapping) as caught:
        mapping.compile({"a": {"@path": 1}, "b": {"@nope": 1}, "c": {"@path": "$.fine"}})
    assert [one.split(" ")[0] for one in caught.value.problems] == ["/a/@path", "/b"]


def test_a_failure_on_an_event_has_the_path_of_its_field() -> None:
    """What only an event shows rejects that event, with the field."""
    compiled = mapping.compile({"a": {"b": {"@path": {"@path": "$.properties.total"}}}})
    with pytest.raises(dc.InvalidPayload, match="/a/b") as caught:
        compiled.resolve(EVENT)
    assert caught.value.code == "MAPPING_ERROR"
    assert caught.value.problems[0].pointer == "/a/b"


@pytest.mark.parametrize("event", [{}, {"properties": None}, {"properties": [1]}, {"userId": {}}])
def test_any_event_can_be_mapped(event: dict[str, Any]) -> None:
    """Missing and unusual values leave fields out; they never raise anything else."""
    compiled = mapping.compile({str(n): case[0] for n, case in enumerate(RESOLVED)})
    assert isinstance(compiled.resolve(event), dict)


def test_python_liquid_is_imported_only_where_it_is_used() -> None:
    """Its 40 ms are spent by mappings with ``@liquid`` only."""
    program = (
        "import sys; from destination_core import mapping;"
        "mapping.compile({'a': {'@path': '$.x'}, 'b': {'@template': '{{x}}'}});"
        "print('liquid' in sys.modules);"
        "mapping.compile({'a': {'@liquid': '{{x}}'}}); print('liquid' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]
