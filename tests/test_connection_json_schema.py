"""The JSON Schema of a configuration: what editors know of the plugins that are installed."""

import json
from typing import Any

from destination_core import Registry
from destination_core.connection import config_schema
from destination_core.connection.config import Config
from tests import acme

SCHEMA: dict[str, Any] = config_schema(Registry.of(acme))


def then(rules: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
    """Return what holds where a key has this value."""
    (rule,) = [one for one in rules if one["if"]["properties"][key] == {"const": value}]
    assert rule["if"]["required"] == [key]
    properties: dict[str, Any] = rule["then"]["properties"]
    return properties


def test_it_knows_every_key_and_no_other() -> None:
    """The keys are those that are read, and unknown ones are refused, as by `check`."""
    assert set(SCHEMA["properties"]) == set(Config.model_fields)
    assert SCHEMA["required"] == ["destinations"]
    for model in (SCHEMA, *SCHEMA["$defs"].values()):
        assert model.get("additionalProperties") is False


def test_it_knows_an_installed_plugins_settings_actions_and_fields() -> None:
    """A secret may be a reference, an action is one of the plugin's, a mapping has its fields."""
    rules = SCHEMA["$defs"]["DestinationConfig"]["allOf"]
    acmes = then(rules, "plugin", "acme")
    settings = acmes["settings"]["properties"]
    assert set(settings) == set(acme.Settings.model_fields)
    assert settings["region"]["anyOf"][0]["enum"] == ["us", "eu"]
    assert settings["api_key"]["anyOf"][0]["description"] == "Acme → Settings → API keys."
    items = acmes["subscriptions"]["items"]
    assert items["properties"]["action"] == {"enum": ["upsertContact"]}
    fields = then(items["allOf"], "action", "upsertContact")["mapping"]["properties"]
    assert set(fields) == set(acme.Contact.model_fields)
    assert fields["email"]["default"] == {"@path": "$.traits.email"}


def test_it_is_json_with_references_that_lead_somewhere() -> None:
    """An editor can read it: every ``$ref`` names a definition."""
    text = json.dumps(SCHEMA)
    for part in text.split('"$ref": "#/$defs/')[1:]:
        assert part.split('"')[0] in SCHEMA["$defs"]
    assert text.count('"$ref"') == text.count('"$ref": "#/$defs/')
    assert Registry.of().slugs == []
    assert config_schema(Registry.of())["$defs"]["DestinationConfig"]["allOf"] == []
