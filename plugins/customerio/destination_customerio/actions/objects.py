"""Objects (companies, courses, …) and how people relate to them."""

from typing import Annotated, Any, Final

from pydantic import Field

import destination_core as dc
from destination_customerio import attributes, identifiers, limits, timestamps, track_api
from destination_customerio.actions.fields import (
    OBJECT_TYPE_OF_PROPERTIES,
    OBJECT_TYPE_OF_TRAITS,
    Batchable,
    Convertible,
)
from destination_customerio.settings import Settings
from destination_customerio.track_api import entity

NO_ATTRIBUTES: Final = ("objectTypeId", "object_type_id", "relationshipAttributes")
"""Traits that are fields of their own, and not sent as attributes as well."""


class CustomObject(Convertible):
    """Payload of Create or Update Object."""

    id: Annotated[
        str,
        dc.path("$.groupId"),
        Field(title="Object ID", description="Identifies the object."),
    ]
    created_at: Annotated[
        str | None,
        dc.coalesce("$.traits.created_at", "$.traits.createdAt"),
        Field(title="Created At", description="When the object was created."),
    ] = None
    custom_attributes: Annotated[
        dict[str, Any] | None,
        dc.path("$.traits.objectAttributes"),
        Field(title="Object Attributes", description="Attributes of the object."),
    ] = None
    relationship_attributes: Annotated[
        dict[str, Any] | None,
        dc.path("$.traits.relationshipAttributes"),
        Field(title="Relationship Attributes", description="Attributes of the relationship."),
    ] = None
    user_id: Annotated[
        str | None,
        dc.path("$.userId"),
        Field(title="User ID", description="The person to relate to the object."),
    ] = None
    anonymous_id: Annotated[
        str | None,
        dc.path("$.anonymousId"),
        Field(title="Anonymous ID", description="The anonymous person to relate to the object."),
    ] = None
    object_type_id: Annotated[
        str | None,
        OBJECT_TYPE_OF_TRAITS,
        Field(title="Object Type Id", description='The type of the object; "1" by default.'),
    ] = None


class ObjectOnly(Batchable):
    """Payload of Delete Object."""

    object_id: Annotated[
        str | None,
        dc.path("$.properties.objectId"),
        Field(title="Object ID", description="Identifies the object."),
    ] = None
    object_type_id: Annotated[
        str | None,
        OBJECT_TYPE_OF_PROPERTIES,
        Field(title="Object Type ID", description='The type of the object; "1" by default.'),
    ] = None


class Relationship(ObjectOnly):
    """Payload of Delete Relationship."""

    object_id: Annotated[
        str,
        dc.path("$.properties.objectId"),
        Field(title="Object ID", description="Identifies the object."),
    ]
    person_id: Annotated[
        str,
        dc.path("$.userId"),
        Field(title="Person ID", description="The person of the relationship."),
    ]
    anonymous_id: Annotated[
        str | None,
        dc.path("$.anonymousId"),
        Field(title="Anonymous ID", description="The person's anonymous ID."),
    ] = None


def object_call(payload: CustomObject, settings: Settings) -> dc.Encoded:
    """Build an object, related to the person who sent it."""
    warnings: list[str] = []
    values = attributes.converted(payload.custom_attributes, dates=payload.convert_timestamp)
    kept = {key: value for key, value in values.items() if key not in NO_ATTRIBUTES}
    if payload.anonymous_id:
        kept = {**kept, "anonymous_id": payload.anonymous_id}
    who = identifiers.known_or_anonymous(payload.user_id, None, payload.anonymous_id)
    action = "identify_anonymous" if "anonymous_id" in who else "identify"
    body: dict[str, Any] = {
        "type": "object",
        "action": action,
        "identifiers": identifiers.an_object(payload.id, payload.object_type_id),
    }
    if payload.custom_attributes is not None or kept:
        body["attributes"] = limits.attributes(
            kept, settings.oversized, warnings, limits.RESERVED_OF_OBJECTS
        )
    limits.check_identifiers(body["identifiers"])
    if payload.created_at:
        found = timestamps.instant(payload.created_at) if payload.convert_timestamp else None
        body["created_at"] = payload.created_at if found is None else found
    if who:
        given = payload.relationship_attributes
        body["cio_relationships"] = [
            attributes.relationship(who, given, settings, warnings, dates=payload.convert_timestamp)
        ]
    return entity(body, warnings)


def delete_call(payload: ObjectOnly, _: Settings) -> dc.Encoded:
    """Build the deletion of an object; raises ``InvalidPayload`` when nothing says which."""
    if not payload.object_id:
        raise dc.InvalidPayload("'object_id' is missing: which object is it?")
    which = identifiers.an_object(payload.object_id, payload.object_type_id)
    limits.check_identifiers(which)
    return entity({"type": "object", "action": "delete", "identifiers": which})


def relationship_call(payload: Relationship, _: Settings) -> dc.Encoded:
    """Build the end of a relationship."""
    which = identifiers.an_object(payload.object_id, payload.object_type_id)
    who = identifiers.person(payload.person_id)
    limits.check_identifiers(which)
    limits.check_identifiers(who)
    body: dict[str, Any] = {
        "type": "object",
        "action": "delete_relationships",
        "identifiers": which,
        "cio_relationships": [{"identifiers": who}],
    }
    if payload.anonymous_id:
        body["attributes"] = {"anonymous_id": payload.anonymous_id}
    return entity(body)


@dc.action("createUpdateObject", subscribe='type = "group"', title="Create or Update Object")
async def create_update_object(ctx: dc.Context[Settings], payload: CustomObject) -> None:
    """Update an object in Customer.io, or create it if it doesn't exist."""
    await track_api.send(ctx, object_call(payload, ctx.settings))


@dc.action("deleteObject", subscribe='event = "Object Deleted"', title="Delete Object")
async def delete_object(ctx: dc.Context[Settings], payload: ObjectOnly) -> None:
    """Delete an object."""
    await track_api.send(ctx, delete_call(payload, ctx.settings))


@dc.action("deleteRelationship", subscribe='event = "Relationship Deleted"',
           title="Delete Relationship")  # fmt: skip
async def delete_relationship(ctx: dc.Context[Settings], payload: Relationship) -> None:
    """Delete the relationship between a person and an object."""
    await track_api.send(ctx, relationship_call(payload, ctx.settings))
