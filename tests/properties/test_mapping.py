"""A compiled mapping does what an interpreter that is obviously right does."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import destination_core as dc
from destination_core import mapping
from tests.properties.interpreter import interpreted

KEYS = st.sampled_from(["a", "b", "c", "d"])
scalars = st.none() | st.booleans() | st.integers(-5, 5)
texts = st.sampled_from(["", "x", "Yz", "x-x", "[1]", '{"a":null}', "{{a}}"])
data = st.recursive(
    scalars | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
)
events = st.dictionaries(KEYS, data, max_size=4)
paths = st.lists(KEYS | st.sampled_from(["0", "1"]), min_size=1, max_size=3).map(
    lambda keys: "$." + ".".join(keys)
)
taken = paths.map(lambda path: {"@path": path})
templates = st.lists(
    st.sampled_from(["", "x", "- "]) | paths.map(lambda path: "{{" + path + "}}"), max_size=4
).map(lambda parts: {"@template": "".join(parts)})
anything = st.recursive(
    scalars | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner),
    max_leaves=8,
)


def having(directive: str, **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Make a directive with these options."""
    return st.fixed_dictionaries({directive: st.fixed_dictionaries(options)})


def directives(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Wrap values in directives."""
    objects = st.dictionaries(KEYS, inner, max_size=2)
    return st.one_of(
        having("@if", exists=inner, then=inner, **{"else": inner}),
        having("@if", blank=inner, then=inner),
        having("@case", operator=st.sampled_from(["lower", "upper"]), value=taken | templates),
        having(
            "@replace",
            pattern=st.sampled_from(["x", "-", "x-", "."]),
            replacement=st.sampled_from(["", "x", "$&", "\\1"]),
            pattern2=st.sampled_from(["", "x"]),
            value=taken | templates,
            **{"global": st.booleans()},
        ),
        having("@flatten", value=inner, separator=st.just("/"), omitArrays=st.booleans()),
        having("@json", mode=st.sampled_from(["encode", "decode"]), value=inner),
        st.tuples(paths, objects).map(lambda pair: {"@arrayPath": list(pair)}),
        having(
            "@merge",
            objects=st.lists(objects, max_size=3),
            direction=st.sampled_from(["left", "right"]),
        ),
        having("@transform", apply=objects, mapping=objects),
        inner.map(lambda value: {"@excludeWhenNull": value}),
        data.map(lambda value: {"@literal": value}),
        st.lists(inner, max_size=3),
        objects,
    )


values = st.recursive(scalars | texts | taken | templates, directives, max_leaves=8)
mappings = st.dictionaries(KEYS, values, max_size=4)


@given(mappings, events)
def test_compiled_equals_interpreted(source: dict[str, Any], event: dict[str, Any]) -> None:
    """Any mapping and any event: the same payload, and neither of them is changed."""
    source_before, event_before = copy.deepcopy(source), copy.deepcopy(event)
    assert mapping.compile(source).resolve(event) == interpreted(source, event)
    assert (source, event) == (source_before, event_before)


@given(mappings, st.dictionaries(KEYS, anything, max_size=4))
def test_any_event_can_be_resolved(source: dict[str, Any], event: dict[str, Any]) -> None:
    """Odd numbers, odd texts, odd keys: an object comes out, and the same one each time."""
    compiled = mapping.compile(source)
    first = compiled.resolve(event)
    assert isinstance(first, dict)
    assert repr(compiled.resolve(event)) == repr(first)


@given(st.dictionaries(KEYS | st.sampled_from(["@if", "@path"]), anything | values))
def test_any_json_is_compiled_or_refused(source: dict[str, Any]) -> None:
    """A mapping has faults, and is refused with them, or it has none and compiles."""
    found: list[str] = []
    try:
        mapping.compile(source)
    except dc.InvalidMapping as error:
        found = [str(one) for one in error.problems]
    assert found == mapping.faults(source)


@given(
    st.text(alphabet="{}%|: 'a.n1-", max_size=30) | st.text(max_size=20),
    st.dictionaries(KEYS, anything, max_size=3),
)
def test_any_template_renders_or_rejects_the_event(template: str, event: dict[str, Any]) -> None:
    """Whatever is in a Liquid template, the end is a text or a liquid error."""
    before = repr(event)
    try:
        assert isinstance(mapping.compile({"x": {"@liquid": template}}).resolve(event)["x"], str)
    except dc.InvalidPayload as error:
        assert error.code == "LIQUID_ERROR"  # noqa: PT017  either end is right
    assert repr(event) == before
