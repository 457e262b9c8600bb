"""The JSON Schema of a configuration file, for editors: with what is installed filled in."""

from typing import Any

from destination_core.connection.config import Config
from destination_core.plugins import Registry
from destination_core.relay import Relay


def config_schema(registry: Registry) -> dict[str, Any]:
    """Return the JSON Schema of a configuration file.

    For each installed plugin there is a condition on ``plugin`` with its settings, the names of
    its presets and actions, and the fields of each action's mapping.
    """
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "destinations configuration"
    destination = schema["$defs"]["DestinationConfig"]
    destination["properties"]["plugin"]["examples"] = registry.slugs
    destination["allOf"] = [
        {
            "if": {"properties": {"plugin": {"const": slug}}, "required": ["plugin"]},
            "then": {"properties": _properties(relay)},
        }
        for slug, relay in registry.relays.items()
    ]
    return schema


def _properties(relay: Relay[Any]) -> dict[str, Any]:
    destination = relay.destination
    settings = destination.settings.model_json_schema(by_alias=False)
    properties = {
        # a reference stands where a secret or a number will be
        key: {"anyOf": [field, {"type": "string", "pattern": r"\$\{(env|file):.+\}"}]}
        for key, field in settings.get("properties", {}).items()
    }
    actions = [
        {
            "if": {"properties": {"action": {"const": action.slug}}, "required": ["action"]},
            "then": {"properties": {"mapping": _mapping(action.schema.fields)}},
        }
        for action in destination.actions
    ]
    return {
        "settings": {"type": "object", "properties": properties},
        "subscriptions": {
            "items": {
                "properties": {
                    "preset": {"enum": [one.name for one in destination.presets]},
                    "action": {"enum": [one.slug for one in destination.actions]},
                },
                "allOf": actions,
            }
        },
    }


def _mapping(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            key: {
                "title": field.get("label", key),
                "description": field.get("description", ""),
                "default": field.get("default"),
            }
            for key, field in fields.items()
        },
    }


__all__ = ["config_schema"]
