"""What an author declares."""

from typing import Annotated, Any

import pydantic
import pytest

import destination_core as dc
from destination_core.schema import fields_of
from tests import acme


def test_action_is_a_value_with_what_the_author_wrote() -> None:
    """Slug, trigger, payload model and description come from the declaration."""
    action = acme.upsert_contact
    assert (action.slug, action.subscribe) == ("upsertContact", 'type = "identify"')
    assert action.payload is acme.Contact
    assert action.description == "Create a contact, or update the one with the same ID."
    assert action.batching is not None
    assert action.batching.size == 100


def test_default_mapping_is_segments_json() -> None:
    """One annotated line per field yields Segment's mapping, byte for byte."""
    assert acme.upsert_contact.schema.default_mapping == {
        "id": {
            "@if": {
                "exists": {"@path": "$.userId"},
                "then": {"@path": "$.userId"},
                "else": {"@path": "$.traits.email"},
            }
        },
        "email": {"@path": "$.traits.email"},
        "name": {"@template": "{{traits.firstName}} {{traits.lastName}}"},
        "attributes": {"@path": "$.traits"},
    }


def test_handler_must_be_async() -> None:
    """A plain function is refused where it is declared."""

    def handler(ctx: Any, payload: acme.Contact) -> None: ...

    with pytest.raises(dc.PluginError, match="'do': the handler must be `async def`"):
        dc.action("do")(handler)  # type: ignore[arg-type]


def test_payload_must_be_a_model() -> None:
    """A handler whose payload is a plain dict says what it should be."""

    async def handler(ctx: Any, payload: dict[str, Any]) -> None: ...

    with pytest.raises(dc.PluginError, match=r"'payload' must be annotated with .*Payload"):
        dc.action("do")(handler)  # type: ignore[type-var]


def test_handler_takes_context_and_payload() -> None:
    """A handler with other parameters is refused with those it has."""

    async def handler(payload: acme.Contact) -> None: ...

    with pytest.raises(dc.PluginError, match=r"must take \(ctx, payload\), it takes \(payload\)"):
        dc.action("do")(handler)  # type: ignore[arg-type]


def test_actions_and_presets_are_checked() -> None:
    """An action declared twice, and a preset of an unknown action, are refused by name."""
    upsert = acme.upsert_contact
    with pytest.raises(dc.PluginError, match="'upsertContact' is declared 2 times"):
        dc.Destination("x", title="X", settings=acme.Settings, actions=[upsert, upsert])
    with pytest.raises(dc.PluginError, match=r"names action 'nope'.*declared are upsertContact"):
        dc.Destination(
            "x",
            title="X",
            settings=acme.Settings,
            actions=[upsert],
            presets=[dc.Preset("P", "nope", 'type = "track"')],
        )


def test_definition_that_is_only_data_becomes_an_action() -> None:
    """Segment's own field definitions make a working action, without a model in Python."""
    model = dc.payload_model("Ping", {"message": {"type": "string", "required": True}})

    async def handler(ctx: Any, payload: Any) -> None: ...

    action: dc.Action[Any, Any] = dc.Action("ping", handler, payload=model)
    assert action.schema.validate({"message": 5}).message == "5"  # type: ignore[attr-defined]


class Note(dc.Payload):
    """A payload for the tests below."""

    text: Annotated[str, dc.path("$.properties.text")]


def test_batching_needs_room() -> None:
    """A batch of nothing is refused."""
    with pytest.raises(dc.PluginError, match="size must be at least 1, got 0"):
        dc.Batching(size=0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"actions": acme.upsert_contact}, "actions must be a list of what"),
        ({"actions": [acme.upsert_contacts]}, "actions must be a list of what"),
        ({"settings": pydantic.BaseModel}, "settings must be a class that inherits"),
        ({"settings": acme.Settings(api_key="k")}, "settings must be a class that inherits"),
    ],
    ids=["action", "function", "model", "value"],
)
def test_what_is_no_definition_is_named(options: dict[str, Any], said: str) -> None:
    """Before anything asks it for what it does not have."""
    given = {"title": "T", "settings": acme.Settings, "actions": [acme.upsert_contact]}
    with pytest.raises(dc.PluginError, match=said):
        dc.Destination("acme", **{**given, **options})


def test_an_action_needs_its_slug() -> None:
    """The brackets are easily forgotten."""
    with pytest.raises(dc.PluginError, match=r"give it one: @dc\.action"):
        dc.action(acme.upsert_contact.handler)  # type: ignore[arg-type]


def test_a_field_has_one_default_mapping() -> None:
    """Two would hide one another; a text is none."""
    with pytest.raises(dc.PluginError, match=r"P\.id has two default mappings"):
        fields_of(pydantic.create_model("P", id=Annotated[str, dc.path("$.a"), dc.path("$.b")]))
    with pytest.raises(dc.PluginError, match=r"the text '\$\.a' in its annotation"):
        fields_of(pydantic.create_model("P", id=Annotated[str, "$.a"]))
