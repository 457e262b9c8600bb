"""Events, pages and screens: the documented fields, and what an unusual event becomes."""

import copy
from typing import Any

import pytest
from aioresponses import aioresponses

import destination_core as dc
from destination_customerio.event_ids import event_id
from plugins.customerio.tests.sending import (
    ENTITY,
    US,
    connection,
    delivered,
    fields,
    sent,
    unconverted,
)

V1 = f"{US}/api/v1/events"
BARE = {"type": "track", "userId": "u1", "event": "Bought"}
BODY = {"type": "person", "action": "event", "name": "Bought", "identifiers": {"id": "u1"}}

DOCUMENTED = {
    "trackEvent": {
        "name": ("Event Name", "$.event", True),
        "id": ("Person ID", "$.userId", False),
        "anonymous_id": ("Anonymous ID", "$.anonymousId", False),
        "type": ("Event Type", "$.type", False),
        "data": ("Event Attributes", "$.properties", False),  # "Data" in 2021
    },
    "trackAnonymousEvent": {
        "name": ("Event Name", "$.event", True),
        "data": ("Data", "$.properties", False),
        "anonymous_id": ("Anonymous ID", "$.anonymousId", False),
    },
}


@pytest.mark.parametrize("slug", DOCUMENTED)
def test_the_documented_fields(slug: str) -> None:
    """Segment's page of 2021 names these fields, with these requirements and defaults."""
    found = fields(slug)
    for key, (label, path, required) in DOCUMENTED[slug].items():
        assert found[key] == (label, {"@path": path}, required)


@pytest.mark.parametrize(
    ("members", "body"),
    [
        ({}, {}),
        ({"properties": {}}, {"attributes": {}}),
        ({"anonymousId": "a1"}, {"attributes": {"anonymous_id": "a1"}}),
        ({"anonymousId": "2026-01-02"}, {"attributes": {"anonymous_id": "2026-01-02"}}),
        ({"anonymousId": "a1", "properties": {"anonymous_id": "other", "x": 1}},
         {"attributes": {"x": 1, "anonymous_id": "a1"}}),
        ({"userId": 42}, {"identifiers": {"id": "42"}}),
        ({"userId": "a@example.com"}, {"identifiers": {"email": "a@example.com"}}),
        ({"userId": "cio_03000001"}, {"identifiers": {"cio_id": "03000001"}}),
        ({"userId": "2026-01-02"}, {"identifiers": {"id": "2026-01-02"}}),
        ({"event": "2026-01-02"}, {"name": "2026-01-02"}),
        ({"messageId": "m-1"}, {"id": event_id("m-1")}),
        ({"messageId": "01BX5ZZKBKACTAV9WEVGEMMVRY"}, {"id": "01BX5ZZKBKACTAV9WEVGEMMVRY"}),
        ({"timestamp": "2026-11-23T10:00:00.999Z"}, {"timestamp": 1_795_428_000}),
        ({"timestamp": "2026-11-23T12:00:00+02:00"}, {"timestamp": 1_795_428_000}),
        ({"timestamp": "1795428000123"}, {"timestamp": 1_795_428_000}),
        ({"type": "identify"}, {}),
        ({"properties": {"list": ["2026-01-02", {"deep": "2026-01-02T00:00:00.123456789Z"}]}},
         {"attributes": {"list": [1_767_312_000, {"deep": 1_767_312_000}]}}),
        ({"properties": {"phone": "+33612345678", "ssn": "555-12-3456", "n": None, "é": "ü"}},
         {"attributes": {"phone": "+33612345678", "ssn": "555-12-3456", "n": None, "é": "ü"}}),
    ],
)  # fmt: skip
async def test_an_event_of_a_person(
    answers: aioresponses, members: dict[str, Any], body: dict[str, Any]
) -> None:
    """Ids, times and attributes each go where they belong, and nothing else is sent."""
    delivery, requests = await delivered(answers, "trackEvent", {**BARE, **members})
    assert delivery.ok, delivery.reason
    assert requests == [("POST", ENTITY, {**BODY, **body})]


@pytest.mark.parametrize(("kind", "action"), [("page", "page"), ("screen", "screen"), ("x", None)])
async def test_event_type_can_be_overridden(
    answers: aioresponses, kind: str, action: str | None
) -> None:
    """A mapping may say that an event is a page or a screen; any other type is an event."""
    one = dc.Subscription(
        "typed",
        "trackEvent",
        'type = "track"',
        {"name": {"@path": "$.event"}, "id": {"@path": "$.userId"}, "type": kind},
    )
    answers.post(ENTITY, payload={})
    async with dc.Engine([connection(one)]) as engine:
        (delivery,) = await engine.send(BARE)
    assert delivery.ok, delivery.reason
    assert sent(answers)[0][2] == {**BODY, "action": action or "event"}


@pytest.mark.parametrize(
    ("action", "member"),
    [("trackPageView", {"properties": {"url": "n"}}), ("trackScreenView", {"name": "n"})],
)
@pytest.mark.parametrize(
    ("who", "found"),
    [
        ({"userId": "u1"}, {"id": "u1"}),
        ({"anonymousId": "a1"}, {"anonymous_id": "a1"}),
        ({"userId": "", "anonymousId": "a1"}, {"anonymous_id": "a1"}),
        ({}, None),
    ],
)
async def test_whose_page_or_screen_it_is(
    answers: aioresponses,
    action: str,
    member: dict[str, Any],
    who: dict[str, str],
    found: dict[str, str] | None,
) -> None:
    """A person's or somebody's who is not known yet; of nobody, it is rejected."""
    delivery, requests = await delivered(answers, action, {"type": "page", **member, **who})
    assert [one[2]["identifiers"] for one in requests] == ([] if found is None else [found])
    assert delivery.status == ("rejected" if found is None else "delivered")
    assert found or "neither Person ID nor Anonymous ID" in delivery.reason


@pytest.mark.parametrize(
    ("action", "event", "key"),
    [
        ("trackPageView", {"type": "page", "name": "Home"}, "url"),
        ("trackPageView", {"type": "page", "properties": {"url": ""}}, "url"),
        ("trackScreenView", {"type": "screen", "properties": {}}, "name"),
        ("trackEvent", {"type": "track", "event": ""}, "name"),
        ("trackAnonymousEvent", {"type": "track", "event": ""}, "name"),
    ],
)
async def test_what_has_no_name_is_rejected(
    answers: aioresponses, action: str, event: dict[str, Any], key: str
) -> None:
    """Customer.io refuses a blank name: nothing is sent, and the field is named."""
    delivery, requests = await delivered(answers, action, {"userId": "u1", **event})
    assert (delivery.status, requests) == ("rejected", [])
    assert f"'{key}'" in delivery.reason


@pytest.mark.parametrize("name", ["recipient", "from_address", "reply_to"])
async def test_data_that_overrides_messages_is_pointed_out(
    answers: aioresponses, name: str
) -> None:
    """Customer.io takes these from an event's data: it is sent so, with a warning."""
    event = {**BARE, "properties": {name: "a@example.com"}}
    delivery, requests = await delivered(answers, "trackEvent", event)
    assert requests[0][2]["attributes"] == {name: "a@example.com"}
    assert delivery.warnings == (f"{name} in the event's data overrides the settings of messages",)


@pytest.mark.parametrize(
    ("members", "url", "body"),
    [
        ({}, V1, {"name": "Seen", "data": {}}),
        ({"anonymousId": ""}, V1, {"name": "Seen", "data": {}}),
        ({"userId": "u1", "properties": {"at": "2026-01-02"}}, V1,
         {"name": "Seen", "data": {"at": 1_767_312_000}}),
        ({"userId": "u1", "anonymousId": "a1"}, ENTITY,
         {"type": "person", "action": "event", "name": "Seen", "attributes": {},
          "identifiers": {"anonymous_id": "a1"}}),
    ],
)  # fmt: skip
async def test_an_anonymous_event(
    answers: aioresponses, members: dict[str, Any], url: str, body: dict[str, Any]
) -> None:
    """It is never tied to a known person; without an id it goes where such events are taken."""
    event = {"type": "track", "event": "Seen", **members}
    delivery, requests = await delivered(answers, "trackAnonymousEvent", event)
    assert delivery.ok, delivery.reason
    assert requests == [("POST", url, body)]


@pytest.mark.parametrize("action", ["trackEvent", "trackAnonymousEvent"])
async def test_dates_stay_texts_when_that_is_wanted(answers: aioresponses, action: str) -> None:
    """With ``convert_timestamp`` off attributes are as they were; the event's time is converted."""
    answers.post(ENTITY, payload={})
    event = {
        **BARE,
        "anonymousId": "a1",
        "timestamp": "2026-01-02",
        "properties": {"at": "2026-01-02"},
    }
    async with dc.Engine([connection(unconverted(action))]) as engine:
        (delivery,) = await engine.send(event)
    assert delivery.ok, delivery.reason
    ((_, _, body),) = sent(answers)
    assert (body["attributes"]["at"], body["timestamp"]) == ("2026-01-02", 1_767_312_000)


async def test_an_event_is_not_changed(answers: aioresponses) -> None:
    """What the caller handed in is theirs: the next subscription sees it as it was."""
    event = {**BARE, "anonymousId": "a1", "properties": {"at": "2026-01-02", "anonymous_id": "b"}}
    before = copy.deepcopy(event)
    await delivered(answers, "trackEvent", event)
    assert event == before
