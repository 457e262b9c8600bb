"""Whatever is sent, the simulator answers; what it accepts, it can apply."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from destination_customerio.simulator.rules import ACTIONS, Rules
from destination_customerio.simulator.track import Account, Call, Track
from plugins.customerio.tests.track_client import basic

JUNK: list[Any] = [None, True, -1, 2.5, "", "x", [], {}, ["x"], [{}], {"id": {}}, {"": None}]
TIES: list[Any] = [
    [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}],
    [{"identifiers": {"id": "1"}, "relationship_attributes": {"role": "x", "gone": None}}],
    [{"identifiers": {"anonymous_id": "anon-1"}}],
    {"action": "add_relationships", "relationships": []},
]
PEOPLE: list[Any] = [
    {"id": "1"},
    {"id": 2},
    {"email": "Ann@example.com"},
    {"phone": "+12025550100"},
    {"cio_id": "000000000001"},
    {"anonymous_id": "anon-1"},
    {"object_type_id": 1, "object_id": "acme"},
    {"cio_object_id": "obb000000001"},
]
ATTRIBUTES: list[Any] = [
    {"plan": "pro", "gone": None},
    {"email": "ann@example.com", "id": "1", "anonymous_id": "anon-1"},
    {"_update": True, "cio_subscription_preferences.topics.topic_1": True},
    {"cio_subscription_preferences": 7},
    {"device_token": "t"},
]
FIELDS: dict[str, list[Any]] = {
    "identifiers": PEOPLE,
    "primary": PEOPLE,
    "secondary": PEOPLE,
    "attributes": ATTRIBUTES,
    "data": ATTRIBUTES,
    "cio_relationships": TIES,
    "device": [{"token": "t", "id": "t", "platform": "ios", "last_used": 1}],
    "name": ["bought", "opened"],
    "timestamp": [1_700_000_000, "1700000000.5"],
    "id": ["01BX5ZZKBKACTAV9WEVGEMMVRY", "1"],
    "anonymous_id": ["anon-1"],
    "delivery_id": ["d"],
    "metric": ["opened"],
}
BODIES = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([*fit * 3, *JUNK]) for name, fit in FIELDS.items()}
)
KINDS = st.sampled_from([(kind, one) for kind in sorted(ACTIONS) for one in sorted(ACTIONS[kind])])
ENTITIES = st.builds(lambda body, kind: body | {"type": kind[0], "action": kind[1]}, BODIES, KINDS)
PATHS = st.sampled_from(
    [
        ("PUT", "/api/v1/customers/ann"),
        ("POST", "/api/v1/customers/ann/events"),
        ("PUT", "/api/v1/customers/ann/devices"),
        ("POST", "/api/v1/events"),
        ("POST", "/api/v1/merge_customers"),
        ("POST", "/api/v1/metrics"),
        ("POST", "/api/v2/entity"),
        ("POST", "/api/v2/batch"),
    ]
)


def track() -> Track:
    """Return an API without sockets, with an empty workspace."""
    return Track(Account("site", "key", "us", ""), Rules(), lambda: 1_800_000_000.0)


def call(method: str, path: str, body: bytes) -> Call:
    """Return a call with the right credentials."""
    return Call(method, path, basic("site", "key"), body)


@given(st.lists(ENTITIES, min_size=1, max_size=8))
def test_batches_are_settled_item_by_item(entities: list[dict[str, Any]]) -> None:
    """A batch is 200 or 207, each listed index is one of its items, and the state can be read."""
    api = track()
    answer = api.answer(call("POST", "/api/v2/batch", orjson.dumps({"batch": entities})))
    assert answer.status in {200, 207}
    errors = orjson.loads(answer.body).get("errors", [])
    assert bool(errors) == (answer.status == 207)
    assert {error["batch_index"] for error in errors} <= set(range(len(entities)))
    assert orjson.dumps(api.state.as_json())


@given(ENTITIES)
def test_an_entity_fares_the_same_alone_and_in_a_batch(entity: dict[str, Any]) -> None:
    """The errors of an entity are those of the same item of a batch, without the index."""
    alone = track().answer(call("POST", "/api/v2/entity", orjson.dumps(entity)))
    batch = track().answer(call("POST", "/api/v2/batch", orjson.dumps({"batch": [entity]})))
    listed = orjson.loads(batch.body).get("errors", [])
    for error in listed:
        assert error.pop("batch_index") == 0
    assert orjson.loads(alone.body).get("errors", []) == listed


@given(PATHS, BODIES | st.sampled_from(JUNK))
def test_every_body_is_answered(where: tuple[str, str], body: Any) -> None:
    """Any JSON to any call is accepted or refused, never an error of the simulator."""
    assert track().answer(call(*where, orjson.dumps(body))).status in {200, 207, 400}


@given(PATHS, st.binary(max_size=64))
def test_every_rubbish_is_answered(where: tuple[str, str], body: bytes) -> None:
    """Bytes that are no JSON are refused."""
    assert track().answer(call(*where, body)).status in {200, 400}
