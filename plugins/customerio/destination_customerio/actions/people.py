"""People: create, update, delete, merge, suppress."""

from typing import Annotated, Any, Final

from pydantic import Field

import destination_core as dc
from destination_customerio import attributes, identifiers, limits, timestamps, track_api
from destination_customerio.actions.fields import (
    OBJECT_TYPE_OF_TRAITS,
    Batchable,
    Convertible,
    time_of,
)
from destination_customerio.settings import Settings
from destination_customerio.track_api import entity

NO_ATTRIBUTES: Final = (
    "createdAt",
    "created_at",
    "objectTypeId",
    "object_type_id",
    "relationshipAttributes",
)
"""Traits that are fields of their own, and not sent as attributes as well."""


class Person(Convertible):
    """Payload of Create or Update Person."""

    id: Annotated[
        str | None,
        dc.path("$.userId"),
        dc.field(required=True),
        Field(
            title="Person ID",
            description="Identifies the person in Customer.io."
            " With the setting any_identifier, any one identifier is enough.",
        ),
    ] = None
    email: Annotated[
        str | None,
        dc.coalesce("$.traits.email", "$.traits.userId"),
        dc.field(required=True),
        Field(
            title="Email Address",
            description="The email address of the person."
            " With the setting any_identifier, any one identifier is enough.",
        ),
    ] = None
    anonymous_id: Annotated[
        str | None,
        dc.path("$.anonymousId"),
        Field(
            title="Anonymous ID",
            description="Lets event merging attach earlier anonymous events.",
        ),
    ] = None
    created_at: Annotated[
        str | None,
        dc.coalesce("$.traits.created_at", "$.traits.createdAt", "$.timestamp"),
        Field(title="Created At", description="When the person was created."),
    ] = None
    custom_attributes: Annotated[
        dict[str, Any] | None,
        dc.path("$.traits"),
        Field(
            title="Person Attributes",
            description="Attributes of the person: added or changed, never removed.",
        ),
    ] = None
    group_id: Annotated[
        str | None,
        dc.path("$.traits.objectId"),
        Field(title="Object ID", description="An object to relate the person to."),
    ] = None
    object_type_id: Annotated[
        str | None,
        OBJECT_TYPE_OF_TRAITS,
        Field(title="Object Type Id", description='The type of that object; "1" by default.'),
    ] = None
    relationship_attributes: Annotated[
        dict[str, Any] | None,
        dc.path("$.traits.relationshipAttributes"),
        Field(title="Relationship Attributes", description="Attributes of the relationship."),
    ] = None
    timestamp: Annotated[
        str | None,
        dc.path("$.timestamp"),
        Field(
            title="Timestamp",
            description="When it happened; Customer.io ignores updates older than what it has.",
        ),
    ] = None


class PersonOnly(Batchable):
    """Payload of the actions that need nothing but a person."""

    person_id: Annotated[
        str,
        dc.path("$.userId"),
        Field(title="Person ID", description="The ID of the person."),
    ]


class Merge(Batchable):
    """Payload of Merge People."""

    primary: Annotated[
        str,
        dc.path("$.userId"),
        Field(title="Primary User", description="The person that stays."),
    ]
    secondary: Annotated[
        str,
        dc.path("$.previousId"),
        Field(title="Secondary User", description="The person that becomes part of the other."),
    ]


def person_call(payload: Person, settings: Settings) -> dc.Encoded:
    """Build a person; raises ``InvalidPayload`` when an identifier is missing."""
    warnings: list[str] = []
    who = _who(payload, settings)
    values = attributes.converted(payload.custom_attributes, dates=payload.convert_timestamp)
    kept = {key: value for key, value in values.items() if key not in NO_ATTRIBUTES}
    if payload.email:
        kept["email"] = payload.email
    if payload.created_at:
        kept["created_at"] = _created(payload)
    if "anonymous_id" in who:
        kept.pop("anonymous_id", None)
    elif payload.anonymous_id:
        kept["anonymous_id"] = payload.anonymous_id
    body: dict[str, Any] = {
        "type": "person",
        "action": "identify",
        "attributes": limits.attributes(kept, settings.oversized, warnings),
        "identifiers": who,
    }
    if payload.group_id:
        group = identifiers.an_object(payload.group_id, payload.object_type_id)
        given = payload.relationship_attributes
        body["cio_relationships"] = [
            attributes.relationship(
                group, given, settings, warnings, dates=payload.convert_timestamp
            )
        ]
    timestamp = time_of(payload.timestamp, warnings)
    if timestamp is not None:
        body["timestamp"] = timestamp
    return entity(body, warnings)


def _who(payload: Person, settings: Settings) -> dict[str, str]:
    if settings.any_identifier:
        who = identifiers.known_or_anonymous(payload.id, payload.email, payload.anonymous_id)
        if not who:
            raise dc.InvalidPayload("person has none of Person ID, Email Address, Anonymous ID")
    else:
        fields = {"id": payload.id, "email": payload.email}
        missing = [name for name, value in fields.items() if not value]
        if missing:
            labels = {"id": "Person ID", "email": "Email Address"}
            problems = [dc.Problem(f"/{name}", f"{labels[name]} is required") for name in missing]
            raise dc.InvalidPayload(
                f"{' and '.join(labels[name] for name in missing)} is required;"
                f" set any_identifier to accept a person with any one identifier",
                problems=problems,
            )
        who = identifiers.person(payload.id or "")
    limits.check_identifiers(who)
    return who


def _created(payload: Person) -> Any:
    found = timestamps.instant(payload.created_at or "") if payload.convert_timestamp else None
    return payload.created_at if found is None else found


def delete_call(payload: PersonOnly, _: Settings) -> dc.Encoded:
    """Build a deletion."""
    return _person_only("delete", payload)


def suppress_call(payload: PersonOnly, _: Settings) -> dc.Encoded:
    """Build a suppression."""
    return _person_only("suppress", payload)


def unsuppress_call(payload: PersonOnly, _: Settings) -> dc.Encoded:
    """Build the end of a suppression."""
    return _person_only("unsuppress", payload)


def merge_call(payload: Merge, _: Settings) -> dc.Encoded:
    """Build a merge; it has no identifiers of its own (Track API, merge)."""
    pair = {
        "primary": identifiers.person(payload.primary),
        "secondary": identifiers.person(payload.secondary),
    }
    for who in pair.values():
        limits.check_identifiers(who)
    return entity({"type": "person", "action": "merge", **pair})


def _person_only(action: str, payload: PersonOnly) -> dc.Encoded:
    who = identifiers.person(payload.person_id)
    limits.check_identifiers(who)
    return entity({"type": "person", "action": action, "identifiers": who})


@dc.action("createUpdatePerson", subscribe='type = "identify"', title="Create or Update Person")
async def create_update_person(ctx: dc.Context[Settings], payload: Person) -> None:
    """Update a person in Customer.io, or create them if they don't exist."""
    await track_api.send(ctx, person_call(payload, ctx.settings))


@dc.action("deletePerson", subscribe='event = "User Deleted"', title="Delete Person")
async def delete_person(ctx: dc.Context[Settings], payload: PersonOnly) -> None:
    """Delete a person."""
    await track_api.send(ctx, delete_call(payload, ctx.settings))


@dc.action("suppressPerson", subscribe='event = "User Suppressed"', title="Suppress Person")
async def suppress_person(ctx: dc.Context[Settings], payload: PersonOnly) -> None:
    """Delete a person and ignore everything that is sent about them."""
    await track_api.send(ctx, suppress_call(payload, ctx.settings))


@dc.action("unsuppressPerson", subscribe='event = "User Unsuppressed"', title="Unsuppress Person")
async def unsuppress_person(ctx: dc.Context[Settings], payload: PersonOnly) -> None:
    """Listen again to what is sent about a person."""
    await track_api.send(ctx, unsuppress_call(payload, ctx.settings))


@dc.action("mergePeople", subscribe='type = "alias"', title="Merge People")
async def merge_people(ctx: dc.Context[Settings], payload: Merge) -> None:
    """Merge two people into one; this cannot be undone."""
    await track_api.send(ctx, merge_call(payload, ctx.settings))
