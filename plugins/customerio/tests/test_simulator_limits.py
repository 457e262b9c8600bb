"""The documented limits and shapes of v2, each refused with its documented answer."""

from typing import Any

import pytest

from destination_customerio.simulator import Rules
from plugins.customerio.tests.track_client import TrackClient, track_api

PERSON = {"type": "person", "identifiers": {"id": "42"}}
OBJECT = {"type": "object", "identifiers": {"object_type_id": "1", "object_id": "acme"}}
DEVICE = {"token": "tok", "platform": "ios"}
EVENT = PERSON | {"action": "event", "name": "bought"}
IDENTIFY = PERSON | {"action": "identify"}
DELIVERY = {
    "type": "delivery",
    "action": "event",
    "identifiers": {"id": "dlv"},
    "name": "opened",
    "attributes": {"device_token": "tok"},
}
RELATED = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}]
MERGE = {"type": "person", "action": "merge", "primary": {"id": "1"}, "secondary": {"id": "2"}}

ACCEPTED: list[dict[str, Any]] = [
    IDENTIFY,
    IDENTIFY | {"attributes": {"plan": "pro", "n": 1, "gone": None}, "timestamp": 1_700_000_000},
    IDENTIFY | {"attributes": {f"a{n}": n for n in range(300)}},
    IDENTIFY | {"attributes": {"x" * 150: "ä" * 500}},
    IDENTIFY | {"cio_relationships": RELATED},
    IDENTIFY | {"identifiers": {"id": 42}},
    IDENTIFY | {"identifiers": {"id": "x" * 150}},
    IDENTIFY | {"identifiers": {"email": "ann@example.com"}},
    IDENTIFY | {"identifiers": {"phone": "+12025550100"}},
    EVENT,
    EVENT | {"name": "x" * 100},
    EVENT | {"name": "  " + "x" * 100 + "  "},
    EVENT | {"action": "page", "name": "/pricing"},
    EVENT | {"action": "screen", "name": "Home"},
    EVENT | {"identifiers": {"anonymous_id": "anon-1"}},
    EVENT | {"action": "viewed_content", "identifiers": {"anonymous_id": "anon-1"}},
    EVENT | {"action": "clicked_content"},
    EVENT | {"timestamp": "1700000000.5"},
    EVENT | {"id": "01BX5ZZKBKACTAV9WEVGEMMVRY"},
    EVENT | {"id": "not-a-ulid"},
    EVENT | {"attributes": {"note": "x" * 5_000}},
    PERSON | {"action": "delete"},
    PERSON | {"action": "suppress"},
    PERSON | {"action": "unsuppress"},
    PERSON | {"action": "add_device", "device": DEVICE | {"last_used": 1}},
    PERSON | {"action": "delete_device", "device": {"token": "tok"}},
    PERSON | {"action": "add_relationships", "cio_relationships": RELATED},
    PERSON | {"action": "delete_relationships", "cio_relationships": RELATED},
    MERGE,
    OBJECT | {"action": "identify", "attributes": {"name": "Acme"}},
    OBJECT | {"action": "identify", "cio_relationships": [{"identifiers": {"id": "42"}}]},
    OBJECT
    | {
        "action": "identify_anonymous",
        "cio_relationships": [{"identifiers": {"anonymous_id": "anon-1"}}],
    },
    OBJECT | {"action": "identify", "identifiers": {"cio_object_id": "obb1"}},
    OBJECT | {"action": "add_relationships", "cio_relationships": [{"identifiers": {"id": "1"}}]},
    OBJECT
    | {
        "action": "delete_relationships",
        "cio_relationships": [{"identifiers": {"email": "ann@example.com"}}],
    },
    OBJECT | {"action": "delete"},
    DELIVERY,
]

# Each entity with the field and the reason of its first error.
REFUSED: list[tuple[Any, str, str]] = [
    ([], "", "invalid"),
    ({}, "type", "required"),
    ({"type": "robot"}, "type", "invalid"),
    ({"type": ["person"]}, "type", "invalid"),
    (PERSON, "action", "required"),
    (PERSON | {"action": "dance"}, "action", "invalid"),
    (PERSON | {"action": 7}, "action", "invalid"),
    # the action matrix
    (OBJECT | {"action": "event", "name": "x"}, "action", "invalid"),
    (OBJECT | {"action": "add_device"}, "action", "invalid"),
    (PERSON | {"action": "identify_anonymous"}, "action", "invalid"),
    (DELIVERY | {"action": "identify"}, "action", "invalid"),
    # exactly one identifier
    ({"type": "person", "action": "identify"}, "identifiers", "required"),
    (IDENTIFY | {"identifiers": "42"}, "identifiers", "invalid"),
    (IDENTIFY | {"identifiers": {}}, "identifiers", "invalid"),
    (IDENTIFY | {"identifiers": {"id": "1", "email": "a@example.com"}}, "identifiers", "invalid"),
    (IDENTIFY | {"identifiers": {"user": "1"}}, "identifiers", "invalid"),
    (IDENTIFY | {"identifiers": {"anonymous_id": "1"}}, "identifiers", "invalid"),
    (IDENTIFY | {"identifiers": {"id": None}}, "identifiers.id", "invalid"),
    (IDENTIFY | {"identifiers": {"id": True}}, "identifiers.id", "invalid"),
    (IDENTIFY | {"identifiers": {"id": ""}}, "identifiers.id", "required"),
    (IDENTIFY | {"identifiers": {"id": "x" * 151}}, "identifiers.id", "invalid"),
    (IDENTIFY | {"identifiers": {"id": "ä" * 76}}, "identifiers.id", "invalid"),
    (IDENTIFY | {"identifiers": {"email": "nobody"}}, "identifiers.email", "invalid"),
    (IDENTIFY | {"identifiers": {"phone": "0202555"}}, "identifiers.phone", "invalid"),
    # attributes
    (IDENTIFY | {"attributes": ["a"]}, "attributes", "invalid"),
    (IDENTIFY | {"attributes": {f"a{n}": n for n in range(301)}}, "attributes", "invalid"),
    (IDENTIFY | {"attributes": {"x" * 151: 1}}, f"attributes.{'x' * 151}", "invalid"),
    (IDENTIFY | {"attributes": {"bio": "x" * 1001}}, "attributes.bio", "invalid"),
    (IDENTIFY | {"attributes": {"bio": "ä" * 501}}, "attributes.bio", "invalid"),
    (IDENTIFY | {"attributes": {"list": ["x" * 999]}}, "attributes.list", "invalid"),
    (IDENTIFY | {"attributes": {"email": "nobody"}}, "attributes.email", "invalid"),
    (IDENTIFY | {"attributes": {"_relationship": 1}}, "attributes._relationship", "invalid"),
    (IDENTIFY | {"cio_relationships": {}}, "cio_relationships", "invalid"),
    (IDENTIFY | {"timestamp": "noon"}, "timestamp", "invalid"),
    # events
    (PERSON | {"action": "event"}, "name", "required"),
    (EVENT | {"name": "  "}, "name", "required"),
    (EVENT | {"name": 7}, "name", "invalid"),
    (EVENT | {"name": "x" * 101}, "name", "invalid"),
    (EVENT | {"name": "ä" * 51}, "name", "invalid"),
    (EVENT | {"action": "page", "name": "x" * 101}, "name", "invalid"),
    (EVENT | {"id": 7}, "id", "invalid"),
    (EVENT | {"timestamp": -1}, "timestamp", "invalid"),
    (EVENT | {"timestamp": 1_700_000_000_000}, "timestamp", "invalid"),
    (EVENT | {"timestamp": True}, "timestamp", "invalid"),
    (EVENT | {"attributes": "x"}, "attributes", "invalid"),
    # devices
    (PERSON | {"action": "add_device"}, "device", "required"),
    (PERSON | {"action": "add_device", "device": "tok"}, "device", "invalid"),
    (PERSON | {"action": "add_device", "device": {"platform": "ios"}}, "device.token", "required"),
    (
        PERSON | {"action": "add_device", "device": {"token": "tok"}},
        "device.platform",
        "required",
    ),
    (
        PERSON | {"action": "add_device", "device": DEVICE | {"platform": "toaster"}},
        "device.platform",
        "invalid",
    ),
    (
        PERSON | {"action": "add_device", "device": DEVICE | {"last_used": "noon"}},
        "device.last_used",
        "invalid",
    ),
    (PERSON | {"action": "delete_device"}, "device", "required"),
    (PERSON | {"action": "delete_device", "device": {}}, "device.token", "required"),
    # merges
    (MERGE | {"identifiers": {"id": "1"}}, "identifiers", "invalid"),
    ({"type": "person", "action": "merge", "primary": {"id": "1"}}, "secondary", "required"),
    (MERGE | {"primary": {"phone": "+12025550100"}}, "primary", "invalid"),
    (MERGE | {"primary": {"anonymous_id": "a"}}, "primary", "invalid"),
    (MERGE | {"primary": {"id": ["1"]}}, "primary.id", "invalid"),
    (MERGE | {"primary": {"id": "1", "email": "a@example.com"}}, "primary", "invalid"),
    # relationships
    (PERSON | {"action": "add_relationships"}, "cio_relationships", "required"),
    (
        PERSON | {"action": "add_relationships", "cio_relationships": ["acme"]},
        "cio_relationships[0]",
        "invalid",
    ),
    (
        PERSON | {"action": "add_relationships", "cio_relationships": [{}]},
        "cio_relationships[0].identifiers",
        "required",
    ),
    (
        OBJECT | {"action": "add_relationships", "cio_relationships": RELATED},
        "cio_relationships[0].identifiers",
        "invalid",
    ),
    (
        OBJECT
        | {
            "action": "identify_anonymous",
            "cio_relationships": [{"identifiers": {"id": "42"}}],
        },
        "cio_relationships[0].identifiers",
        "invalid",
    ),
    # objects
    ({"type": "object", "action": "identify"}, "identifiers", "required"),
    (
        OBJECT | {"action": "identify", "identifiers": {"object_id": "acme"}},
        "identifiers.object_type_id",
        "required",
    ),
    (
        OBJECT
        | {"action": "identify", "identifiers": {"object_type_id": "x", "object_id": "acme"}},
        "identifiers.object_type_id",
        "invalid",
    ),
    (
        OBJECT | {"action": "identify", "identifiers": {"object_type_id": "1"}},
        "identifiers.object_id",
        "required",
    ),
    (
        OBJECT
        | {"action": "identify", "identifiers": {"object_type_id": "1", "object_id": "x" * 151}},
        "identifiers.object_id",
        "invalid",
    ),
    (
        OBJECT | {"action": "identify", "identifiers": {"cio_object_id": "o", "object_id": "a"}},
        "identifiers",
        "invalid",
    ),
    (
        OBJECT | {"action": "identify", "attributes": {"relationship": 1}},
        "attributes.relationship",
        "invalid",
    ),
    # deliveries
    ({"type": "delivery", "action": "event"}, "identifiers", "required"),
    (DELIVERY | {"identifiers": {}}, "identifiers.id", "required"),
    (DELIVERY | {"name": None}, "name", "required"),
    (DELIVERY | {"name": "bounced"}, "name", "invalid"),
    (DELIVERY | {"attributes": None}, "attributes", "required"),
    (DELIVERY | {"attributes": {}}, "attributes.device_token", "required"),
]


@pytest.mark.parametrize("entity", ACCEPTED)
async def test_accepted(track: TrackClient, entity: dict[str, Any]) -> None:
    """What the documents allow is answered 200, alone and in a batch."""
    assert await track.call("POST", "/api/v2/entity", entity) == (200, {})
    assert await track.batch(entity, EVENT) == (200, {})


@pytest.mark.parametrize(("entity", "field", "reason"), REFUSED)
async def test_refused(track: TrackClient, entity: Any, field: str, reason: str) -> None:
    """What they forbid is 400 alone, and 207 with its index in a batch that goes on."""
    status, body = await track.call("POST", "/api/v2/entity", entity)
    assert status == 400
    assert {"reason", "field", "message"} == set(body["errors"][0])
    assert (field, reason) == (body["errors"][0]["field"], body["errors"][0]["reason"])
    status, body = await track.batch(EVENT, entity, EVENT)
    assert status == 207
    assert {1} == {error["batch_index"] for error in body["errors"]}
    assert (field, reason) == (body["errors"][0]["field"], body["errors"][0]["reason"])
    assert len(track.simulator.state.events) == 2


async def test_messages_seen_in_production(track: TrackClient) -> None:
    """The messages that are on record are given word for word."""
    _, body = await track.entity(**PERSON, action="event")
    assert body["errors"] == [
        {"reason": "required", "field": "name", "message": "Name is required"}
    ]
    _, body = await track.entity(**IDENTIFY, attributes={"delivery_suburb": "x" * 1001})
    assert body["errors"][0]["message"] == "property value cannot be longer than 1000 bytes"
    _, body = await track.entity(**MERGE | {"primary": {"id": {}}})
    assert body["errors"][0]["message"] == "must be a string or a number"


async def test_every_fault_of_an_item_is_listed(track: TrackClient) -> None:
    """Several errors of one item share its batch_index."""
    attributes = {"a": "x" * 1001, "b": "x" * 1001}
    _, body = await track.batch(IDENTIFY | {"attributes": attributes}, EVENT)
    assert [(error["batch_index"], error["field"]) for error in body["errors"]] == [
        (0, "attributes.a"),
        (0, "attributes.b"),
    ]


async def test_strict_ulids() -> None:
    """A workspace that insists on ULIDs refuses other deduplication IDs."""
    async with track_api(rules=Rules(ulid="strict")) as track:
        assert (await track.entity(**EVENT, id="01BX5ZZKBKACTAV9WEVGEMMVRY"))[0] == 200
        for wrong in ("8" + "Z" * 25, "01BX5ZZKBKACTAV9WEVGEMMVR", "ajs-next-1", "I" * 26):
            assert (await track.entity(**EVENT, id=wrong))[0] == 400


async def test_object_types_of_the_workspace() -> None:
    """An object's type must exist where the workspace lists its types."""
    async with track_api(rules=Rules(object_types=frozenset({"2"}))) as track:
        status, body = await track.entity(**OBJECT, action="identify")
        assert status == 400
        assert body["errors"][0]["message"] == "object type does not exist"


async def test_object_attributes_in_all(track: TrackClient) -> None:
    """The attributes of an object may not exceed 100,000 bytes in all."""
    rules = Rules(item_bytes=500_000)
    attributes = {f"a{n}": "x" * 990 for n in range(102)}
    async with track_api(rules=rules) as roomy:
        status, body = await roomy.entity(**OBJECT, action="identify", attributes=attributes)
        assert status == 400
        assert body["errors"][0]["field"] == "attributes"


def padded(size: int) -> dict[str, Any]:
    """Return an event whose JSON has exactly ``size`` bytes."""
    empty = b'{"type":"person","identifiers":{"id":"42"},"action":"event","name":"bought",'
    rest = len(empty) + len(b'"attributes":{"x":""}}')
    return EVENT | {"attributes": {"x": "x" * (size - rest)}}


async def test_item_limit(track: TrackClient) -> None:
    """An entity of 32,000 bytes is accepted, one more byte is 413; in a batch that is 207."""
    assert (await track.entity(**padded(32_000)))[0] == 200
    assert (await track.entity(**padded(32_001)))[0] == 413
    status, body = await track.batch(padded(32_000), padded(32_001))
    assert status == 207
    assert [error["batch_index"] for error in body["errors"]] == [1]


async def test_batch_limit(track: TrackClient) -> None:
    """A body of 500,000 bytes is accepted, one more byte is 413 as a whole."""
    envelope = len(b'{"batch":[]}')
    items = [padded(31_000)] * 16
    room = 500_000 - envelope - 16 * 31_001
    exact = [*items, padded(room)]
    assert (await track.batch(*exact))[0] == 200
    status, body = await track.batch(*items, padded(room + 1))
    assert status == 413
    assert "batch_index" not in body["errors"][0]
    assert len(track.simulator.state.events) == 17


async def test_oversize_can_be_400() -> None:
    """The undocumented status of an oversize body can be 400 as well."""
    async with track_api(rules=Rules(oversize_status=400)) as track:
        assert (await track.entity(**padded(32_001)))[0] == 400


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"NaN", [], {}, {"batch": []}, {"batch": 7}])
async def test_malformed_batches(track: TrackClient, body: Any) -> None:
    """A batch that cannot be read is 400 as a whole, with errors that have no index."""
    status, answered = await track.call("POST", "/api/v2/batch", body)
    assert status == 400
    assert "batch_index" not in answered["errors"][0]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"a":NaN}'])
async def test_malformed_entities(track: TrackClient, body: bytes) -> None:
    """An entity that is not JSON is 400."""
    assert (await track.call("POST", "/api/v2/entity", body))[0] == 400
