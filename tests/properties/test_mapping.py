"""A compiled mapping does what an interpreter that is obviously right does."""

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from destination_core import mapping

MISSING = object()
KEYS = st.sampled_from(["a", "b", "c", "d"])
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "Yz", "x-x"])
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
events = st.dictionaries(KEYS, data, max_size=4)
paths = st.lists(KEYS | st.sampled_from(["0", "1"]), min_size=1, max_size=3).map(
    lambda keys: "$." + ".".join(keys)
)


def directives(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Wrap values in directives."""
    objects = st.dictionaries(KEYS, inner, max_size=2)
    return (
        st.fixed_dictionaries({"exists": inner, "then": inner, "else": inner}).map(
            lambda value: {"@if": value}
        )
        | st.fixed_dictionaries({"blank": inner, "then": inner}).map(lambda value: {"@if": value})
        | st.tuples(st.sampled_from(["lower", "upper"]), paths).map(
            lambda pair: {"@case": {"operator": pair[0], "value": {"@path": pair[1]}}}
        )
        | st.tuples(paths, objects).map(lambda pair: {"@arrayPath": [pair[0], pair[1]]})
        | st.tuples(st.lists(objects, max_size=3), st.sampled_from(["left", "right"])).map(
            lambda pair: {"@merge": {"objects": pair[0], "direction": pair[1]}}
        )
        | st.tuples(objects, objects).map(
            lambda pair: {"@transform": {"apply": pair[0], "mapping": pair[1]}}
        )
        | inner.map(lambda value: {"@excludeWhenNull": value})
        | data.map(lambda value: {"@literal": value})
        | st.lists(inner, max_size=3)
        | objects
    )


values = st.recursive(scalars | paths.map(lambda path: {"@path": path}), directives, max_leaves=8)


def resolved(value: Any, event: Any) -> Any:  # noqa: C901  a branch per directive
    """Interpret a mapping: one branch per directive, nothing prepared."""
    if isinstance(value, list):
        return [one for one in (resolved(item, event) for item in value) if one is not MISSING]
    if not isinstance(value, dict):
        return value
    match value:
        case {"@path": str(path)}:
            return at(path.removeprefix("$.").split("."), event)
        case {"@literal": literal}:
            return literal
        case {"@if": options}:
            key = "exists" if "exists" in options else "blank"
            found = resolved(options[key], event)
            absent = found is MISSING or found is None or (key == "blank" and found == "")
            chosen = options.get("else") if absent else options["then"]
            return MISSING if absent and chosen is None else resolved(chosen, event)
        case {"@case": {"operator": operator, "value": inner}}:
            found = resolved(inner, event)
            return getattr(found, operator)() if isinstance(found, str) else found
        case {"@arrayPath": [path, shape]}:
            found = at(path.removeprefix("$.").split("."), event)
            if not shape or not isinstance(found, list | dict):
                return found
            items = [found] if isinstance(found, dict) else found
            return [resolved(shape, one) for one in items]
        case {"@merge": {"objects": objects, "direction": direction}}:
            made: dict[str, Any] = {}
            for one in objects if direction == "right" else reversed(objects):
                made |= resolved(one, event)
            return made
        case {"@transform": {"apply": apply, "mapping": inner}}:
            return resolved(inner, resolved(apply, event))
        case {"@excludeWhenNull": inner}:
            found = resolved(inner, event)
            return MISSING if found is None else without_nulls(found)
    members = {key: resolved(one, event) for key, one in value.items()}
    return {key: one for key, one in members.items() if one is not MISSING}


def at(keys: list[str], value: Any) -> Any:
    """Follow a path: members of objects, items of lists; any path into null is null."""
    if value is None:
        return None
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def without_nulls(value: Any) -> Any:
    """Drop nulls at any depth."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_nulls(one) for one in value if one is not None]
    return value


@given(st.dictionaries(KEYS, values, max_size=4), events)
def test_compiled_equals_interpreted(source: dict[str, Any], event: dict[str, Any]) -> None:
    """Any mapping and any event: the same payload, and neither of them is changed."""
    source_before, event_before = copy.deepcopy(source), copy.deepcopy(event)
    assert mapping.compile(source).resolve(event) == resolved(source, event)
    assert (source, event) == (source_before, event_before)
