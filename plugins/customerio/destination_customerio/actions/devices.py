"""Devices that messages can be pushed to."""

from typing import Annotated, Any

from pydantic import Field

import destination_core as dc
from destination_customerio import attributes, identifiers, limits, track_api
from destination_customerio.actions.fields import Batchable, Convertible, time_of
from destination_customerio.settings import Settings
from destination_customerio.track_api import entity


class Device(Convertible):
    """Payload of Create or Update Device."""

    person_id: Annotated[
        str,
        dc.path("$.userId"),
        Field(title="Person ID", description="The ID of the person this device belongs to."),
    ]
    device_id: Annotated[
        str,
        dc.coalesce("$.context.device.token", "$.context.device.id"),
        Field(title="Device ID", description="The device's push token, else its ID."),
    ]
    platform: Annotated[
        str,
        dc.path("$.context.device.type"),
        Field(title="Platform", description="The platform of the device: ios or android."),
    ]
    last_used: Annotated[
        str | None,
        dc.path("$.timestamp"),
        Field(title="Last Used", description="When the device was last used."),
    ] = None
    app_version: Annotated[
        str | None,
        dc.path("$.context.app.version"),
        Field(title="App Version", description="The version of the app on the device."),
    ] = None
    attributes: Annotated[
        dict[str, Any] | None,
        dc.path("$.properties"),
        Field(title="Event Attributes", description="Attributes of the device."),
    ] = None


class DeviceOnly(Batchable):
    """Payload of Delete Device."""

    person_id: Annotated[
        str,
        dc.path("$.userId"),
        Field(title="Person ID", description="The ID of the person this device belongs to."),
    ]
    device_id: Annotated[
        str,
        dc.path("$.context.device.token"),
        Field(title="Device ID", description="The device's push token."),
    ]


def device_call(payload: Device, _: Settings) -> dc.Encoded:
    """Build a device."""
    warnings: list[str] = []
    who = identifiers.person(payload.person_id)
    limits.check_identifiers(who)
    kept = attributes.converted(payload.attributes, dates=payload.convert_timestamp)
    if payload.app_version:
        kept = {**kept, "app_version": payload.app_version}
    device: dict[str, Any] = {
        "token": payload.device_id,
        "platform": payload.platform,
        "attributes": kept,
    }
    last_used: int | str | None = payload.last_used
    if payload.convert_timestamp:
        last_used = time_of(payload.last_used, warnings, "last used")
    if last_used is not None:
        device["last_used"] = last_used
    body = {"type": "person", "action": "add_device", "device": device, "identifiers": who}
    return entity(body, warnings)


def delete_call(payload: DeviceOnly, _: Settings) -> dc.Encoded:
    """Build the deletion of a device."""
    who = identifiers.person(payload.person_id)
    limits.check_identifiers(who)
    device = {"token": payload.device_id}
    return entity(
        {"type": "person", "action": "delete_device", "device": device, "identifiers": who}
    )


@dc.action("createUpdateDevice", subscribe='event = "Application Installed"',
           title="Create or Update Device")  # fmt: skip
async def create_update_device(ctx: dc.Context[Settings], payload: Device) -> None:
    """Update a person's device in Customer.io, or create it if it doesn't exist."""
    await track_api.send(ctx, device_call(payload, ctx.settings))


@dc.action("deleteDevice", title="Delete Device",
           subscribe='event = "Application Uninstalled" or event = "Device Deleted"')  # fmt: skip
async def delete_device(ctx: dc.Context[Settings], payload: DeviceOnly) -> None:
    """Delete a person's device."""
    await track_api.send(ctx, delete_call(payload, ctx.settings))
