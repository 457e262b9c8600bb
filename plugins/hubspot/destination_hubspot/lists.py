"""HubSpot's lists (which its screens call segments): found, made, and their members changed.

Source: developers.hubspot.com, CRM API, lists v3. Only lists whose ``processingType`` is MANUAL or
SNAPSHOT have members that can be changed; those of a DYNAMIC one follow its filters.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import destination_core as dc
from destination_hubspot import hubspot_api
from destination_hubspot.hubspot_api import Ctx

PATH: Final = "/crm/v3/lists"

CONTACTS: Final = "0-1"
"""The object type of contacts."""

CHANGEABLE: Final = ("MANUAL", "SNAPSHOT")

DUPLICATE: Final = "ILS.DUPLICATE_LIST_NAMES"
"""The sub-category of the refusal when another list has the name."""

PAGE: Final = 100
"""Lists of one page of choices; HubSpot gives 20 unless asked, at most 500."""


async def choices(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """Return the lists of contacts whose members can be changed, a page at a time."""
    body = {
        "query": query.search,
        "objectTypeId": CONTACTS,
        "processingTypes": CHANGEABLE,
        "offset": _offset(query.page),
        "count": PAGE,
    }
    found = await hubspot_api.ask_for(ctx, "POST", f"{PATH}/search", json=body)
    listed = [dc.Choice(str(one["listId"]), one["name"]) for one in found.get("lists") or []]
    return dc.Choices(listed, str(found["offset"]) if found.get("hasMore") else None)


def _offset(page: str | None) -> int:
    try:
        return int(page or 0)
    except ValueError:
        raise dc.PermanentError(f"page {page!r} is none of HubSpot's: a number is wanted") from None


async def by_id(ctx: Ctx, list_id: str) -> str | None:
    """Return the name of a list; None when there is none with this id.

    Raises ``PermanentError`` for one whose members cannot be changed.
    """
    found = await _found(ctx, f"{PATH}/{dc.segment(list_id)}")
    return None if found is None else str(found["name"])


async def by_name(ctx: Ctx, name: str) -> str | None:
    """Return the id of the list of contacts with this name, None when there is none.

    Raises ``PermanentError`` for one whose members cannot be changed.
    """
    found = await _found(ctx, f"{PATH}/object-type-id/{CONTACTS}/name/{dc.segment(name)}")
    return None if found is None else str(found["listId"])


async def ensure(ctx: Ctx, name: str, folder: int | None = None) -> str:
    """Return the id of the list of contacts with this name, which is made unless it is there."""
    there = await by_name(ctx, name)
    if there is not None:
        return there
    body: dict[str, Any] = {"name": name, "objectTypeId": CONTACTS, "processingType": "MANUAL"}
    if folder is not None:
        body["listFolderId"] = folder
    try:
        made = await hubspot_api.ask_for(ctx, "POST", PATH, json=body)
    except dc.PermanentError as error:
        if DUPLICATE not in str(error):
            raise
        again = await by_name(ctx, name)  # somebody was faster
        if again is None:
            raise
        return again
    return str(made["list"]["listId"])


async def change(
    ctx: Ctx, list_id: str, added: Collection[str], removed: Collection[str]
) -> frozenset[str]:
    """Add and remove records by their ids; return those that HubSpot does not know."""
    body = {"recordIdsToAdd": sorted(added), "recordIdsToRemove": sorted(removed)}
    path = f"{PATH}/{dc.segment(list_id)}/memberships/add-and-remove"
    answer = await hubspot_api.ask_for(ctx, "PUT", path, json=body)
    return frozenset(map(str, answer.get("recordIdsMissing") or ()))


async def _found(ctx: Ctx, path: str) -> Mapping[str, Any] | None:
    answer = await hubspot_api.ask_whether(ctx, path)
    if answer is None:
        return None
    found: Mapping[str, Any] = answer["list"]
    if found["processingType"] not in CHANGEABLE:
        raise dc.PermanentError(
            f"list {found['name']!r} is {found['processingType']}: its members follow its filters"
            f" and cannot be changed; use a static list, or another name"
        )
    return found
