"""The simulator as a server: access, regions, throttling, faults, control."""

import asyncio

import aiohttp
import pytest

from destination_customerio.simulator import Fault, Rules, Simulator
from plugins.customerio.tests.track_client import Clock, TrackClient, basic, track_api

EVENT = {"type": "person", "identifiers": {"id": "42"}, "action": "event", "name": "bought"}


def item(number: int) -> dict[str, object]:
    """Return an event of a person of their own."""
    return EVENT | {"identifiers": {"id": str(number)}}


# Access


async def test_accepted_requests_get_an_empty_object(track: TrackClient) -> None:
    """A request that is accepted is answered 200 and an empty JSON object."""
    status, headers, body = await track.exchange("POST", "/api/v2/entity", EVENT)
    assert (status, body) == (200, {})
    assert headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    "authorization", ["Bearer x", "Basic ???", basic("site", "wrong"), "Basic"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v2/entity"),
        ("POST", "/api/v2/batch"),
        ("PUT", "/api/v1/customers/1"),
        ("GET", "/api/v1/accounts/region"),
        ("GET", "/auth"),
    ],
)
async def test_wrong_credentials(
    track: TrackClient, authorization: str, method: str, path: str
) -> None:
    """Every call but metrics needs the Site ID and the API Key of the account."""
    status, _ = await track.call(method, path, EVENT, authorization=authorization)
    assert status == 401
    assert track.simulator.state.people == []


async def test_missing_credentials(track: TrackClient) -> None:
    """A request without an Authorization header is refused."""
    assert (await track.call("POST", "/api/v2/entity", EVENT, authorization=""))[0] == 401


async def test_url_safe_base64_is_read() -> None:
    """The Go client's URL-safe Base64 is admitted."""
    async with track_api(site_id="site??>", api_key="key~~~") as track:
        urlsafe = track.authorization.replace("+", "-").replace("/", "_")
        assert urlsafe != track.authorization
        assert (await track.call("GET", "/auth", authorization=urlsafe))[0] == 200


async def test_unknown_paths(track: TrackClient) -> None:
    """A path or a method that the API does not have is 404."""
    for method, path in [
        ("GET", "/api/v2/entity"),
        ("PUT", "/api/v2/batch"),
        ("POST", "/api/v3/entity"),
        ("DELETE", "/api/v1/customers/"),
        ("DELETE", "/api/v1/customers/a/b"),
        ("POST", "/api/v1/nothing"),
    ]:
        assert (await track.call(method, path, {}))[0] == 404, (method, path)


async def test_credentials_are_made_up() -> None:
    """Without credentials given, each simulator has its own."""
    one, other = Simulator(), Simulator()
    assert one.site_id != other.site_id
    assert one.api_key != other.api_key


# Regions


@pytest.mark.parametrize("region", ["us", "eu"])
async def test_region_of_the_account(region: str) -> None:
    """Either host tells the account's region and the URL of its host."""
    async with track_api(region=region) as track:
        expected = {"url": track.simulator.url, "region": region, "environment_id": 1}
        for host in (track.simulator.url, track.simulator.other_region_url):
            assert (200, expected) == await track.call("GET", "/api/v1/accounts/region", host=host)
            assert (await track.call("GET", "/auth", host=host))[0] == 200


async def test_other_region_redirects(track: TrackClient) -> None:
    """The other region's host sends data calls to the account's own and keeps nothing."""
    host = track.simulator.other_region_url
    status, headers, body = await track.exchange("POST", "/api/v2/entity", EVENT, host=host)
    assert status == 301
    assert f"{track.simulator.url}/api/v2/entity" == headers["Location"]
    assert body == {"errors": [{"detail": "wrong datacenter", "status": "301"}]}
    assert track.simulator.state.people == []


async def test_other_region_can_refuse() -> None:
    """The other region's host can refuse instead: a US account on the EU host."""
    async with track_api(rules=Rules(wrong_region_status=401)) as track:
        host = track.simulator.other_region_url
        status, headers, _ = await track.exchange("POST", "/api/v2/batch", {}, host=host)
        assert status == 401
        assert "Location" not in headers


# Throttling


async def test_throttling_counts_requests_by_the_second() -> None:
    """Requests over the rate are answered 429 until the next second; a batch is one request."""
    clock = Clock()
    rules = Rules(requests_per_second=2, throttle_retry_after="1")
    async with track_api(rules=rules, clock=clock) as track:
        assert (await track.batch(item(1), item(2), item(3)))[0] == 200
        assert (await track.entity(**EVENT))[0] == 200
        status, headers, body = await track.exchange("POST", "/api/v2/entity", EVENT)
        assert status == 429
        assert headers["Retry-After"] == "1"
        assert body["errors"][0]["reason"] == "throttled"
        clock.now += 1
        assert (await track.entity(**EVENT))[0] == 200


async def test_throttling_promises_no_retry_after() -> None:
    """By default a 429 has no Retry-After, as documented nowhere."""
    async with track_api(rules=Rules(requests_per_second=0)) as track:
        status, headers, _ = await track.exchange("POST", "/api/v2/entity", EVENT)
        assert status == 429
        assert "Retry-After" not in headers


# Faults


async def test_fault_answers_its_status_so_many_times(track: TrackClient) -> None:
    """A fault with a status answers with its headers and body, so many times, applying nothing."""
    track.simulator.faults.add(
        Fault(status=503, headers={"Retry-After": "7"}, body={"errors": []}, times=2)
    )
    for _ in range(2):
        status, headers, body = await track.exchange("POST", "/api/v2/entity", EVENT)
        assert (status, headers["Retry-After"], body) == (503, "7", {"errors": []})
    assert track.simulator.state.people == []
    assert (await track.entity(**EVENT))[0] == 200


async def test_fault_concerns_its_method_and_path(track: TrackClient) -> None:
    """Requests of another method or path do not run into a fault."""
    track.simulator.faults.add(
        Fault(status=500, path="/api/v2/batch"), Fault(status=502, method="PUT")
    )
    assert (await track.entity(**EVENT))[0] == 200
    assert (
        await track.call(
            "POST",
            "/api/v2/batch",
            {"batch": [EVENT]},
        )
    )[0] == 500
    assert (await track.call("PUT", "/api/v1/customers/1", {}))[0] == 502


async def test_fault_hits_a_share_of_requests() -> None:
    """A share of requests is hit, the same ones for the same seed."""
    hits = []
    for _ in range(2):
        async with track_api(seed=3) as track:
            track.simulator.faults.add(Fault(status=500, body="{}", share=0.5, times=None))
            hits.append([(await track.entity(**EVENT))[0] for _ in range(20)])
    assert hits[0] == hits[1]
    assert {200, 500} == set(hits[0])


async def test_fault_cuts_the_connection(track: TrackClient) -> None:
    """A reset closes the connection without an answer; nothing is applied."""
    track.simulator.faults.add(Fault(reset=True))
    with pytest.raises(aiohttp.ClientConnectionError):
        await track.entity(**EVENT)
    assert track.simulator.state.people == []


async def test_fault_loses_the_answer_of_an_applied_request(track: TrackClient) -> None:
    """With ``applied`` the request takes effect although its sender is never told."""
    track.simulator.faults.add(Fault(reset=True, applied=True))
    with pytest.raises(aiohttp.ClientConnectionError):
        await track.entity(**EVENT)
    assert [event.name for event in track.simulator.state.events] == ["bought"]


async def test_fault_delays(track: TrackClient) -> None:
    """A delayed request is answered as usual, after others that are not."""
    track.simulator.faults.add(Fault(delay=0.3, path="/api/v2/batch"))
    delayed = asyncio.create_task(track.batch(EVENT))
    assert (await track.entity(**EVENT))[0] == 200
    assert not delayed.done()
    assert await delayed == (200, {})


async def test_fault_refuses_items_of_a_batch(track: TrackClient) -> None:
    """A partial answer lists the given indexes; the other items are accepted."""
    track.simulator.faults.add(Fault(refuse=(0, 2)))
    status, body = await track.batch(item(0), item(1), item(2), EVENT | {"name": ""})
    assert status == 207
    assert [error["batch_index"] for error in body["errors"]] == [0, 2, 3]
    assert [person.identifiers["id"] for person in track.simulator.state.people] == ["1"]


async def test_fault_malforms_a_partial_answer(track: TrackClient) -> None:
    """A text is sent as it is, so a 207 can be unreadable."""
    track.simulator.faults.add(Fault(status=207, body='{"errors": [', applied=True))
    with pytest.raises(ValueError, match="unexpected end of data"):
        await track.batch(item(0))
    assert len(track.simulator.state.events) == 1


# Control over HTTP


async def test_faults_over_http(track: TrackClient) -> None:
    """Faults are added, listed and cleared over HTTP, without credentials."""
    path = "/_simulator/faults"
    faults = [{"status": 500, "body": "{}", "times": 3}, {"delay": 0.001, "refuse": [1]}]
    status, listed = await track.call("POST", path, faults, authorization="")
    assert status == 200
    assert [fault["times"] for fault in listed] == [3, 1]
    assert (await track.entity(**EVENT))[0] == 500
    assert [fault["times"] for fault in (await track.call("GET", path))[1]] == [2, 1]
    assert (await track.call("DELETE", path))[0] == 200
    assert await track.call("GET", path) == (200, [])
    assert (await track.call("POST", path, {"status": 500}))[0] == 200
    assert len(track.simulator.faults) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"statsu": 500}, "'statsu' is unknown"),
        ({"status": "many"}, "status"),
        (7, "must be an object"),
        (b"{", "unexpected end"),
    ],
)
async def test_wrong_faults_over_http(track: TrackClient, fault: object, message: str) -> None:
    """A fault that cannot be understood is 400 and says why."""
    status, body = await track.call("POST", "/_simulator/faults", fault)
    assert status == 400
    assert message in body["error"]
    assert not track.simulator.faults


async def test_state_over_http(track: TrackClient) -> None:
    """The state and its counts can be asked for over HTTP."""
    await track.person("42", "identify", attributes={"plan": "pro"})
    await track.entity(**EVENT)
    status, state = await track.call("GET", "/_simulator/state", authorization="")
    assert status == 200
    assert state["people"][0]["identifiers"] == {"id": "42"}
    assert state["people"][0]["attributes"] == {"plan": "pro"}
    assert [event["name"] for event in state["events"]] == ["bought"]
    assert state["counts"] == (await track.call("GET", "/_simulator/counts"))[1]
    assert state["counts"]["people"] == 1


async def test_reset_over_http(track: TrackClient) -> None:
    """A reset empties the workspace and the script."""
    await track.entity(**EVENT)
    track.simulator.faults.add(Fault(status=500))
    assert (await track.call("POST", "/_simulator/reset"))[0] == 200
    assert track.simulator.state.people == []
    assert (await track.entity(**EVENT))[0] == 200


async def test_unknown_control_path(track: TrackClient) -> None:
    """An unknown control path says which there are."""
    status, body = await track.call("GET", "/_simulator/nothing")
    assert status == 404
    assert "GET state" in body["error"]


# What a test asks for


async def test_calls_are_recorded(track: TrackClient) -> None:
    """The last calls are kept as they came in, with the raw path."""
    await track.call("PUT", "/api/v1/customers/a%2Fb?x=1", {"plan": "pro"})
    call = track.simulator.calls[-1]
    assert (
        call.method,
        call.path,
        call.body,
    ) == ("PUT", "/api/v1/customers/a%2Fb", b'{"plan":"pro"}')
    assert track.simulator.state.people[0].identifiers["id"] == "a/b"


async def test_without_state() -> None:
    """Without state, requests are checked and counted and leave no trace."""
    async with track_api(keep_state=False, record=0) as track:
        assert (await track.entity(**EVENT))[0] == 200
        assert (await track.entity(**EVENT | {"name": ""}))[0] == 400
        assert track.simulator.answered == 2
        assert track.simulator.state.people == []


async def test_listens_on_loopback_only(track: TrackClient) -> None:
    """Both hosts are on 127.0.0.1."""
    for url in (track.simulator.url, track.simulator.other_region_url):
        assert url.startswith("http://127.0.0.1:")
