"""Companies: the accounts that contacts belong to, found by Segment's group ID."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

import destination_core as dc
from destination_hubspot import associations, properties, records
from destination_hubspot.actions import fields
from destination_hubspot.hubspot_api import Ctx
from destination_hubspot.records import CONTACTS, Record, Written

COMPANIES: Final = "companies"

GROUP_ID: Final = "segment_group_id"
"""The unique company property that Segment's own destination keeps group IDs in."""

NAMED: Final = (
    "name",
    "domain",
    "description",
    "phone",
    "address",
    "city",
    "state",
    "zip",
    "industry",
    "numberofemployees",
    "lifecyclestage",
)
"""The fields that are company properties by their own names."""


class Company(dc.Payload):
    """Payload of Upsert Company."""

    groupid: Annotated[
        str,
        dc.path("$.groupId"),
        Field(title="Group ID", description="Companies are found by it."),
    ]
    name: Annotated[
        str | None,
        dc.path("$.traits.name"),
        Field(title="Company Name", description="The name of the company."),
    ] = None
    domain: Annotated[
        str | None,
        dc.coalesce("$.traits.domain", "$.traits.website"),
        Field(title="Domain", description="The company's domain."),
    ] = None
    description: Annotated[
        str | None,
        dc.path("$.traits.description"),
        Field(title="Description", description="A short statement about the company."),
    ] = None
    phone: fields.Phone = None
    address: fields.Street = None
    city: fields.City = None
    state: fields.State = None
    zip: fields.PostalCode = None
    industry: Annotated[
        str | None,
        dc.path("$.traits.industry"),
        Field(title="Industry", description="One of HubSpot's industries, by its internal name."),
    ] = None
    numberofemployees: Annotated[
        int | None,
        dc.path("$.traits.employees"),
        Field(title="Number of Employees", description="How many people work there."),
    ] = None
    lifecyclestage: fields.Stage = None
    properties: fields.OtherProperties = None
    contact_email: Annotated[
        str | None,
        dc.path("$.context.traits.email"),
        dc.field(format="email", category="Association"),
        Field(
            title="Contact email",
            description="A contact that is associated with the company, if there is one.",
        ),
    ] = None
    id_property: Annotated[
        str,
        dc.literal(GROUP_ID),
        dc.field(category="Identifier", hidden=True, read_only=True),
        Field(
            title="Identifier",
            description="The unique company property that holds the group ID. What was saved with"
            " the mapping goes before it.",
        ),
    ] = GROUP_ID


class Wanted(dc.Payload):
    """What is asked for when the mapping is saved."""

    id_property: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]{0,99}$",
            title="Identifier",
            description="The unique company property that will hold the group ID; it is made"
            " unless it is there.",
        ),
    ] = GROUP_ID


class Kept(dc.Payload):
    """What is kept with the mapping."""

    id_property: Annotated[str, Field(title="Identifier", description="As it is in HubSpot.")]


@dc.action(
    "upsertCompany",
    subscribe='type = "group"',
    title="Upsert Company",
    sync_modes=records.SYNC_MODES,
)
async def upsert_company(ctx: Ctx, company: Company) -> None:
    """Create or update a company, found by its group ID."""
    records.raise_for(ctx, await _write(ctx, [company]))


@upsert_company.batch(size=records.BATCH, keys=["id_property"])
async def upsert_companies(ctx: Ctx, companies: Sequence[Company]) -> list[dc.Outcome]:
    """Create or update many companies."""
    return await _write(ctx, companies)


@upsert_company.on_mapping_save
async def prepare(ctx: Ctx, wanted: Wanted) -> Kept:
    """Make the company property that group IDs are kept in: HubSpot has none that is unique."""
    await properties.ensure_unique(
        ctx, COMPANIES, wanted.id_property, "Segment Group ID", "companyinformation"
    )
    return Kept(id_property=wanted.id_property)


@upsert_company.choices("industry")
async def industries(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List HubSpot's industries."""
    return await properties.option_choices(ctx, COMPANIES, "industry", query)


@upsert_company.choices("lifecyclestage")
async def stages(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the account's lifecycle stages."""
    return await properties.option_choices(ctx, COMPANIES, "lifecyclestage", query)


@upsert_company.choices("id_property")
async def identifiers(ctx: Ctx, query: dc.ChoiceQuery) -> dc.Choices:
    """List the unique company properties."""
    return await properties.unique_choices(ctx, COMPANIES, query)


async def _write(ctx: Ctx, companies: Sequence[Company]) -> list[dc.Outcome]:
    kept = ctx.saved(Kept)
    by = companies[0].id_property if kept is None else kept.id_property
    found = [
        Record(
            one.groupid,
            properties.values_of({name: getattr(one, name) for name in NAMED}, one.properties),
        )
        for one in companies
    ]
    written = await records.write(ctx, COMPANIES, by, found, ctx.sync_mode or "upsert")
    warnings = await _associated(ctx, companies, written)
    return [
        dc.Outcome(None, (*one.outcome.warnings, warning)) if warning else one.outcome
        for one, warning in zip(written, warnings, strict=True)
    ]


async def _associated(
    ctx: Ctx, companies: Sequence[Company], written: Sequence[Written]
) -> list[str]:
    """Associate the contacts; return for each company a warning where that was not possible."""
    emails = [
        properties.key_of(properties.EMAIL, one.contact_email)
        if one.contact_email and made.id and made.outcome.ok and not made.outcome.warnings
        else ""
        for one, made in zip(companies, written, strict=True)
    ]
    wanted = [one for one in emails if one]
    ids = await records.find(ctx, CONTACTS, properties.EMAIL, wanted) if wanted else {}
    pairs = {
        (ids[email], made.id)
        for email, made in zip(emails, written, strict=True)
        if email in ids and made.id
    }
    refused = await associations.associate(ctx, CONTACTS, COMPANIES, sorted(pairs))
    warnings = []
    for email, made in zip(emails, written, strict=True):
        why = refused.get((ids.get(email, ""), made.id or ""), "")
        if email and email not in ids:
            why = "HubSpot has no contact with this email"
        warnings.append(f"no contact was associated: {why}" if why else "")
    return warnings
