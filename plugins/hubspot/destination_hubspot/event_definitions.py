"""Definitions of custom events: an event can be sent once it is defined.

Source: developers.hubspot.com, Events API, define events. Names have at most 50 characters of a-z,
0-9 and "_" and begin with a letter; they become ``pe{HubID}_{name}``, the fully qualified name that
events are sent with.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import destination_core as dc
from destination_hubspot import hubspot_api
from destination_hubspot.hubspot_api import CONFLICT, Ctx

PATH: Final = "/events/v3/event-definitions"

PAGE: Final = 100

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")


async def choices(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """Return the custom events of the account by their fully qualified names, page by page."""
    params: dict[str, Any] = {"limit": PAGE}
    if query.search:
        params["searchString"] = query.search
    if query.page:
        params["after"] = query.page
    found = await hubspot_api.ask_for(ctx, "GET", PATH, params=params)
    listed = [
        dc.Choice(
            one["fullyQualifiedName"], (one.get("labels") or {}).get("singular") or one["name"]
        )
        for one in found.get("results") or []
    ]
    after = ((found.get("paging") or {}).get("next") or {}).get("after")
    return dc.Choices(listed, after)


def name_of(label: str) -> str:
    """Return the internal name that a label makes: "Order Completed" is order_completed."""
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:50].rstrip("_")


async def ensure(
    ctx: Ctx, name: str, label: str, object_type: str, properties: Sequence[str]
) -> str:
    """Return the fully qualified name of an event, which is defined unless it is there.

    ``properties`` are defined as texts. Raises ``PermanentError`` for a name that cannot be one.
    """
    if not NAME.fullmatch(name):
        raise dc.PermanentError(
            f"event name {name!r} is not a letter and up to 49 of a-z, 0-9 and _"
        )
    path = f"{PATH}/{dc.segment(name)}"
    found = await hubspot_api.ask_whether(ctx, path) or await _define(
        ctx,
        {
            "name": name,
            "label": label,
            "primaryObject": object_type,
            "includeDefaultProperties": True,
            "propertyDefinitions": [
                {"name": one, "label": one, "type": "string"} for one in properties
            ],
        },
    )
    return str(found["fullyQualifiedName"])


async def _define(ctx: Ctx, definition: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return await hubspot_api.ask_for(ctx, "POST", PATH, json=definition)
    except dc.PermanentError as error:
        if error.status != CONFLICT:
            raise
        # somebody was faster
        return await hubspot_api.ask_for(ctx, "GET", f"{PATH}/{dc.segment(definition['name'])}")
