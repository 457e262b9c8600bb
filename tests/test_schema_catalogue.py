"""What is printed about a payload: catalogue, default mapping, JSON Schema."""

from typing import Annotated, Any

from pydantic import Field

from destination_core import schema
from destination_core.mapping import Directive
from destination_core.schema import Condition, Payload, PayloadSchema, payload_model, segment_schema


class Order(Payload):
    id: Annotated[str, Directive({"@path": "$.properties.id"}), Field(description="Which.")]
    notify: bool = True
    note: Annotated[
        str | None,
        Directive({"@template": "{{event}}"}),
        schema.field(
            label="Note for staff",
            type="text",
            allow_null=True,
            hidden=True,
            read_only=True,
            category="advanced",
            placeholder="…",
            depends_on=Condition("notify", "is", value=True),
            required_when=Condition("notify", "is", value=True),
        ),
    ] = None
    items: list[dict[str, Any]] = Field(default_factory=list)


ORDER = PayloadSchema(Order)


def test_fields_are_segments():
    """The catalogue holds Segment's InputField JSON."""
    condition = {
        "match": "all",
        "conditions": [{"fieldKey": "notify", "operator": "is", "value": True}],
    }
    assert ORDER.fields == {
        "id": {
            "label": "Id",
            "description": "Which.",
            "type": "string",
            "required": True,
            "default": {"@path": "$.properties.id"},
        },
        "notify": {"label": "Notify", "type": "boolean", "required": False, "default": True},
        "note": {
            "label": "Note for staff",
            "type": "text",
            "required": condition,
            "allowNull": True,
            "default": {"@template": "{{event}}"},
            "unsafe_hidden": True,
            "readOnly": True,
            "category": "advanced",
            "placeholder": "…",
            "depends_on": condition,
        },
        "items": {"label": "Items", "type": "object", "required": False, "multiple": True},
    }


def test_default_mapping_may_be_changed():
    """It is made of the directives, and each caller has a copy."""
    mapping = ORDER.default_mapping
    assert mapping == {
        "id": {"@path": "$.properties.id"},
        "notify": True,
        "note": {"@template": "{{event}}"},
    }
    mapping["id"]["@path"] = "changed"
    assert ORDER.default_mapping["id"] == {"@path": "$.properties.id"}


def test_json_schema_carries_the_default_mapping():
    """A directive is the property's x-default-mapping."""
    printed = ORDER.json_schema()
    assert printed["required"] == ["id"]
    assert printed["properties"]["id"] == {
        "title": "Id",
        "description": "Which.",
        "type": "string",
        "x-default-mapping": {"@path": "$.properties.id"},
    }
    assert printed["properties"]["note"]["type"] == ["string", "null"]
    assert printed["allOf"] == [
        {
            "if": {"required": ["notify"], "properties": {"notify": {"const": True}}},
            "then": {"required": ["note"]},
        }
    ]


def test_definitions_survive_the_round_trip():
    """Segment's JSON comes out of the catalogue as it went in, unknown members included."""
    fields = {
        "a": {
            "label": "A",
            "type": "object",
            "required": True,
            "multiple": True,
            "properties": {"b": {"label": "B", "type": "number", "required": False, "minimum": 0}},
            "additionalProperties": True,
            "default": {"@path": "$.x"},
            "dynamic": True,
            "defaultObjectUI": "keyvalue",
        },
        "c": {
            "label": "C",
            "type": "string",
            "format": "email",
            "choices": [{"label": "X", "value": "x@y.zz"}],
            "required": {"match": "any", "conditions": [{"fieldKey": "a.b", "operator": "is_not"}]},
        },
        "d": {"label": "D", "type": "datetime", "required": False, "format": "date-time"},
    }
    checked = PayloadSchema(payload_model("Data", fields))
    assert checked.fields == fields
    assert checked.default_mapping == {"a": {"@path": "$.x"}}


def test_nested_conditions_are_printed():
    """A condition on an object's property reaches into the object."""
    required = {
        "conditions": [
            {"fieldKey": "o.k", "operator": "is"},
            {"fieldKey": "x", "operator": "is_not", "value": [1, 2]},
        ]
    }
    printed = segment_schema({"t": {"type": "string", "required": required}})
    assert printed["allOf"][0]["if"]["allOf"] == [
        {"not": {"required": ["o"], "properties": {"o": {"required": ["k"]}}}},
        {"required": ["x"], "properties": {"x": {"not": {"enum": [1, 2]}}}},
    ]


class Reached(Payload):
    email: Annotated[str | None, schema.field(required=True)] = None


def test_a_field_that_the_handler_requires_is_shown_as_required():
    """A setting may relax it, so the model lets it be absent and the handler decides."""
    checked = PayloadSchema(Reached)
    assert checked.fields["email"]["required"] is True
    assert checked.json_schema()["required"] == []
    assert checked.validate({}).email is None
