"""Devices: the documented fields, which device it is, and when it was last used."""

from typing import Any

import pytest
from aioresponses import aioresponses

import destination_core as dc
from plugins.customerio.tests.sending import (
    ENTITY,
    connection,
    delivered,
    fields,
    sent,
    unconverted,
)

SECONDS = 1_767_312_000
PERSON = {"type": "person", "identifiers": {"id": "u1"}}


def installed(device: object, **members: Any) -> dict[str, Any]:
    """Make the event that a device sends once the application is installed."""
    context = {"device": device, **members.pop("context", {})}
    event = {"type": "track", "event": "Application Installed", "userId": "u1"}
    return {**event, "context": context, **members}


def test_the_documented_fields() -> None:
    """Segment's page of 2021 names these; its default of Device ID comes after the push token."""
    found = fields("createUpdateDevice")
    token, device_id = {"@path": "$.context.device.token"}, {"@path": "$.context.device.id"}
    either = {"@if": {"exists": token, "then": token, "else": device_id}}
    assert found["person_id"] == ("Person ID", {"@path": "$.userId"}, True)
    assert found["device_id"] == ("Device ID", either, True)
    assert found["platform"] == ("Platform", {"@path": "$.context.device.type"}, True)
    assert found["last_used"] == ("Last Used", {"@path": "$.timestamp"}, False)


@pytest.mark.parametrize(
    ("event", "device"),
    [
        (installed({"token": "t1", "type": "ios"}), {"token": "t1", "platform": "ios"}),
        (installed({"id": "d1", "type": "android"}), {"token": "d1", "platform": "android"}),
        (installed({"token": "t1", "id": "d1", "type": "ios"}), {"token": "t1", "platform": "ios"}),
        (installed({"token": "2026-01-02", "type": "ios"}),
         {"token": "2026-01-02", "platform": "ios"}),
        (installed({"token": "t1", "type": "ios"}, timestamp="2026-01-02"),
         {"token": "t1", "platform": "ios", "last_used": SECONDS}),
        (installed({"token": "t1", "type": "ios"}, properties={"at": "2026-01-02", "n": 1}),
         {"token": "t1", "platform": "ios", "attributes": {"at": SECONDS, "n": 1}}),
        (installed({"token": "t1", "type": "ios"}, properties={"app_version": "0"},
                   context={"app": {"version": "1.2"}}),
         {"token": "t1", "platform": "ios", "attributes": {"app_version": "1.2"}}),
    ],
)  # fmt: skip
async def test_a_device(
    answers: aioresponses, event: dict[str, Any], device: dict[str, Any]
) -> None:
    """It is known by its token, and carries when it was used and attributes of its own."""
    delivery, requests = await delivered(answers, "createUpdateDevice", event)
    assert delivery.ok, delivery.reason
    body = {**PERSON, "action": "add_device", "device": {"attributes": {}, **device}}
    assert requests == [("POST", ENTITY, body)]


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (installed({"token": "t1", "type": "ios"}, userId=None), "person_id"),
        (installed({"token": "t1", "type": "ios"}, userId=""), "person_id"),
        (installed({"type": "ios"}), "device_id"),
        (installed({"token": "", "type": "ios"}), "device_id"),
        (installed({"token": "t1"}), "platform"),
        (installed({"token": "t1", "type": ""}), "platform"),
        (installed(None), "device_id"),
    ],
)
async def test_what_a_device_needs(answers: aioresponses, event: dict[str, Any], key: str) -> None:
    """Person ID, Device ID and Platform are required: nothing is sent, the field is named."""
    delivery, requests = await delivered(answers, "createUpdateDevice", event)
    assert (delivery.status, requests) == ("rejected", [])
    assert f"'{key}'" in delivery.reason


async def test_a_last_use_that_is_no_time_is_left_out(answers: aioresponses) -> None:
    """The device is sent all the same, with a warning that names the value."""
    event = installed({"token": "t1", "type": "ios"}, timestamp="just now")
    delivery, requests = await delivered(answers, "createUpdateDevice", event)
    assert "last_used" not in requests[0][2]["device"]
    assert delivery.warnings == (
        "last used 'just now' is no ISO 8601 or Unix time and is left out",
    )


async def test_dates_stay_texts_when_that_is_wanted(answers: aioresponses) -> None:
    """With ``convert_timestamp`` off last use and attributes are as they were."""
    answers.post(ENTITY, payload={})
    event = installed(
        {"token": "t1", "type": "ios"}, timestamp="2026-01-02", properties={"at": "2026-01-02"}
    )
    async with dc.Engine([connection(unconverted("createUpdateDevice"))]) as engine:
        (delivery,) = await engine.send(event)
    assert delivery.ok, delivery.reason
    device = sent(answers)[0][2]["device"]
    assert (device["last_used"], device["attributes"]) == ("2026-01-02", {"at": "2026-01-02"})


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (installed({"token": "t1"}), None),
        (installed({"token": "t1"}, userId=None), "person_id"),
        (installed({"id": "d1"}), "device_id"),
    ],
)
async def test_a_device_that_is_gone(
    answers: aioresponses, event: dict[str, Any], key: str | None
) -> None:
    """Person and token are all it takes, and both are needed."""
    delivery, requests = await delivered(answers, "deleteDevice", event)
    body = {**PERSON, "action": "delete_device", "device": {"token": "t1"}}
    assert requests == ([] if key else [("POST", ENTITY, body)])
    assert delivery.status == ("rejected" if key else "delivered")
    assert key is None or f"'{key}'" in delivery.reason
