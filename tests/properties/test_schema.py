"""Schemas: properties that hold for any definition and any payload."""

import copy
import json
from typing import Annotated, Any, Literal

from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from destination_core import mapping
from destination_core.errors import InvalidPayload
from destination_core.numbers import number_of, text_of
from destination_core.schema import Payload, PayloadSchema, payload_model
from destination_core.schema.coercion import Coercion
from destination_core.schema.dates import date_of, is_date_like

KEYS = st.sampled_from(["a", "b", "c", "d"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "b", "1", "true", "2021-10-20", "a@b.co", " "])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
CONDITIONS = st.fixed_dictionaries(
    {"fieldKey": KEYS, "operator": st.sampled_from(["is", "is_not"])},
    optional={"value": st.sampled_from(["a", 1, True])},
)
REQUIRED = st.booleans() | st.fixed_dictionaries(
    {"conditions": st.lists(CONDITIONS, min_size=1, max_size=2)},
    optional={"match": st.sampled_from(["any", "all"])},
)
FLAGS: dict[str, Any] = {
    "label": st.just("Label"),
    "required": REQUIRED,
    "multiple": st.booleans(),
    "allowNull": st.booleans(),
}
LEAVES = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "text", "number", "integer", "boolean", "datetime"])},
    optional={**FLAGS, "minimum": st.integers(0, 3)},
)
FIELDS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(KEYS, inner, max_size=3)},
        optional={**FLAGS, "additionalProperties": st.booleans()},
    ),
    max_leaves=4,
)
PATHS = st.lists(KEYS, min_size=1, max_size=2).map(lambda keys: {"@path": "$." + ".".join(keys)})
MEMBERS = st.one_of(
    PATHS,
    SCALARS,
    SCALARS.map(lambda value: {"@literal": value}),
    st.tuples(PATHS, PATHS).map(
        lambda pair: {"@if": {"exists": pair[0], "then": pair[0], "else": pair[1]}}
    ),
    PATHS.map(lambda path: {"@json": {"mode": "encode", "value": path}}),
    st.just({"@flatten": {"value": {"@path": "$.a"}}}),  # fails on every event
    st.dictionaries(KEYS, PATHS, max_size=2),
)
MAPPINGS = st.dictionaries(KEYS | st.just("e"), MEMBERS, max_size=4)


def declared(definitions: dict[str, Any]) -> dict[str, Any]:
    """Add the fields that conditions name, without which there is no model."""
    text = json.dumps(definitions)
    named = [key for key in "abcd" if f'"fieldKey": "{key}"' in text]
    return {key: {"type": "string"} for key in named} | definitions


DEFINITIONS = st.dictionaries(KEYS, FIELDS, max_size=3).map(declared)
PAYLOADS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(DEFINITIONS, PAYLOADS)
def test_any_payload_is_taken_or_refused(definitions, payload):
    """Nothing but ``InvalidPayload`` is raised, and the payload is left alone."""
    before = copy.deepcopy(payload)
    checked = PayloadSchema(payload_model("Any", definitions))
    try:
        json.dumps(checked.validate(payload).to_json(), allow_nan=False)
    except InvalidPayload as error:
        problems = error.problems
    else:
        problems = None
    assert problems != ()
    assert payload == before


@given(DEFINITIONS, PAYLOADS)
def test_the_fast_path_agrees_with_the_patient_one(definitions, payload):
    """What is taken strictly is what Segment's coercions would have made of it."""
    checked = PayloadSchema(payload_model("Any", definitions))
    coerced, faults = Coercion(checked.specs)(payload)
    try:
        taken = checked.validate(payload)
    except InvalidPayload:
        assert faults
    else:
        assert not faults
        assert taken == checked.model.model_validate(coerced)


class Note(Payload):
    """A payload with a default of every kind, and fields that say more than a type."""

    a: str
    b: Annotated[dict[str, Any], Field(alias="c")] = Field(default_factory=dict)
    kind: Annotated[Literal["a", "b"], Field(alias="b")] = "b"
    rest: Annotated[Any, Field(alias="d")] = None
    tags: list[str] = []  # noqa: RUF012  pydantic copies it, and so must we
    length: Annotated[str | None, Field(max_length=1, alias="e")] = None


NOTE = st.just(Note)


@given(NOTE | DEFINITIONS.map(lambda one: payload_model("Any", one)), MAPPINGS, PAYLOADS)
def test_an_assembled_payload_is_the_validated_one(model, source, event):
    """Whatever the model, the mapping and the event: the same payload, or the same complaint."""
    checked, compiled = PayloadSchema(model), mapping.compile(source)
    found = []
    for read in (checked.reader(compiled), lambda one: checked.validate(compiled.resolve(one))):
        before = copy.deepcopy(event)
        try:
            payload = read(event)
        except InvalidPayload as error:
            found.append((str(error), error.problems, error.detail))
        else:
            said = (payload.model_fields_set, payload.__pydantic_extra__, list(vars(payload)))
            found.append((payload, payload.model_copy(deep=True), said, payload.to_json()))
        assert event == before
    assert found[0] == found[1]


@given(DEFINITIONS, PAYLOADS)
def test_coercing_twice_changes_nothing(definitions, payload):
    """A payload that was taken is taken again as it is, but for empty texts and blanks."""
    coerce = Coercion(PayloadSchema(payload_model("Any", definitions)).specs)
    once, faults = coerce(payload)
    again, more = coerce(once)
    if not faults and not more and '""' not in json.dumps(once):
        assert again == once


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_their_text(number):
    """A double is read back from its text as itself."""
    assert float(number_of(text_of(number))) == number


@given(st.text(max_size=30) | st.from_regex(r"[0-9TZ:. +/-]{1,30}", fullmatch=True))
def test_any_text_is_a_date_or_not(text):
    """Checking never raises, and what is said to be a date can be made one or is out of range."""
    if is_date_like(text):
        try:
            made = date_of(text)
        except ValueError as error:
            assert "calendar" in str(error)  # noqa: PT017  both ends are fine
        else:
            assert made.tzinfo is not None
