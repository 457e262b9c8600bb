"""Payload models that Segment's field definitions make."""

from typing import Any, ClassVar, Final

import pytest

from destination_core.errors import InvalidPayload, PluginError
from destination_core.schema import PayloadSchema, payload_model

NAN: Final = float("nan")


def problems(checked: PayloadSchema, data: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidPayload) as caught:
        checked.validate(data)
    assert str(caught.value) == " ".join(one.message for one in caught.value.problems)
    return [(one.pointer, one.message) for one in caught.value.problems]


class TestPayloadModel:
    FIELDS: ClassVar[Any] = {
        "a/b": {"label": "Slash", "type": "string"},
        "class": {"label": "Keyword", "type": "integer"},
        "copy": {"label": "Shadow", "type": "boolean"},
        "model_id": {"label": "Model", "type": "number"},
        "_x": {"label": "Underscore", "type": "string", "multiple": True},
    }

    def test_any_key_is_a_field(self):
        """Keys that Python cannot have as attributes are fields all the same."""
        model = payload_model("Odd", self.FIELDS)
        data = {"a/b": "x", "class": 1, "copy": True, "model_id": 2, "_x": ["y"]}
        payload = PayloadSchema(model).validate(data)
        assert payload.to_json() == data
        assert payload.model_id == 2

    def test_absent_fields_stay_absent(self):
        """Only what came is dumped; what did not reads as None."""
        payload = PayloadSchema(payload_model("Odd", self.FIELDS)).validate({})
        assert payload.to_json() == {}
        assert payload.model_id is None

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"a": {"type": "blob"}}, "field 'a' has unknown type 'blob'"),
            ({"a": {"type": "string", "format": "Email"}}, "unknown format 'Email'"),
            (
                {"a": {"type": "object", "properties": {"b": {"type": "x"}}}},
                "field 'a.b' has unknown type",
            ),
            (
                {
                    "a": {
                        "type": "string",
                        "required": {"conditions": [{"fieldKey": "b", "operator": "has"}]},
                    }
                },
                "operator 'has'",
            ),
            (
                {"a": {"type": "string", "required": {"conditions": [{"operator": "is"}]}}},
                "without fieldKey",
            ),
            ({"a": {"type": "string", "choices": [{"label": "x"}]}}, "choice without a value"),
            (
                {"a": {"type": "string", "choices": ["1", {"label": "a", "value": "1"}]}},
                "'1' twice",
            ),
            ({"a": {"type": "number", "choices": [1]}}, "'label': '1', 'value': 1"),
            ({"a": {"type": "string", "choices": []}}, "list of choices that is not empty"),
            ({"a": {"type": "string", "choices": "red"}}, "list of choices that is not empty"),
            ({"a": {"type": "string", "minimum": -5}}, "counts characters: -5"),
            ({"a": {"type": "text", "maximum": 2.5}}, "counts characters: 2.5"),
            ({"a": "string"}, "must be an object, got 'string'"),
            ("string", "field definitions must be an object, got 'string'"),
            (None, "field definitions must be an object, got None"),
            ({5: {"type": "string"}}, "field '5' must have a text as its key, got 5"),
            ({"a": {"type": ["string"]}}, r"field 'a' has unknown type \['string'\]"),
            ({"a": {"type": "string", "format": ["email"]}}, "'a': format must be a text, got "),
            ({"a": {"type": "string", "multiple": "no"}}, "'a': multiple must be true or false"),
            ({"a": {"type": "string", "label": 5}}, "'a': label must be a text, got 5"),
            ({"a": {"type": "number", "minimum": "5"}}, "'a': minimum must be a finite number"),
            ({"a": {"type": "number", "maximum": NAN}}, "'a': maximum must be .* got nan"),
            ({"a": {"type": "string", "minimum": True}}, "'a': minimum must be .* got True"),
            ({"a": {"type": "string", "minimum": "5"}}, "'a': minimum must be .* got '5'"),
            ({"a": {"type": "object", "properties": "x"}}, "properties must be an object, got 'x'"),
            (
                {"a": {"type": "object", "properties": {"b": {"type": "string", "required": 1}}}},
                "field 'a.b': required must be true, false or an object with conditions, got 1",
            ),
            ({"a": {"type": "string", "required": "yes"}}, "'a': required must be .* got 'yes'"),
        ],
    )
    def test_refuses_definitions(self, fields, reason):
        """An unusable definition is named with the path of the field."""
        with pytest.raises(PluginError, match=reason):
            payload_model("Wrong", fields)

    @pytest.mark.parametrize(
        ("required", "reason"),
        [
            ({}, "conditions must be a list that is not empty, got None"),
            ({"match": "all"}, "conditions must be a list that is not empty, got None"),
            ({"conditions": []}, r"conditions must be a list that is not empty, got \[\]"),
            ({"conditions": "x"}, "conditions must be a list that is not empty, got 'x'"),
            ({"conditions": [5]}, "a condition must be an object, got 5"),
            ({"match": ["all"], "conditions": [{}]}, r"'all' or 'any', not \['all'\]"),
            ({"conditions": [{"fieldKey": "o", "operator": ["is"]}]}, r"operator \['is'\]"),
            ({"conditions": [{"fieldKey": "nope", "operator": "is"}]}, "on 'nope', which is no"),
            ({"conditions": [{"fieldKey": "o.nope", "operator": "is"}]}, "on 'o.nope', which is"),
            ({"conditions": [{"fieldKey": "t.x", "operator": "is"}]}, "on 't.x', which is"),
        ],
    )
    @pytest.mark.parametrize("inside", [False, True])
    def test_refuses_requirements_that_never_or_always_hold(self, required, reason, inside):
        """A slip in a condition would make a field never required, and nobody would see it."""
        field = {"type": "string", "required": required}
        fields = {"o": {"type": "object", "properties": {"k": {"type": "string"}}}}
        fields |= {"t": {"type": "string"}}
        fields |= {"x": {"type": "object", "properties": {"y": field}}} if inside else {"x": field}
        with pytest.raises(PluginError, match=f"^field '{'x.y' if inside else 'x'}'.*{reason}"):
            payload_model("Wrong", fields)

    def test_conditions_reach_what_there_can_be(self):
        """A field, a property, and anything in an object of any shape."""
        for key in ("t", "o.k", "any.k.l", "open.l"):
            condition = {"fieldKey": key, "operator": "is", "value": "1"}
            known = {"k": {"type": "string"}}
            fields = {
                "t": {"type": "string", "required": {"conditions": [condition]}},
                "o": {"type": "object", "properties": known},
                "any": {"type": "object"},
                "open": {"type": "object", "properties": known, "additionalProperties": True},
            }
            assert payload_model("Right", fields)

    def test_sync_mode_conditions(self):
        """A condition may ask for the sync mode that the mapping carries."""
        condition = {"type": "syncMode", "operator": "is", "value": "add"}
        fields = {"t": {"label": "T", "type": "string", "required": {"conditions": [condition]}}}
        checked = PayloadSchema(payload_model("Sync", fields))
        assert checked.validate({"__segment_internal_sync_mode": "update"}).to_json() == {}
        assert problems(checked, {"__segment_internal_sync_mode": "add"})
