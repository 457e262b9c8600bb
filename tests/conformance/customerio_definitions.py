"""Compare the definitions of Customer.io's actions, presets and settings with the recorded ones."""

from collections.abc import Mapping
from typing import Any

import destination_core as dc
from tests.conformance.verdict import Result, unsupported

DOCUMENTED = {"trackEvent", "createUpdatePerson", "createUpdateDevice"}
"""Actions whose defaults are those of the document of 2021, with today's behind them."""

DOCUMENTED_PRESETS = {"Track Event", "Create or Update Person", "Create or Update Device"}


def run(destination: dc.Destination[Any], given: Mapping[str, Any]) -> Result:
    """Describe what a vector asks for."""
    what, name = given["what"], given.get("name", "")
    if what == "action":
        return _action(destination, name)
    if what == "preset":
        return _preset(destination, name)
    if what == "authentication":
        return Result(expect={}, argued="CIO-SETTINGS")
    return unsupported("an overview of the hosted definition")


def recorded(what: str, expect: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a recorded definition into the form that ``run`` gives."""
    if what != "action":
        return dict(expect)
    fields = {key: _field(field) for key, field in expect["fields"].items()}
    return {**expect, "fields": fields}


def argued_settings(settings: Mapping[str, Any]) -> str:
    """Return the code that explains other settings being accepted or refused, if it applies."""
    credentials = [settings.get(key) for key in ("siteId", "apiKey")]
    plain_region = settings.get("accountRegion") in ("US", "EU", "us", "eu")
    return "CIO-SETTINGS" if "" in credentials or plain_region else ""


def _action(destination: dc.Destination[Any], name: str) -> Result:
    action = destination.action(name)
    if action is None:
        return Result(error={"messages": [f"no action {name}"]})
    expect = {
        "title": action.title,
        "defaultSubscription": action.subscribe,
        "batch": name != "reportDeliveryEvent",
        "default_mapping": action.schema.default_mapping,
        "fields": {key: _field(field) for key, field in action.schema.fields.items()},
    }
    return Result(expect=expect, argued="CIO-2021" if name in DOCUMENTED else "")


def _preset(destination: dc.Destination[Any], name: str) -> Result:
    preset = destination.preset(name)
    if preset is None:
        return Result(error={"messages": [f"no preset {name}"]}, argued="CIO-PRESETS")
    action = destination.action(preset.action)
    assert action is not None
    expect = {
        "type": "automatic",
        "partnerAction": preset.action,
        "subscribe": preset.subscribe,
        "mapping": preset.mapping or action.schema.default_mapping,
    }
    return Result(expect=expect, argued="CIO-2021" if name in DOCUMENTED_PRESETS else "")


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in field.items()
        if key != "description" and not (key == "required" and value is False)
    }
