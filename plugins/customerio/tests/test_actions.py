"""Each of the sixteen actions: from a Segment event, by the default mapping, to the exact call."""

from typing import Any

import pytest
from aioresponses import aioresponses

import destination_core as dc
from destination_customerio.event_ids import event_id
from plugins.customerio.tests.sending import ENTITY, US, delivered

WHEN = "2026-11-23T10:00:00Z"
SECONDS = 1_795_428_000
EVENT = {"type": "track", "userId": "u1", "messageId": "m-1", "timestamp": WHEN}
ID = event_id("m-1")
PERSON = {"type": "person", "identifiers": {"id": "u1"}}

CASES: list[tuple[str, str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "an event of a known person",
        "trackEvent",
        {**EVENT, "event": "Bought", "properties": {"total": 5, "at": "2026-01-02"}},
        ENTITY,
        {**PERSON, "action": "event", "name": "Bought", "id": ID, "timestamp": SECONDS,
         "attributes": {"total": 5, "at": 1_767_312_000}},
    ),
    (
        "an event of somebody with both ids",
        "trackEvent",
        {**EVENT, "event": "Bought", "anonymousId": "a1", "properties": {}},
        ENTITY,
        {**PERSON, "action": "event", "name": "Bought", "id": ID, "timestamp": SECONDS,
         "attributes": {"anonymous_id": "a1"}},
    ),
    (
        "an event of nobody known yet",
        "trackEvent",
        {**EVENT, "event": "Bought", "userId": None, "anonymousId": "a1", "properties": {"x": 1}},
        ENTITY,
        {"type": "person", "identifiers": {"anonymous_id": "a1"}, "action": "event",
         "name": "Bought", "id": ID, "timestamp": SECONDS, "attributes": {"x": 1}},
    ),
    (
        "an event whose type says page",
        "trackEvent",
        {**EVENT, "type": "page", "event": "Home", "properties": {"url": "https://x.test"}},
        ENTITY,
        {**PERSON, "action": "page", "name": "Home", "id": ID, "timestamp": SECONDS,
         "attributes": {"url": "https://x.test"}},
    ),
    (
        "an event whose type says screen",
        "trackEvent",
        {**EVENT, "type": "screen", "event": "Main", "properties": {"n": 1}},
        ENTITY,
        {**PERSON, "action": "screen", "name": "Main", "id": ID, "timestamp": SECONDS,
         "attributes": {"n": 1}},
    ),
    (
        "a person",
        "createUpdatePerson",
        {**EVENT, "type": "identify", "anonymousId": "a1",
         "traits": {"email": "a@example.com", "created_at": "2020-01-02", "plan": "pro"}},
        ENTITY,
        {**PERSON, "action": "identify", "timestamp": SECONDS,
         "attributes": {"email": "a@example.com", "plan": "pro", "created_at": 1_577_923_200,
                        "anonymous_id": "a1"}},
    ),
    (
        "a person whose email is in traits.userId, created when the event says",
        "createUpdatePerson",
        {**EVENT, "type": "identify", "traits": {"userId": "a@example.com"}},
        ENTITY,
        {**PERSON, "action": "identify", "timestamp": SECONDS,
         "attributes": {"userId": "a@example.com", "email": "a@example.com",
                        "created_at": SECONDS}},
    ),
    (
        "a device by its token",
        "createUpdateDevice",
        {**EVENT, "event": "Application Installed", "properties": {"build": 7},
         "context": {"device": {"token": "t1", "id": "d1", "type": "ios"},
                     "app": {"version": "1.2"}}},
        ENTITY,
        {**PERSON, "action": "add_device",
         "device": {"token": "t1", "platform": "ios", "last_used": SECONDS,
                    "attributes": {"build": 7, "app_version": "1.2"}}},
    ),
    (
        "a device by its id",
        "createUpdateDevice",
        {**EVENT, "event": "Application Installed",
         "context": {"device": {"id": "d1", "type": "android"}}},
        ENTITY,
        {**PERSON, "action": "add_device",
         "device": {"token": "d1", "platform": "android", "last_used": SECONDS,
                    "attributes": {}}},
    ),
    (
        "a device that is gone",
        "deleteDevice",
        {**EVENT, "event": "Application Uninstalled", "context": {"device": {"token": "t1"}}},
        ENTITY,
        {**PERSON, "action": "delete_device", "device": {"token": "t1"}},
    ),
    (
        "an anonymous event that may be merged within 30 days",
        "trackAnonymousEvent",
        {**EVENT, "userId": None, "anonymousId": "a1", "event": "Seen", "properties": {"x": 1}},
        ENTITY,
        {"type": "person", "identifiers": {"anonymous_id": "a1"}, "action": "event",
         "name": "Seen", "id": ID, "timestamp": SECONDS, "attributes": {"x": 1}},
    ),
    (
        "an anonymous event without any id",
        "trackAnonymousEvent",
        {**EVENT, "userId": None, "event": "Seen", "properties": {"x": 1}},
        f"{US}/api/v1/events",
        {"name": "Seen", "data": {"x": 1}, "id": ID, "timestamp": SECONDS},
    ),
    (
        "a page view",
        "trackPageView",
        {**EVENT, "type": "page", "properties": {"url": "https://x.test/a"}},
        ENTITY,
        {**PERSON, "action": "page", "name": "https://x.test/a", "id": ID, "timestamp": SECONDS,
         "attributes": {"url": "https://x.test/a"}},
    ),
    (
        "a screen view",
        "trackScreenView",
        {**EVENT, "type": "screen", "name": "Main", "properties": {}},
        ENTITY,
        {**PERSON, "action": "screen", "name": "Main", "id": ID, "timestamp": SECONDS,
         "attributes": {}},
    ),
    (
        "an object and who belongs to it",
        "createUpdateObject",
        {**EVENT, "type": "group", "groupId": "g1",
         "traits": {"objectTypeId": "2", "createdAt": "2021-01-02",
                    "objectAttributes": {"name": "Acme"},
                    "relationshipAttributes": {"role": "admin"}}},
        ENTITY,
        {"type": "object", "action": "identify", "created_at": 1_609_545_600,
         "identifiers": {"object_id": "g1", "object_type_id": "2"},
         "attributes": {"name": "Acme"},
         "cio_relationships": [{"identifiers": {"id": "u1"},
                                "relationship_attributes": {"role": "admin"}}]},
    ),
    (
        "an object that is gone",
        "deleteObject",
        {**EVENT, "event": "Object Deleted", "properties": {"objectId": "g1"}},
        ENTITY,
        {"type": "object", "action": "delete",
         "identifiers": {"object_id": "g1", "object_type_id": "1"}},
    ),
    (
        "a relationship that is over",
        "deleteRelationship",
        {**EVENT, "event": "Relationship Deleted",
         "properties": {"objectId": "g1", "object_type_id": "3"}},
        ENTITY,
        {"type": "object", "action": "delete_relationships",
         "identifiers": {"object_id": "g1", "object_type_id": "3"},
         "cio_relationships": [{"identifiers": {"id": "u1"}}]},
    ),
    (
        "two people who are one",
        "mergePeople",
        {**EVENT, "type": "alias", "previousId": "u0@example.com"},
        ENTITY,
        {"type": "person", "action": "merge", "primary": {"id": "u1"},
         "secondary": {"email": "u0@example.com"}},
    ),
    (
        "a person to delete",
        "deletePerson",
        {**EVENT, "event": "User Deleted", "userId": "cio_0a1b"},
        ENTITY,
        {"type": "person", "action": "delete", "identifiers": {"cio_id": "0a1b"}},
    ),
    (
        "a person to suppress",
        "suppressPerson",
        {**EVENT, "event": "User Suppressed"},
        ENTITY,
        {**PERSON, "action": "suppress"},
    ),
    (
        "a person to listen to again",
        "unsuppressPerson",
        {**EVENT, "event": "User Unsuppressed"},
        ENTITY,
        {**PERSON, "action": "unsuppress"},
    ),
    (
        "a report about a message",
        "reportDeliveryEvent",
        {**EVENT, "event": "Report Delivery Event",
         "properties": {"deliveryId": "D1", "metric": "clicked", "href": "https://x.test",
                        "actionName": "ok", "recipient": "a@example.com"}},
        f"{US}/api/v1/metrics",
        {"delivery_id": "D1", "metric": "clicked", "timestamp": SECONDS,
         "recipient": "a@example.com", "href": "https://x.test",
         "metadata": {"action_name": "ok"}},
    ),
    (
        "a report about content",
        "reportContentEvent",
        {**EVENT, "event": "Report Content Event", "anonymousId": "a1",
         "properties": {"actionType": "viewed_content", "title": "News"}},
        ENTITY,
        {"type": "person", "action": "viewed_content", "name": "viewed_content",
         "identifiers": {"anonymous_id": "a1"}, "timestamp": SECONDS,
         "attributes": {"title": "News"}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("action", "event", "url", "body"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
async def test_the_call_of_an_event(
    answers: aioresponses, action: str, event: dict[str, Any], url: str, body: dict[str, Any]
) -> None:
    """Each event becomes exactly this call."""
    delivery, requests = await delivered(answers, action, event)
    assert delivery.status == "delivered", delivery.reason
    assert requests == [("POST", url, body)]


def test_every_action_has_a_case() -> None:
    """No action is left out of the table."""
    destination = dc.Registry.discover().relay("customerio").destination
    assert {one.slug for one in destination.actions} == {case[1] for case in CASES}


REQUIRED = {
    "trackEvent": [("name", "Event Name")],
    "createUpdatePerson": [("id", "Person ID"), ("email", "Email Address")],
    "createUpdateDevice": [
        ("person_id", "Person ID"),
        ("device_id", "Device ID"),
        ("platform", "Platform"),
    ],
    "trackAnonymousEvent": [("name", "Event Name")],
}


@pytest.mark.parametrize(
    ("action", "label"), [(slug, label) for slug, ones in REQUIRED.items() for _, label in ones]
)
async def test_a_documented_requirement_is_required(
    answers: aioresponses, action: str, label: str
) -> None:
    """Segment's page of 2021 marks these fields (required): without them nothing is sent."""
    whole = next(case[2] for case in CASES if case[1] == action)
    without = {
        "Event Name": {"event": None},
        "Person ID": {"userId": None},
        "Email Address": {"traits": {"plan": "pro"}},
        "Device ID": {"context": {"device": {"type": "ios"}}},
        "Platform": {"context": {"device": {"token": "t1"}}},
    }[label]
    delivery, requests = await delivered(answers, action, {**whole, **without})
    assert (delivery.status, requests) == ("rejected", [])
    key = next(key for key, named in REQUIRED[action] if named == label)
    assert label in delivery.reason or key in delivery.reason


@pytest.mark.parametrize(
    ("members", "identifiers"),
    [
        ({"userId": "u1", "traits": {}}, {"id": "u1"}),
        ({"userId": None, "traits": {"email": "a@example.com"}}, {"email": "a@example.com"}),
        ({"userId": None, "anonymousId": "a1", "traits": {}}, {"anonymous_id": "a1"}),
    ],
)
async def test_any_identifier_relaxes_the_two_requirements(
    answers: aioresponses, members: dict[str, Any], identifiers: dict[str, str]
) -> None:
    """With the setting on, one identifier of any kind makes a person."""
    event = {**EVENT, "type": "identify", **members}
    delivery, requests = await delivered(answers, "createUpdatePerson", event, any_identifier=True)
    assert delivery.ok, delivery.reason
    assert requests[0][2]["identifiers"] == identifiers


async def test_a_person_without_any_identifier_is_rejected(answers: aioresponses) -> None:
    """The relaxed rule still needs one."""
    event = {"type": "identify", "traits": {"plan": "pro"}}
    delivery, requests = await delivered(answers, "createUpdatePerson", event, any_identifier=True)
    assert (delivery.status, requests) == ("rejected", [])
    assert "Person ID, Email Address, Anonymous ID" in delivery.reason


async def test_an_event_of_nobody_is_rejected(answers: aioresponses) -> None:
    """Track Event needs somebody."""
    delivery, requests = await delivered(answers, "trackEvent", {"type": "track", "event": "x"})
    assert (delivery.status, requests) == ("rejected", [])


async def test_raw_event_ids_are_sent_as_they_are(answers: aioresponses) -> None:
    """While traffic moves over from Segment, duplicates must have Segment's ids."""
    _, requests = await delivered(
        answers, "trackEvent", {**EVENT, "event": "x"}, raw_event_ids=True
    )
    assert requests[0][2]["id"] == "m-1"


async def test_a_time_that_is_none_is_left_out_with_a_warning(answers: aioresponses) -> None:
    """The event is sent all the same."""
    event = {**EVENT, "event": "x", "timestamp": "yesterday"}
    delivery, requests = await delivered(answers, "trackEvent", event)
    assert delivery.ok
    assert "timestamp" not in requests[0][2]
    assert "'yesterday'" in delivery.warnings[0]


async def test_every_request_carries_the_credentials(answers: aioresponses) -> None:
    """Basic authentication with site id and API key, and JSON."""
    delivery, _ = await delivered(answers, "trackEvent", {**EVENT, "event": "x"})
    headers = delivery.exchanges[0].request.headers
    assert headers["Authorization"] == dc.basic_auth("site-1234", "key-5678")
    assert headers["Content-Type"] == "application/json"
