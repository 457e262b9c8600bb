"""The v1 calls: paths, bodies, messages and effects."""

from typing import Any

import pytest

from plugins.customerio.tests.track_client import TrackClient

ANN = "/api/v1/customers/ann"


async def ok(track: TrackClient, method: str, path: str, body: Any = None) -> None:
    """Make a call that must be accepted."""
    assert await track.call(method, path, body) == (200, {})


async def test_identify(track: TrackClient) -> None:
    """PUT adds or updates the person in the path; ``_timestamp`` orders updates."""
    await ok(track, "PUT", ANN, {"email": "ann@example.com", "plan": "new", "_timestamp": 2_000})
    await ok(track, "PUT", ANN, {"plan": "old", "_timestamp": 1_000})
    (person,) = track.simulator.state.people
    assert person.identifiers == {"id": "ann", "email": "ann@example.com"}
    assert person.attributes == {"plan": "new"}


@pytest.mark.parametrize(
    ("segment", "identifiers"),
    [
        ("42", {"id": "42"}),
        ("a%2Fb%20c", {"id": "a/b c"}),
        ("ann%40example.com", {"email": "ann@example.com"}),
        ("ann@example.com", {"email": "ann@example.com"}),
        ("%2B12025550100", {"id": "+12025550100"}),
    ],
)
async def test_kind_of_identifier_in_the_path(
    track: TrackClient, segment: str, identifiers: dict[str, str]
) -> None:
    """The kind is guessed from the shape of the decoded segment; a phone number is an ID."""
    await ok(track, "PUT", f"/api/v1/customers/{segment}", {})
    assert identifiers == track.simulator.state.people[0].identifiers


async def test_cio_id_in_the_path(track: TrackClient) -> None:
    """A ``cio_`` prefix in the path names a person by ``cio_id``."""
    await ok(track, "PUT", ANN, {})
    cio_id = track.simulator.state.people[0].cio_id
    await ok(track, "PUT", f"/api/v1/customers/cio_{cio_id}", {"id": "bo"})
    assert track.simulator.state.people[0].identifiers == {"id": "bo"}


async def test_relationships(track: TrackClient) -> None:
    """Identify adds and deletes relationships through its own shape of them."""
    acme = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}]
    for action, expected in (("add_relationships", 1), ("delete_relationships", 0)):
        body = {"cio_relationships": {"action": action, "relationships": acme}}
        await ok(track, "PUT", ANN, body)
        assert expected == len(track.simulator.state.relationships)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "attributes must be a hash"),
        ({f"a{n}": n for n in range(301)}, "cannot identify more than 300 attributes"),
        ({"x" * 151: 1}, "attribute name cannot be longer than 150 bytes"),
        ({"bio": "x" * 1001}, "value for attribute 'bio' cannot be longer than 1000 bytes"),
        ({"email": "nobody"}, "email must be a valid email address"),
        ({"_timestamp": "noon"}, "_timestamp must be a Unix timestamp"),
        ({"cio_relationships": []}, "cio_relationships must be a hash"),
        ({"cio_relationships": {"action": "add_relationships"}}, "is required"),
    ],
)
async def test_refused_identify(track: TrackClient, body: Any, message: str) -> None:
    """What identify refuses is 400 with one error, in the documented words."""
    status, answered = await track.call("PUT", ANN, body)
    assert status == 400
    assert message in answered["meta"]["error"]
    assert track.simulator.state.people == []


async def test_long_id(track: TrackClient) -> None:
    """An ID of more than 150 bytes is refused."""
    status, body = await track.call("PUT", f"/api/v1/customers/{'x' * 151}", {})
    assert status == 400
    assert "150 bytes" in body["meta"]["error"]


async def test_delete(track: TrackClient) -> None:
    """DELETE removes the person."""
    await ok(track, "PUT", ANN, {})
    await ok(track, "DELETE", ANN)
    assert track.simulator.state.people == []


async def test_events(track: TrackClient) -> None:
    """An event is kept with its type, data, ID and time; an unknown type is an event."""
    path = f"{ANN}/events"
    await ok(track, "POST", path, {"name": "bought", "data": {"n": 1}, "timestamp": 5, "id": "a"})
    await ok(track, "POST", path, {"name": "bought", "id": "a"})
    await ok(track, "POST", path, {"name": "/pricing", "type": "page"})
    await ok(track, "POST", path, {"name": "Home", "type": "screen"})
    await ok(track, "POST", path, {"name": "danced", "type": "dance"})
    events = track.simulator.state.events
    assert [event.kind for event in events] == ["event", "page", "screen", "event"]
    assert (events[0].attributes, events[0].timestamp) == ({"n": 1}, 5)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "event must be a hash"),
        ({}, "event name must not be blank"),
        ({"name": "  "}, "event name must not be blank"),
        ({"name": "ä" * 51}, "event name cannot be longer than 100 bytes"),
        ({"name": "x", "data": []}, "event data must be a hash"),
        ({"name": "x", "data": {"y": "z" * 100_000}}, "event data cannot be longer than 100000"),
        ({"name": "x", "timestamp": 1_700_000_000_000}, "timestamp must be"),
        ({"name": "x", "id": 7}, "id must be a string"),
    ],
)
@pytest.mark.parametrize("path", [f"{ANN}/events", "/api/v1/events"])
async def test_refused_events(track: TrackClient, path: str, body: Any, message: str) -> None:
    """What an event call refuses is 400 with a list of errors, in the documented words."""
    status, answered = await track.call("POST", path, body)
    assert status == 400
    assert message in answered["meta"]["errors"][0]


async def test_anonymous_events(track: TrackClient) -> None:
    """Anonymous events wait for their person; without an ID they never get one."""
    path = "/api/v1/events"
    await ok(track, "POST", path, {"name": "viewed", "anonymous_id": "anon-1"})
    await ok(track, "POST", path, {"name": "invited", "anonymous_id": ""})
    await ok(track, "POST", path, {"name": "invited"})
    await ok(track, "PUT", ANN, {"anonymous_id": "anon-1"})
    state = track.simulator.state
    assert [event.name for event in state.events] == ["viewed"]
    assert [event.anonymous_id for event in state.anonymous_events] == [None, None]


async def test_wrong_anonymous_id(track: TrackClient) -> None:
    """An anonymous ID must be a string or a number."""
    body = {"name": "viewed", "anonymous_id": ["anon-1"]}
    status, answered = await track.call("POST", "/api/v1/events", body)
    assert (
        status,
        answered["meta"]["errors"],
    ) == (400, ["anonymous_id must be a string or a number"])


async def test_devices(track: TrackClient) -> None:
    """A device's token is its ``id`` in v1; the path of a delete is decoded."""
    await ok(track, "PUT", f"{ANN}/devices", {"device": {"id": "t/1", "platform": "ios"}})
    assert [device.token for device in track.simulator.state.devices] == ["t/1"]
    await ok(track, "DELETE", f"{ANN}/devices/t%2F1")
    assert track.simulator.state.devices == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "device must be a hash"),
        ({"device": {"platform": "ios"}}, "device.id Id is required"),
        ({"device": {"id": "t"}}, "device.platform Platform is required"),
        ({"device": {"id": "t", "platform": "toaster"}}, "must be one of android, ios"),
    ],
)
async def test_refused_devices(track: TrackClient, body: Any, message: str) -> None:
    """What the device call refuses is 400 with a list of errors."""
    status, answered = await track.call("PUT", f"{ANN}/devices", body)
    assert status == 400
    assert message in answered["meta"]["errors"][0]


async def test_suppress_and_unsuppress(track: TrackClient) -> None:
    """Suppressing deletes and blocks, unsuppressing allows again."""
    await ok(track, "PUT", ANN, {})
    await ok(track, "POST", f"{ANN}/suppress")
    await ok(track, "PUT", ANN, {})
    assert track.simulator.state.people == []
    await ok(track, "POST", f"{ANN}/unsuppress")
    await ok(track, "PUT", ANN, {})
    assert len(track.simulator.state.people) == 1


async def test_merge(track: TrackClient) -> None:
    """Two people become one."""
    await ok(track, "PUT", ANN, {"plan": "pro"})
    await ok(track, "PUT", "/api/v1/customers/bo", {"city": "Springfield"})
    sides = {"primary": {"id": "ann"}, "secondary": {"id": "bo"}}
    await ok(track, "POST", "/api/v1/merge_customers", sides)
    assert [person.attributes for person in track.simulator.state.people] == [
        {"plan": "pro", "city": "Springfield"}
    ]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"primary": {"id": "1"}},
        {"primary": {"id": "1", "email": "a@example.com"}, "secondary": {"id": "2"}},
        {"primary": {"id": "1"}, "secondary": {"phone": "+12025550100"}},
    ],
)
async def test_refused_merges(track: TrackClient, body: Any) -> None:
    """A merge needs one identifier on each side; the answer holds one error."""
    status, answered = await track.call("POST", "/api/v1/merge_customers", body)
    assert status == 400
    assert isinstance(answered["meta"]["error"], str)


async def test_metrics_need_no_credentials(track: TrackClient) -> None:
    """A metric is accepted from anybody and kept with its details."""
    body = {"delivery_id": "d", "metric": "bounced", "timestamp": 5, "reason": "full"}
    status, _ = await track.call("POST", "/api/v1/metrics", body, authorization="")
    assert status == 200
    (report,) = track.simulator.state.deliveries
    assert (
        report.delivery_id,
        report.metric,
        report.timestamp,
        report.details,
    ) == ("d", "bounced", 5, {"reason": "full"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "metric must be a hash"),
        ({"metric": "opened"}, "delivery_id must be present"),
        ({"delivery_id": "d", "metric": "danced"}, "metric must be one of"),
        ({"delivery_id": "d", "metric": "opened", "timestamp": "noon"}, "timestamp must be"),
    ],
)
async def test_refused_metrics(track: TrackClient, body: Any, message: str) -> None:
    """A metric needs a delivery and a known name."""
    status, answered = await track.call("POST", "/api/v1/metrics", body)
    assert status == 400
    assert message in answered["meta"]["errors"][0]


async def test_malformed_body(track: TrackClient) -> None:
    """A body that is not JSON is 400."""
    assert (await track.call("PUT", ANN, b"{"))[0] == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/customers/ann"),
        ("POST", "/api/v1/customers/ann"),
        ("POST", "/api/v1/customers/ann/dance"),
        ("PUT", "/api/v1/customers//devices"),
        ("DELETE", "/api/v1/customers/ann/devices/"),
    ],
)
async def test_unknown_calls(track: TrackClient, method: str, path: str) -> None:
    """A call that is not in the API is 404."""
    assert (await track.call(method, path, {}))[0] == 404
