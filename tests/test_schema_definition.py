"""Payload models that Segment's field definitions make."""

from typing import Any, ClassVar

import pytest

from destination_core.errors import InvalidPayload, PluginError
from destination_core.schema import PayloadSchema, payload_model


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
        ],
    )
    def test_refuses_definitions(self, fields, reason):
        """An unusable definition is named with the path of the field."""
        with pytest.raises(PluginError, match=reason):
            payload_model("Wrong", fields)

    def test_sync_mode_conditions(self):
        """A condition may ask for the sync mode that the mapping carries."""
        condition = {"type": "syncMode", "operator": "is", "value": "add"}
        fields = {"t": {"label": "T", "type": "string", "required": {"conditions": [condition]}}}
        checked = PayloadSchema(payload_model("Sync", fields))
        assert checked.validate({"__segment_internal_sync_mode": "update"}).to_json() == {}
        assert problems(checked, {"__segment_internal_sync_mode": "add"})
