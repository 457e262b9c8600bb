"""Properties of CRM records: their values as HubSpot wants them, and what an account has.

Source: developers.hubspot.com, CRM API, properties.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import destination_core as dc
from destination_hubspot import hubspot_api
from destination_hubspot.hubspot_api import Ctx

RECORD_ID: Final = "hs_object_id"
"""HubSpot's own id of a record: read-only, and never an ``idProperty``."""

EMAIL: Final = "email"

PATH: Final = "/crm/v3/properties"


def values_of(known: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return properties as texts: ``known`` that are set, and ``others`` over them.

    Objects become ``outer_inner``, lists are joined with ";" (how HubSpot writes multiple
    checkboxes), booleans are "true" and "false"; null among ``others`` clears a property.
    """
    found = {name: text_of(value) for name, value in known.items() if value is not None}
    found.update(_flat(others or {}))
    return found


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}_")
        else:
            yield name, text_of(value)


def text_of(value: Any) -> str:
    """Return one value as HubSpot's text; "" clears a property."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(one, list | Mapping) for one in value):
        return ";".join(text_of(one) for one in value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def key_of(id_property: str, value: str) -> str:
    """Return what tells two records apart: HubSpot keeps emails in lower case."""
    return value.strip().lower() if id_property == EMAIL else value.strip()


async def defined(ctx: Ctx, object_type: str) -> Sequence[Mapping[str, Any]]:
    """Return the definitions of an object's properties; they come in one page."""
    found = await hubspot_api.ask_for(ctx, "GET", f"{PATH}/{dc.segment(object_type)}")
    return found.get("results") or []


async def unique_choices(ctx: Ctx, object_type: str, query: dc.ChoiceQuery) -> dc.Choices:
    """Return the properties that records can be found by: unique ones, and the record's ID."""
    found = [
        dc.Choice(one["name"], one.get("label") or one["name"])
        for one in await defined(ctx, object_type)
        if one.get("hasUniqueValue") or (object_type == "contacts" and one["name"] == EMAIL)
    ]
    return matching([*found, dc.Choice(RECORD_ID, "Record ID")], query)


async def writable_choices(ctx: Ctx, object_type: str, query: dc.ChoiceQuery) -> dc.Choices:
    """Return the properties that can be written."""
    found = [
        dc.Choice(one["name"], one.get("label") or one["name"])
        for one in await defined(ctx, object_type)
        if not (one.get("modificationMetadata") or {}).get("readOnlyValue")
    ]
    return matching(found, query)


async def option_choices(
    ctx: Ctx, object_type: str, name: str, query: dc.ChoiceQuery
) -> dc.Choices:
    """Return the options of a property that has a fixed set of values."""
    path = f"{PATH}/{dc.segment(object_type)}/{dc.segment(name)}"
    found = await hubspot_api.ask_for(ctx, "GET", path)
    options = [one for one in found.get("options") or [] if not one.get("hidden")]
    return matching([dc.Choice(one["value"], one["label"]) for one in options], query)


def matching(choices: Sequence[dc.Choice], query: dc.ChoiceQuery) -> dc.Choices:
    """Return the choices that have the searched text in them, as one page."""
    wanted = query.search.lower()
    return dc.Choices([one for one in choices if wanted in f"{one.value} {one.label}".lower()])


async def ensure_unique(ctx: Ctx, object_type: str, name: str, label: str, group: str) -> None:
    """Make a unique property unless it is there; raises ``PermanentError`` for one that is not.

    A property cannot be made unique later.
    """
    path = f"{PATH}/{dc.segment(object_type)}"
    found = await hubspot_api.ask_whether(ctx, f"{path}/{dc.segment(name)}")
    if found is None:
        definition = {
            "name": name,
            "label": label,
            "type": "string",
            "fieldType": "text",
            "groupName": group,
            "hasUniqueValue": True,
        }
        await hubspot_api.ask_for(ctx, "POST", path, json=definition)
    elif not found.get("hasUniqueValue"):
        raise dc.PermanentError(
            f"property {name!r} of {object_type} is there and not unique: records cannot be found"
            f" by it; give another name"
        )
