"""Records of any type: deals, tickets, and the custom objects of an account."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field

import destination_core as dc
from destination_hubspot import hubspot_api, properties, records
from destination_hubspot.hubspot_api import Ctx
from destination_hubspot.records import Record

STANDARD: Final = (
    dc.Choice("contacts", "Contacts"),
    dc.Choice("companies", "Companies"),
    dc.Choice("deals", "Deals"),
    dc.Choice("tickets", "Tickets"),
    dc.Choice("products", "Products"),
)
"""The object types that accounts have beside their own."""

SCHEMAS: Final = "/crm/v3/schemas"


class ObjectRecord(dc.Payload):
    """Payload of Upsert Object."""

    object_type: Annotated[
        str,
        dc.field(unmapped="it is chosen among the object types of the account"),
        Field(
            min_length=1,
            title="Object Type",
            description="contacts, companies, deals, tickets, or a custom object's qualified name"
            " (p123_pets) or type ID (2-456).",
        ),
    ]
    id_property: Annotated[
        str,
        dc.field(unmapped="it is chosen among the unique properties of the object type"),
        Field(
            min_length=1,
            title="Identifier",
            description="The unique property that records are found by.",
        ),
    ]
    id_value: Annotated[
        str,
        dc.coalesce("$.properties.id", "$.userId"),
        Field(title="Identifier value", description="What that property is for this record."),
    ]
    properties: Annotated[
        dict[str, Any] | None,
        dc.path("$.properties"),
        Field(
            title="Properties",
            description="Properties by their internal names; they must be defined in HubSpot. null"
            " clears one.",
        ),
    ] = None


@dc.action("upsertObject", title="Upsert Object", sync_modes=records.SYNC_MODES)
async def upsert_object(ctx: Ctx, record: ObjectRecord) -> None:
    """Create or update a record of any type: a deal, a ticket, a custom object."""
    records.raise_for(ctx, await _write(ctx, [record]))


@upsert_object.batch(size=records.BATCH, keys=["object_type", "id_property"])
async def upsert_objects(ctx: Ctx, found: Sequence[ObjectRecord]) -> list[dc.Outcome]:
    """Create or update many records of one type."""
    return await _write(ctx, found)


@upsert_object.choices("object_type")
async def object_types(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the standard object types and the account's own."""
    found = await hubspot_api.ask_for(ctx, "GET", SCHEMAS)
    own = [
        dc.Choice(one["fullyQualifiedName"], (one.get("labels") or {}).get("plural") or one["name"])
        for one in found.get("results") or []
    ]
    return properties.matching([*STANDARD, *own], query)


@upsert_object.choices("id_property")
async def identifiers(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the unique properties of the object type that was chosen."""
    return await properties.unique_choices(ctx, _chosen(query), query)


@upsert_object.choices("properties")
async def names(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the properties of the object type that was chosen."""
    return await properties.writable_choices(ctx, _chosen(query), query)


def _chosen(query: dc.ChoiceQuery) -> str:
    chosen = query.payload.get("object_type")
    if not isinstance(chosen, str) or not chosen:
        raise dc.PermanentError("object_type must be chosen first: properties are those of a type")
    return chosen


async def _write(ctx: Ctx, found: Sequence[ObjectRecord]) -> list[dc.Outcome]:
    first = found[0]
    wanted = [Record(one.id_value, properties.values_of({}, one.properties)) for one in found]
    mode = ctx.sync_mode or "upsert"
    written = await records.write(ctx, first.object_type, first.id_property, wanted, mode)
    return [one.outcome for one in written]
