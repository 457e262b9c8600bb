"""Contacts: the people of a HubSpot account."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field

import destination_core as dc
from destination_hubspot import properties, records
from destination_hubspot.actions import fields
from destination_hubspot.hubspot_api import Ctx
from destination_hubspot.records import CONTACTS, STAGE, Record, Written

NAMED: Final = (
    "email",
    "company",
    "firstname",
    "lastname",
    "phone",
    "address",
    "city",
    "state",
    "country",
    "zip",
    "website",
    STAGE,
)
"""The fields that are contact properties by their own names."""


class Contact(dc.Payload):
    """Payload of Upsert Contact: Segment's fields, and which property contacts are found by."""

    email: Annotated[
        str | None,
        dc.coalesce("$.traits.email", "$.context.traits.email"),
        dc.field(format="email"),
        Field(title="Email", description="The address; contacts are found by it unless you choose"
              " another identifier."),
    ] = None  # fmt: skip
    company: Annotated[
        str | None,
        dc.path("$.traits.company"),
        Field(title="Company Name", description="The name of the contact's company."),
    ] = None
    firstname: Annotated[
        str | None,
        dc.coalesce("$.traits.first_name", "$.traits.firstName"),
        Field(title="First Name", description="The contact's first name."),
    ] = None
    lastname: Annotated[
        str | None,
        dc.coalesce("$.traits.last_name", "$.traits.lastName"),
        Field(title="Last Name", description="The contact's last name."),
    ] = None
    phone: fields.Phone = None
    address: fields.Street = None
    city: fields.City = None
    state: fields.State = None
    country: fields.Country = None
    zip: fields.PostalCode = None
    website: Annotated[
        str | None,
        dc.path("$.traits.website"),
        Field(title="Website", description="The contact's website."),
    ] = None
    lifecyclestage: fields.Stage = None
    properties: fields.OtherProperties = None
    id_property: Annotated[
        str,
        dc.literal("email"),
        dc.field(category="Identifier"),
        Field(title="Identifier", description="The unique contact property that contacts are found"
              " by: email, one of your own, or hs_object_id for HubSpot's record ID."),
    ] = "email"  # fmt: skip
    id_value: Annotated[
        str | None,
        dc.path("$.userId"),
        dc.field(
            category="Identifier",
            depends_on=dc.Condition("id_property", "is_not", "email"),
        ),
        Field(title="Identifier value", description="What that property is for this contact; for"
              " email the Email field counts."),
    ] = None  # fmt: skip

    def record(self) -> Record:
        """Return the record to write; raises ``InvalidPayload`` without its identifier."""
        by_email = self.id_property == properties.EMAIL
        value = (self.email if by_email else self.id_value) or ""
        if not value.strip():
            name = "email" if by_email else "id_value"
            problem = dc.Problem(f"/{name}", f"required: contacts are found by {self.id_property}")
            raise dc.InvalidPayload(
                f"{name} is required: contacts are found by {self.id_property!r}",
                problems=[problem],
            )
        known: dict[str, Any] = {name: getattr(self, name) for name in NAMED}
        if self.email:
            known["email"] = properties.key_of("email", self.email)
        if self.lifecyclestage:
            known[STAGE] = self.lifecyclestage.lower()
        return Record(value, properties.values_of(known, self.properties))


@dc.action(
    "upsertContact",
    subscribe='type = "identify"',
    title="Upsert Contact",
    sync_modes=records.SYNC_MODES,
)
async def upsert_contact(ctx: Ctx, contact: Contact) -> None:
    """Create or update a contact."""
    records.raise_for(ctx, await _write(ctx, [contact]))


@upsert_contact.batch(size=records.BATCH, keys=["id_property"])
async def upsert_contacts(ctx: Ctx, contacts: Sequence[Contact]) -> list[dc.Outcome]:
    """Create or update many contacts."""
    return await _write(ctx, contacts)


@upsert_contact.choices("id_property")
async def identifiers(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the unique contact properties."""
    return await properties.unique_choices(ctx, CONTACTS, query)


@upsert_contact.choices("lifecyclestage")
async def stages(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the account's lifecycle stages."""
    return await properties.option_choices(ctx, CONTACTS, STAGE, query)


@upsert_contact.choices("properties")
async def names(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the contact properties that can be written."""
    return await properties.writable_choices(ctx, CONTACTS, query)


async def _write(ctx: Ctx, contacts: Sequence[Contact]) -> list[dc.Outcome]:
    wanted = [records.attempt(one.record) for one in contacts]
    by = contacts[0].id_property
    written = await records.write(ctx, CONTACTS, by, wanted, ctx.sync_mode or "upsert")
    return [_settled(one, contact) for one, contact in zip(written, contacts, strict=True)]


def _settled(written: Written, contact: Contact) -> dc.Outcome:
    """Warn where HubSpot kept a later lifecycle stage than the one that was sent."""
    wanted, kept = (contact.lifecyclestage or "").lower(), written.properties.get(STAGE)
    if not written.outcome.ok or not wanted or not kept or wanted == kept:
        return written.outcome
    warning = f"lifecycle stage stays {kept!r}: HubSpot does not move it back to {wanted!r}"
    return dc.Outcome(None, (*written.outcome.warnings, warning))
