"""Custom events: what people did, on the timelines of their records.

Source: developers.hubspot.com, Events API, send event data: at most 500 events a request, and 50
properties an event, whose names are a-z, 0-9 and "_" and begin with a letter.
"""

import re
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field

import destination_core as dc
from destination_hubspot import event_definitions, hubspot_api, properties
from destination_hubspot.hubspot_api import Ctx

PATH: Final = "/events/v3/send"

BATCH: Final = 500
"""Events of one request."""

PROPERTIES: Final = 50
"""Properties of one event."""

MESSAGES: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://segment.com/messageId")
"""The name space of the UUIDs that are made of message IDs."""

OF_CONTACTS: Final = dc.Condition("object_type", "is", "CONTACT")

ObjectType = Literal["CONTACT", "COMPANY", "DEAL", "TICKET"]


class Event(dc.Payload):
    """Payload of Custom Event."""

    event_name: Annotated[
        str | None,
        Field(
            title="Event Name",
            description="The event's fully qualified name, pe{HubID}_{name}. Leave it empty when"
            " the event is defined by saving the mapping.",
        ),
    ] = None
    object_type: Annotated[
        ObjectType,
        dc.literal("CONTACT"),
        dc.field(category="Associated record"),
        Field(title="Object Type", description="The type of record that the event is of."),
    ] = "CONTACT"
    email: Annotated[
        str | None,
        dc.coalesce("$.properties.email", "$.context.traits.email", "$.traits.email"),
        dc.field(format="email", category="Associated record", depends_on=OF_CONTACTS),
        Field(title="Email Address", description="Of the contact."),
    ] = None
    utk: Annotated[
        str | None,
        dc.path("$.context.hubspotutk"),
        dc.field(category="Associated record", depends_on=OF_CONTACTS),
        Field(title="User Token", description="Of the contact: HubSpot's cookie, hubspotutk."),
    ] = None
    object_id: Annotated[
        str | None,
        dc.field(category="Associated record"),
        Field(title="Object ID", description="HubSpot's ID of the record; needed for all types"
              " but contacts."),
    ] = None  # fmt: skip
    properties: Annotated[
        dict[str, Any] | None,
        dc.path("$.properties"),
        Field(title="Properties", description="Of the event; they must be defined in HubSpot."),
    ] = None
    occurred_at: Annotated[
        str | None,
        dc.path("$.timestamp"),
        Field(title="Event Timestamp", description="When it happened; now, without it."),
    ] = None
    message_id: Annotated[
        str | None,
        dc.path("$.messageId"),
        dc.field(hidden=True, read_only=True),
        Field(title="Message ID", description="The event's UUID is made of it, so that an event"
              " that is sent again is the same one."),
    ] = None  # fmt: skip

    def body(self, kept: "Kept | None") -> dict[str, Any]:
        """Return the event as HubSpot wants it; raises ``InvalidPayload``.

        What was saved counts where no event name is mapped.
        """
        if self.event_name:
            name, kind = self.event_name, self.object_type
        elif kept is not None:
            name, kind = kept.event_name, kept.object_type
        else:
            raise _missing("event_name", "map it, or save the mapping to define the event")
        body: dict[str, Any] = {"eventName": name, **self._whose(kind)}
        if self.occurred_at:
            body["occurredAt"] = self.occurred_at
        if self.message_id:
            body["uuid"] = uuid_of(self.message_id)
        body["properties"] = self._properties()
        return body

    def _whose(self, kind: str) -> dict[str, str]:
        of_contact = kind == "CONTACT"
        email, utk = (self.email, self.utk) if of_contact else (None, None)
        found = {"email": email, "utk": utk, "objectId": self.object_id}
        whose = {name: value for name, value in found.items() if value}
        if not whose:
            wanted = "one of email, utk and object_id" if of_contact else "object_id"
            raise _missing("object_id", f"{wanted} says which {kind} it is of")
        return whose

    def _properties(self) -> dict[str, str]:
        values = properties.values_of({}, self.properties)
        named = {name_of(name): value for name, value in values.items() if value}
        if len(named) > PROPERTIES:
            raise dc.InvalidPayload(
                f"event has {len(named)} properties; HubSpot accepts {PROPERTIES}: map those"
                f" that count"
            )
        return named


class Wanted(dc.Payload):
    """What is asked for when the mapping is saved."""

    label: Annotated[
        str,
        Field(
            min_length=1, max_length=100, title="Label", description="What people call the event."
        ),
    ]
    name: Annotated[
        str | None,
        Field(title="Name", description="Its internal name; made of the label without it."),
    ] = None
    object_type: Annotated[
        ObjectType,
        Field(title="Object Type", description="The type of record that the event is of."),
    ] = "CONTACT"
    properties: Annotated[
        list[str],
        Field(title="Properties", description="The names of the event's own properties; texts."),
    ] = Field(default_factory=list)


class Kept(dc.Payload):
    """What is kept with the mapping."""

    event_name: Annotated[
        str, Field(title="Event Name", description="The event's fully qualified name.")
    ]
    object_type: Annotated[
        ObjectType,
        Field(title="Object Type", description="The type of record that the event is of."),
    ] = "CONTACT"


@dc.action("customEvent", subscribe='type = "track"', title="Custom Event")
async def custom_event(ctx: Ctx, event: Event) -> None:
    """Send a custom event to a record's timeline."""
    await hubspot_api.ask(ctx, "POST", PATH, json=event.body(ctx.saved(Kept)))


@custom_event.batch(size=BATCH)
async def custom_events(ctx: Ctx, events: Sequence[Event]) -> list[dc.Outcome]:
    """Send many custom events; HubSpot accepts all of a batch, or none."""
    settled = dc.MultiStatus(len(events))
    kept = ctx.saved(Kept)
    inputs = []
    for index, event in enumerate(events):
        try:
            inputs.append(event.body(kept))
        except dc.InvalidPayload as error:
            settled.refuse(index, error)
    if inputs:
        await hubspot_api.ask(ctx, "POST", f"{PATH}/batch", json={"inputs": inputs})
    settled.accept_rest()
    return settled.outcomes()


@custom_event.on_mapping_save
async def define(ctx: Ctx, wanted: Wanted) -> Kept:
    """Define the event in HubSpot: only events that are defined can be sent."""
    name = wanted.name or event_definitions.name_of(wanted.label)
    own = [name_of(one) for one in wanted.properties]
    found = await event_definitions.ensure(ctx, name, wanted.label, wanted.object_type, own)
    return Kept(event_name=found, object_type=wanted.object_type)


@custom_event.choices("event_name")
async def names(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the custom events of the account."""
    return await event_definitions.choices(ctx, query)


def name_of(name: str) -> str:
    """Return a property's name as HubSpot accepts it: "Order ID" is order_id."""
    clean = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return clean if clean[:1].isalpha() else f"p_{clean}"


def uuid_of(message_id: str) -> str:
    """Return the UUID that a message ID is, or that is made of it."""
    try:
        return str(uuid.UUID(message_id))
    except ValueError:
        return str(uuid.uuid5(MESSAGES, message_id))


def _missing(field: str, why: str) -> dc.InvalidPayload:
    return dc.InvalidPayload(f"{field} is required: {why}", problems=[dc.Problem(f"/{field}", why)])
