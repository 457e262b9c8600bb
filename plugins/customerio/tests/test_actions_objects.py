"""Objects: which one it is, who belongs to it, and what becomes of its attributes."""

from typing import Any

import pytest
from aioresponses import aioresponses

import destination_core as dc
from plugins.customerio.tests.sending import ENTITY, connection, delivered, sent, unconverted

SECONDS = 1_767_312_000
WHICH = {"object_id": "g1", "object_type_id": "1"}
BODY = {"type": "object", "action": "identify", "identifiers": WHICH}
U1 = [{"identifiers": {"id": "u1"}}]


@pytest.mark.parametrize(
    ("members", "body"),
    [
        ({}, {}),
        ({"userId": "u1"}, {"cio_relationships": U1}),
        ({"userId": "a@example.com"},
         {"cio_relationships": [{"identifiers": {"email": "a@example.com"}}]}),
        ({"anonymousId": "a1"},
         {"action": "identify_anonymous", "attributes": {"anonymous_id": "a1"},
          "cio_relationships": [{"identifiers": {"anonymous_id": "a1"}}]}),
        ({"userId": "u1", "anonymousId": "a1"},
         {"attributes": {"anonymous_id": "a1"}, "cio_relationships": U1}),
        ({"groupId": 7}, {"identifiers": {"object_id": "7", "object_type_id": "1"}}),
        ({"traits": {"objectTypeId": "2"}},
         {"identifiers": {"object_id": "g1", "object_type_id": "2"}}),
        ({"traits": {"object_type_id": 3, "objectTypeId": "2"}},
         {"identifiers": {"object_id": "g1", "object_type_id": "3"}}),
        ({"traits": {"createdAt": "2026-01-02"}}, {"created_at": SECONDS}),
        ({"traits": {"created_at": "2026-01-02", "createdAt": "2020-01-01"}},
         {"created_at": SECONDS}),
        ({"traits": {"created_at": "long ago"}}, {"created_at": "long ago"}),
        ({"traits": {"plan": "pro", "objectAttributes": {"name": "Acme", "on": "2026-01-02"}}},
         {"attributes": {"name": "Acme", "on": SECONDS}}),
        ({"traits": {"objectAttributes": {"object_type_id": "2", "objectTypeId": "3", "n": 1,
                                          "relationshipAttributes": {"a": 1}}}},
         {"attributes": {"n": 1}}),
        ({"userId": "u1", "traits": {"relationshipAttributes": {"on": "2026-01-02"}}},
         {"cio_relationships": [{**U1[0], "relationship_attributes": {"on": SECONDS}}]}),
        ({"traits": {"relationshipAttributes": {"role": "admin"}}}, {}),
        ({"traits": {"objectAttributes": {}}}, {"attributes": {}}),
    ],
)  # fmt: skip
async def test_an_object(
    answers: aioresponses, members: dict[str, Any], body: dict[str, Any]
) -> None:
    """Its type is "1" unless it says otherwise; whoever sent it belongs to it."""
    event = {"type": "group", "groupId": "g1", **members}
    delivery, requests = await delivered(answers, "createUpdateObject", event)
    assert delivery.ok, delivery.reason
    assert requests == [("POST", ENTITY, {**BODY, **body})]


async def test_dates_stay_texts_when_that_is_wanted(answers: aioresponses) -> None:
    """With ``convert_timestamp`` off no date of the object or the relationship is converted."""
    answers.post(ENTITY, payload={})
    traits = {
        "created_at": "2026-01-02",
        "objectAttributes": {"on": "2026-01-02"},
        "relationshipAttributes": {"on": "2026-01-02"},
    }
    event = {"type": "group", "groupId": "g1", "userId": "u1", "traits": traits}
    async with dc.Engine([connection(unconverted("createUpdateObject"))]) as engine:
        (delivery,) = await engine.send(event)
    assert delivery.ok, delivery.reason
    assert sent(answers)[0][2] == {
        **BODY,
        "created_at": "2026-01-02",
        "attributes": {"on": "2026-01-02"},
        "cio_relationships": [{**U1[0], "relationship_attributes": {"on": "2026-01-02"}}],
    }


@pytest.mark.parametrize(
    ("action", "event", "key"),
    [
        ("createUpdateObject", {"type": "group", "userId": "u1"}, "id"),
        ("createUpdateObject", {"type": "group", "userId": "u1", "groupId": ""}, "id"),
        ("deleteObject", {"type": "track", "userId": "u1", "properties": {}}, "object_id"),
        ("deleteRelationship", {"type": "track", "userId": "u1"}, "object_id"),
        ("deleteRelationship", {"type": "track", "properties": {"objectId": "g1"}}, "person_id"),
    ],
)
async def test_what_an_object_needs(
    answers: aioresponses, action: str, event: dict[str, Any], key: str
) -> None:
    """Without its id, or without the person of a relationship, nothing is sent."""
    delivery, requests = await delivered(answers, action, event)
    assert (delivery.status, requests) == ("rejected", [])
    assert f"'{key}'" in delivery.reason


@pytest.mark.parametrize(
    ("properties", "type_id"),
    [
        ({}, "1"),
        ({"objectTypeId": "2"}, "2"),
        ({"object_type_id": 3, "objectTypeId": "2"}, "3"),
    ],
)
async def test_what_is_over(
    answers: aioresponses, properties: dict[str, Any], type_id: str
) -> None:
    """Objects and relationships that go are named by the object's id and type."""
    event = {"type": "track", "userId": "u1", "properties": {"objectId": "g1", **properties}}
    common = {"type": "object", "identifiers": {"object_id": "g1", "object_type_id": type_id}}
    _, requests = await delivered(answers, "deleteObject", event)
    assert requests == [("POST", ENTITY, {**common, "action": "delete"})]
    answers.requests.clear()
    _, requests = await delivered(answers, "deleteRelationship", event)
    body = {**common, "action": "delete_relationships", "cio_relationships": U1}
    assert requests == [("POST", ENTITY, body)]


async def test_an_anonymous_id_goes_with_a_relationship(answers: aioresponses) -> None:
    """As an attribute, beside the known person."""
    event = {"type": "track", "userId": "u1", "anonymousId": "a1", "properties": {"objectId": "g1"}}
    _, requests = await delivered(answers, "deleteRelationship", event)
    assert requests[0][2]["attributes"] == {"anonymous_id": "a1"}
    assert requests[0][2]["cio_relationships"] == U1
