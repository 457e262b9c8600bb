"""People: the documented fields, who a person is, and what is an attribute of theirs."""

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

WHEN = "2026-01-02T00:00:00Z"
SECONDS = 1_767_312_000
BARE = {"type": "identify", "userId": "u1", "traits": {"email": "a@example.com"}}
BODY = {"type": "person", "action": "identify", "identifiers": {"id": "u1"}}
EMAIL = {"email": "a@example.com"}


def coalesced(*paths: str) -> dict[str, Any]:
    """Return the mapping that takes the first of these that is there."""
    *others, last = paths
    found: dict[str, Any] = {"@path": last}
    for path in reversed(others):
        found = {"@if": {"exists": {"@path": path}, "then": {"@path": path}, "else": found}}
    return found


def test_the_documented_fields() -> None:
    """Segment's page of 2021 names these, and its defaults are the last that are tried.

    Person ID and Email Address are required by the handler: the setting any_identifier decides.
    """
    found = fields("createUpdatePerson")
    assert found["id"] == ("Person ID", {"@path": "$.userId"}, True)
    assert found["email"] == (
        "Email Address",
        coalesced("$.traits.email", "$.traits.userId"),
        True,
    )
    assert found["anonymous_id"] == ("Anonymous ID", {"@path": "$.anonymousId"}, False)
    paths = coalesced("$.traits.created_at", "$.traits.createdAt", "$.timestamp")
    assert found["created_at"] == ("Created At", paths, False)
    assert found["custom_attributes"] == ("Person Attributes", {"@path": "$.traits"}, False)


@pytest.mark.parametrize(
    ("traits", "members", "attributes"),
    [
        ({}, {}, {}),
        ({"plan": "pro", "age": 3, "vip": True, "gone": None, "blank": ""}, {},
         {"plan": "pro", "age": 3, "vip": True, "gone": None, "blank": ""}),
        ({"email": "b@example.com", "userId": "c@example.com"}, {},
         {"email": "b@example.com", "userId": "c@example.com"}),
        ({"created_at": "2026-01-02"}, {}, {"created_at": SECONDS}),
        ({"createdAt": "2026-01-02"}, {}, {"created_at": SECONDS}),
        ({"created_at": "2026-01-02", "createdAt": "2020-01-01"}, {}, {"created_at": SECONDS}),
        ({"created_at": 1_767_312_000}, {}, {"created_at": SECONDS}),
        ({"createdAt": 1_767_312_000_000}, {}, {"created_at": SECONDS}),
        ({"created_at": "long ago"}, {}, {"created_at": "long ago"}),
        ({}, {"anonymousId": "a1"}, {"anonymous_id": "a1"}),
        ({"anonymous_id": "other"}, {"anonymousId": "a1"}, {"anonymous_id": "a1"}),
        ({"object_type_id": "2", "objectTypeId": "3", "relationshipAttributes": {"a": 1}}, {}, {}),
        ({"phone": "+33612345678", "born": "2026-01-02", "tags": ["2026-01-02"]}, {},
         {"phone": "+33612345678", "born": SECONDS, "tags": [SECONDS]}),
        ({"address": {"since": "2026-01-02", "zip": "2026-01"}}, {},
         {"address": {"since": SECONDS, "zip": "2026-01"}}),
    ],
)  # fmt: skip
async def test_the_attributes_of_a_person(
    answers: aioresponses,
    traits: dict[str, Any],
    members: dict[str, Any],
    attributes: dict[str, Any],
) -> None:
    """Traits are attributes, but for those that are fields of their own; dates are seconds."""
    event = {**BARE, "traits": {**EMAIL, **traits}, **members}
    delivery, requests = await delivered(answers, "createUpdatePerson", event)
    assert delivery.ok, delivery.reason
    assert requests == [("POST", ENTITY, {**BODY, "attributes": {**EMAIL, **attributes}})]


async def test_the_event_says_when(answers: aioresponses) -> None:
    """Its time orders updates, and is when the person was created if nothing else says so."""
    delivery, requests = await delivered(answers, "createUpdatePerson", {**BARE, "timestamp": WHEN})
    assert delivery.ok, delivery.reason
    assert requests[0][2]["timestamp"] == SECONDS
    assert requests[0][2]["attributes"]["created_at"] == SECONDS


@pytest.mark.parametrize(
    ("traits", "relationship"),
    [
        ({"objectId": "g1"}, {"identifiers": {"object_id": "g1", "object_type_id": "1"}}),
        ({"objectId": "g1", "objectTypeId": "2"},
         {"identifiers": {"object_id": "g1", "object_type_id": "2"}}),
        ({"objectId": "g1", "object_type_id": 3, "objectTypeId": 2},
         {"identifiers": {"object_id": "g1", "object_type_id": "3"}}),
        ({"objectId": "g1", "relationshipAttributes": {"since": "2026-01-02", "role": "admin"}},
         {"identifiers": {"object_id": "g1", "object_type_id": "1"},
          "relationship_attributes": {"since": SECONDS, "role": "admin"}}),
        ({"objectTypeId": "2", "relationshipAttributes": {"role": "admin"}}, None),
    ],
)  # fmt: skip
async def test_a_person_may_belong_to_an_object(
    answers: aioresponses, traits: dict[str, Any], relationship: dict[str, Any] | None
) -> None:
    """``traits.objectId`` relates them, of type "1" unless it says otherwise."""
    event = {**BARE, "traits": {**EMAIL, **traits}}
    delivery, requests = await delivered(answers, "createUpdatePerson", event)
    assert delivery.ok, delivery.reason
    found = requests[0][2].get("cio_relationships")
    assert found == (None if relationship is None else [relationship])


@pytest.mark.parametrize(
    ("user_id", "identifiers"),
    [
        ("u1", {"id": "u1"}),
        ("a/b?c=d#e", {"id": "a/b?c=d#e"}),
        ("b@example.com", {"email": "b@example.com"}),
        ("cio_03000001", {"cio_id": "03000001"}),
        (7, {"id": "7"}),
    ],
)
async def test_who_a_person_is(
    answers: aioresponses, user_id: object, identifiers: dict[str, str]
) -> None:
    """One identifier, by the shape of Person ID; the email address is an attribute as well."""
    delivery, requests = await delivered(answers, "createUpdatePerson", {**BARE, "userId": user_id})
    assert delivery.ok, delivery.reason
    assert requests[0][2]["identifiers"] == identifiers
    assert requests[0][2]["attributes"] == EMAIL


@pytest.mark.parametrize(
    ("members", "labels"),
    [
        ({"userId": None}, ["Person ID"]),
        ({"userId": ""}, ["Person ID"]),
        ({"traits": {}}, ["Email Address"]),
        ({"traits": {"email": ""}}, ["Email Address"]),
        ({"userId": None, "traits": None, "anonymousId": "a1"}, ["Person ID", "Email Address"]),
    ],
)
async def test_both_requirements_hold_by_default(
    answers: aioresponses, members: dict[str, Any], labels: list[str]
) -> None:
    """Each that is missing is named, with the setting that relaxes them."""
    delivery, requests = await delivered(answers, "createUpdatePerson", {**BARE, **members})
    assert (delivery.status, requests) == ("rejected", [])
    assert delivery.reason.startswith(f"{' and '.join(labels)} is required; set any_identifier")
    assert isinstance(delivery.error, dc.InvalidPayload)
    assert [one.message for one in delivery.error.problems] == [
        f"{label} is required" for label in labels
    ]


@pytest.mark.parametrize(
    ("members", "identifiers", "attributes"),
    [
        ({"userId": "u1", "traits": {**EMAIL}, "anonymousId": "a1"}, {"id": "u1"},
         {**EMAIL, "anonymous_id": "a1"}),
        ({"userId": "", "traits": {**EMAIL}, "anonymousId": "a1"}, EMAIL,
         {**EMAIL, "anonymous_id": "a1"}),
        ({"userId": "", "traits": {"plan": "pro"}, "anonymousId": "a1"}, {"anonymous_id": "a1"},
         {"plan": "pro"}),
        ({"userId": "u1", "traits": None}, {"id": "u1"}, {}),
    ],
)  # fmt: skip
async def test_the_best_identifier_is_taken_when_any_is_enough(
    answers: aioresponses,
    members: dict[str, Any],
    identifiers: dict[str, str],
    attributes: dict[str, Any],
) -> None:
    """Person ID goes before the email address, and that before the anonymous ID."""
    event = {"type": "identify", **members}
    delivery, requests = await delivered(answers, "createUpdatePerson", event, any_identifier=True)
    assert delivery.ok, delivery.reason
    assert requests[0][2] == {**BODY, "identifiers": identifiers, "attributes": attributes}


async def test_dates_stay_texts_when_that_is_wanted(answers: aioresponses) -> None:
    """With ``convert_timestamp`` off created_at and attributes are as they were."""
    answers.post(ENTITY, payload={})
    traits = {**EMAIL, "created_at": "2026-01-02", "born": "2026-01-02"}
    async with dc.Engine([connection(unconverted("createUpdatePerson"))]) as engine:
        (delivery,) = await engine.send({**BARE, "traits": traits})
    assert delivery.ok, delivery.reason
    assert sent(answers)[0][2]["attributes"] == traits


@pytest.mark.parametrize(
    ("action", "verb"),
    [
        ("deletePerson", "delete"),
        ("suppressPerson", "suppress"),
        ("unsuppressPerson", "unsuppress"),
    ],
)
@pytest.mark.parametrize(
    ("user_id", "identifiers"),
    [
        ("b@example.com", {"email": "b@example.com"}),
        ("cio_03000001", {"cio_id": "03000001"}),
        (7, {"id": "7"}),
        (None, None),
        ("", None),
    ],
)
async def test_what_needs_nothing_but_a_person(
    answers: aioresponses, action: str, verb: str, user_id: object, identifiers: Any
) -> None:
    """The body names them and nothing else; without Person ID nothing is sent."""
    event = {"type": "track", "event": "x", "userId": user_id, "anonymousId": "a1"}
    delivery, requests = await delivered(answers, action, event)
    body = {"type": "person", "action": verb, "identifiers": identifiers}
    assert [one[2] for one in requests] == ([body] if identifiers else [])
    assert delivery.status == ("delivered" if identifiers else "rejected")
    assert identifiers or "'person_id'" in delivery.reason


@pytest.mark.parametrize(
    ("user_id", "previous", "pair"),
    [
        ("u1", "u0", ({"id": "u1"}, {"id": "u0"})),
        ("a@example.com", "cio_01", ({"email": "a@example.com"}, {"cio_id": "01"})),
        (1, 2, ({"id": "1"}, {"id": "2"})),
        ("u1", None, None),
        ("u1", "", None),
        (None, "u0", None),
    ],
)
async def test_people_who_are_one(
    answers: aioresponses, user_id: object, previous: object, pair: Any
) -> None:
    """The one with ``userId`` stays; both must be named, and there are no other identifiers."""
    event = {"type": "alias", "userId": user_id, "previousId": previous}
    delivery, requests = await delivered(answers, "mergePeople", event)
    if pair is None:
        assert (delivery.status, requests) == ("rejected", [])
    else:
        primary, secondary = pair
        body = {"type": "person", "action": "merge", "primary": primary, "secondary": secondary}
        assert requests == [("POST", ENTITY, body)]
