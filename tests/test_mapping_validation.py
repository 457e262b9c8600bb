"""Every fault that a mapping can have: Segment's sentence, with its path."""

from typing import Any

import pytest

import destination_core as dc
from destination_core import mapping

TEXT = "should be a string or a mapping directive but it is"
VALUE = {"value": {"@path": "$.x"}}
REPLACE = {"pattern": "x", **VALUE}

FAULTS: list[tuple[Any, list[str]]] = [
    ({"@path": {"a": 1}}, [f"/f/@path {TEXT} an object."]),
    ({"@path": True}, [f"/f/@path {TEXT} a boolean."]),
    ({"@path": {"@nope": 1}}, ["/f/@path has an invalid directive: @nope."]),
    ({"@template": []}, [f"/f/@template {TEXT} an array."]),
    ({"@template": {"@path": 1}}, [f"/f/@template/@path {TEXT} a number."]),
    ({"@literal": {"@path": 1}}, [f"/f/@literal/@path {TEXT} a number."]),
    ({"@if": {"@path": "$"}}, ["/f/@if should be an object but it is a directive."]),
    (
        {"@if": {key: {"@path": 1} for key in ("exists", "blank", "then", "else")}},
        [f"/f/@if/{key}/@path {TEXT} a number." for key in ("exists", "blank", "then", "else")],
    ),
    ({"@case": []}, ["/f/@case should be an object but it is an array."]),
    (
        {"@case": {"operator": 1, "value": 2}},
        [
            "/f/@case/operator should be a string but it is a number.",
            f"/f/@case/value {TEXT} a number.",
        ],
    ),
    (
        {"@replace": {}},
        [f'/f/@replace should have field "{key}" but it doesn\'t.' for key in ("pattern", "value")],
    ),
    (
        {"@replace": REPLACE | {"pattern": ""}},
        ["/f/@replace/pattern should be a string of length 1 or greater."],
    ),
    (
        {"@replace": REPLACE | {"pattern": "😀" * 6}},
        ["/f/@replace/pattern should be a string of length 10 or less."],
    ),
    (
        {"@replace": REPLACE | {"pattern": 1}},
        ["/f/@replace/pattern should be a string but it is a number."],
    ),
    (
        {"@replace": REPLACE | {"pattern2": "x" * 11}},
        ["/f/@replace/pattern2 should be a string of length 10 or less."],
    ),
    (
        {
            "@replace": REPLACE
            | {"replacement": None, "replacement2": 2, "ignorecase": "yes", "global": 1}
        },
        [
            "/f/@replace/replacement should be a string but it is a null.",
            "/f/@replace/replacement2 should be a string but it is a number.",
            "/f/@replace/ignorecase should be a boolean but it is a string.",
            "/f/@replace/global should be a boolean but it is a number.",
        ],
    ),
    ({"@replace": {"pattern": "x", "value": 1}}, [f"/f/@replace/value {TEXT} a number."]),
    ({"@arrayPath": "$.x"}, ["/f/@arrayPath should be an array but it is a string."]),
    ({"@arrayPath": []}, [f"/f/@arrayPath {TEXT} an undefined."]),
    ({"@arrayPath": [1]}, [f"/f/@arrayPath {TEXT} a number."]),
    (
        {"@arrayPath": ["$.x", {"a": {"@nope": 1}}]},
        ["/f/@arrayPath/a has an invalid directive: @nope."],
    ),
    ({"@flatten": {}}, ['/f/@flatten should have field "value" but it doesn\'t.']),
    (
        {"@flatten": {"value": {"@path": 1}, "separator": 1, "omitArrays": 1}},
        [
            f"/f/@flatten/value/@path {TEXT} a number.",
            "/f/@flatten/separator should be a string but it is a number.",
            "/f/@flatten/omitArrays should be a boolean but it is a number.",
        ],
    ),
    (
        {"@json": {}},
        [f'/f/@json should have field "{key}" but it doesn\'t.' for key in ("mode", "value")],
    ),
    ({"@json": {"mode": 1, **VALUE}}, ["/f/@json/mode should be a string but it is a number."]),
    (
        {"@merge": {"direction": "up", "objects": {}}},
        [
            "/f/@merge/objects should be an array but it is an object.",
            '/f/@merge/direction should be one of left, right but it is "up".',
        ],
    ),
    ({"@merge": {"direction": "left"}}, ['/f/@merge should have field "objects" but it doesn\'t.']),
    ({"@merge": {"objects": []}}, ['/f/@merge should have field "direction" but it doesn\'t.']),
    (
        {"@merge": {"direction": "left", "objects": [{}, {"a": {"@path": 1}}]}},
        [f"/f/@merge/objects/1/a/@path {TEXT} a number."],
    ),
    (
        {"@transform": {}},
        [
            f'/f/@transform should have field "{key}" but it doesn\'t.'
            for key in ("apply", "mapping")
        ],
    ),
    (
        {"@transform": {"apply": 1, "mapping": "x"}},
        [
            "/f/@transform/apply should be a object or a mapping directive but it is a number.",
            "/f/@transform/mapping should be a object or a mapping directive but it is a string.",
        ],
    ),
    ({"@excludeWhenNull": {"a": {"@path": 1}}}, [f"/f/@excludeWhenNull/a/@path {TEXT} a number."]),
    ({"@liquid": {"@path": "$.x"}}, ["/f/@liquid should be a string but it is a directive."]),
    (
        {"@path": "$", "@template": "", "_metadata": {}},
        ["/f should only have one @-prefixed key but it has 2 keys."],
    ),
    ({"a": 1, "@path": "$"}, ["/f should only have one @-prefixed key but it has 2 keys."]),
    ([{"@": 1}], ["/f/0 has an invalid directive: @."]),
    (
        {"@literal": [1, {"a": [{"@nope": 1}, {"@path": 1}]}]},
        [
            "/f/@literal/1/a/0 has an invalid directive: @nope.",
            f"/f/@literal/1/a/1/@path {TEXT} a number.",
        ],
    ),
]


@pytest.mark.parametrize(("source", "faults"), FAULTS, ids=[case[1][0][:60] for case in FAULTS])
def test_each_fault_is_named(source: Any, faults: list[str]) -> None:
    """All faults of a directive at once, and no others; ``faults`` and ``compile`` agree."""
    assert mapping.faults({"f": source, "fine": {"@path": "$.x"}}) == faults
    with pytest.raises(dc.InvalidMapping) as caught:
        mapping.compile({"f": source})
    assert list(caught.value.problems) == faults
    assert all(one in str(caught.value) for one in faults)


def test_the_faults_of_all_fields_are_named_at_once() -> None:
    """One message for the whole mapping, in its order, with the number of faults."""
    source = {str(n): case[0] for n, case in enumerate(FAULTS)}
    expected = [
        fault.replace("/f", f"/{n}", 1) for n, case in enumerate(FAULTS) for fault in case[1]
    ]
    assert mapping.faults(source) == expected
    with pytest.raises(dc.InvalidMapping, match=f"^mapping: {len(expected)} faults: "):
        mapping.compile(source)


@pytest.mark.parametrize("source", [None, 1, "x", [], [{"@path": "$"}]])
def test_a_mapping_is_an_object(source: Any) -> None:
    """Anything else is refused by its type."""
    with pytest.raises(dc.InvalidMapping, match="/ should be an object but it is a"):
        mapping.compile(source)


@pytest.mark.parametrize(
    "wrap", [lambda one: {"a": one}, lambda one: [one], lambda one: {"@excludeWhenNull": one}]
)
def test_a_mapping_of_any_depth_is_answered(wrap: Any) -> None:
    """10,000 levels are a fault, not a crash."""
    source: Any = 1
    for _ in range(10_000):
        source = wrap(source)
    with pytest.raises(dc.InvalidMapping, match="/f is nested more than 100 levels deep"):
        mapping.compile({"f": source})


ROOT_FAULTS: list[tuple[Any, str]] = [
    (None, "The root directive must be an object"),
    ("x", "The root directive must be an object"),
    ({}, "The root directive must be an object"),
    ({"@transform": {}, "@merge": {}}, "must only have a single directive object"),
    ({"@transform": 1}, "The root directive must be an object, @transform is number"),
    ({"@transform": {}}, '/@transform should have field "apply" but it doesn\'t.'),
    ({"@transform": {"apply": {"x": {"@path": 1}}}}, f"/@transform/apply/x/@path {TEXT} a number."),
    ({"@nope": {}}, "/ has an invalid directive: @nope."),
]


@pytest.mark.parametrize(
    ("root", "fault"), ROOT_FAULTS, ids=[case[1][-40:] for case in ROOT_FAULTS]
)
def test_a_faulty_root_directive_is_refused(root: Any, fault: str) -> None:
    """The root directive is checked as any other."""
    with pytest.raises(dc.InvalidMapping) as caught:
        mapping.compile({"__segment_internal_directive": root, "a": 1})
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"@path": "", "_metadata": {"label": "x"}},
        {
            "@replace": REPLACE
            | {"pattern": "x" * 10, "pattern2": "", "replacement2": None, "global": None}
        },
        {"@replace": REPLACE | {"pattern": "😀" * 5}},
        {"@merge": {"direction": "LEFT", "objects": []}},
        {"@json": {"mode": "Encode", "value": None}},
        {"@literal": None},
        {"@liquid": ""},
        {"a@b": 1, "_metadata": 1},
    ],
)
def test_what_is_at_a_limit_is_sound(source: Any) -> None:
    """Nothing that Segment accepts is refused."""
    assert mapping.faults({"f": source}) == []
