"""The ingest server over real sockets: what it answers, and that it never falls over."""

import asyncio
import base64
import gc
import gzip
import json
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from destination_core.errors import ConfigurationError
from destination_core.queue import Accepted, QueueFull
from destination_core.server import Server, Source, Sources, body

SOURCES = Sources([Source("web", ("wk-web", "wk-web-new")), Source("ios", ("wk-ios",))])
EVENT = {"event": "e", "userId": "u"}
TRACK = {**EVENT, "type": "track"}


class Sink:
    """Keeps events in memory, or is full, or takes its time."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.full = False
        self.asked = asyncio.Event()
        self.safe = asyncio.Event()
        self.safe.set()

    async def __call__(
        self, source: str, events: list[dict[str, Any]], trace: str, bodies: list[bytes]
    ) -> Accepted:
        """Keep events, as they are written."""
        assert [orjson.loads(body) for body in bodies] == events
        if self.full:
            raise QueueFull("disk is full")
        self.asked.set()
        await self.safe.wait()
        self.events += [(source, event) for event in events]
        return Accepted(len(events), 0)


class Client:
    """Calls one server."""

    def __init__(self, server: Server, sink: Sink, session: aiohttp.ClientSession) -> None:
        self.server, self.sink, self._session = server, sink, session
        self.url = f"http://127.0.0.1:{server.port}"

    async def call(
        self,
        path: str,
        body: Any = None,
        *,
        key: str = "wk-web",
        method: str = "POST",
        **headers: str,
    ) -> tuple[int, Any, Any]:
        """Return status, decoded body and headers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self._session.request(
            method, self.url + path, data=data, headers=sent, allow_redirects=False
        ) as answer:
            raw = await answer.read()
            return answer.status, json.loads(raw) if raw else None, answer.headers


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    """Give a client of a server of its own."""
    sink = Sink()
    async with (
        Server(SOURCES, sink, port=0) as server,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        yield Client(server, sink, session)


@pytest.mark.parametrize("path", ["/v1/track", "/v1/track/", "/v1/t"])
async def test_a_call_is_kept_before_it_is_answered(client: Client, path: str) -> None:
    """200 with success, the event under its source; a slash at the end changes nothing."""
    status, body, headers = await client.call(path, EVENT, Content_Type="text/plain")
    assert (status, body) == (200, {"success": True})
    assert headers["Access-Control-Allow-Origin"] == "*"
    ((source, event),) = client.sink.events
    assert (source, event["type"], event["event"]) == ("web", "track", "e")


@pytest.mark.parametrize(
    ("key", "body", "source"),
    [
        ("wk-ios", EVENT, "ios"),
        ("wk-web-new", EVENT, "web"),
        ("", {**EVENT, "writeKey": "wk-ios"}, "ios"),
        (":", {**EVENT, "writeKey": "wk-ios"}, "ios"),
        ("wk-web", {**EVENT, "writeKey": "whatever"}, "web"),
    ],
    ids=["header", "second key", "body", "empty header", "header before body"],
)
async def test_the_write_key_says_whose_it_is(
    client: Client, key: str, body: Any, source: str
) -> None:
    """By Basic authentication, else in the body; both keys of a source count."""
    status, _, _ = await client.call("/v1/track", body, key=key)
    assert (status, client.sink.events[0][0]) == (200, source)


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"key": "nope"}, 401, "unknown_source"),
        ({"key": ""}, 401, "unknown_source"),
        ({"key": "", "Authorization": "Basic %%%"}, 401, "unknown_source"),
        ({"key": "", "Authorization": "Bearer x"}, 401, "unknown_source"),
        ({"body": b"{"}, 400, "invalid_json"),
        ({"body": b"x", "Content_Encoding": "gzip"}, 400, "invalid_gzip"),
        ({"body": b"{}", "Content_Encoding": "br"}, 400, "unsupported_encoding"),
        ({"path": "/v1/nope"}, 404, "not_found"),
        ({"path": "/"}, 404, "not_found"),
        ({"path": "//evil.test/"}, 404, "not_found"),
        ({"path": "/v1/batch"}, 400, "invalid_batch"),
        ({"method": "PUT"}, 405, "method_not_allowed"),
        ({"method": "GET"}, 405, "method_not_allowed"),
        ({"method": "POST", "path": "/livez"}, 405, "method_not_allowed"),
        (
            {"body": gzip.compress(b"x" * 5_000_000), "Content_Encoding": "gzip"},
            400,
            "body_too_large",
        ),
    ],
)
async def test_a_refusal_has_code_and_message(
    client: Client, options: dict[str, Any], status: int, code: str
) -> None:
    """Never a redirect, never a 5xx; nothing was kept."""
    call = {"path": "/v1/track", "body": EVENT, **options}
    answered, body, headers = await client.call(**call)
    assert (answered, body["code"]) == (status, code)
    assert body["message"]
    assert ("Allow" in headers) == (status == 405)
    assert headers["Server"] == "destinations"
    assert client.sink.events == []


async def test_an_oauth_token_goes_beside_a_write_key(client: Client) -> None:
    """Bearer and writeKey, as SDKs with OAuth send; a key without its colon, as older ones do."""
    body = {**EVENT, "writeKey": "wk-ios"}
    status, _, _ = await client.call("/v1/track", body, key="", Authorization="Bearer t")
    assert (status, client.sink.events[-1][0]) == (200, "ios")
    bare = "Basic " + base64.b64encode(b"wk-web").decode()
    status, _, _ = await client.call("/v1/track", EVENT, key="", Authorization=bare)
    assert (status, client.sink.events[-1][0]) == (200, "web")


async def test_there_is_no_answer_before_events_are_safe(client: Client) -> None:
    """200 is an obligation: it is not written while the disk is being waited for."""
    client.sink.safe.clear()
    calling = asyncio.create_task(client.call("/v1/track", EVENT))
    await client.sink.asked.wait()
    alive, _, _ = await client.call("/livez", method="GET")  # others are not held up
    assert (alive, calling.done(), client.server.load.calls) == (200, False, 1)
    client.sink.safe.set()
    assert (await calling)[0] == 200
    assert client.server.load.held == client.server.load.calls == 0


@pytest.mark.parametrize("limit", ["MOST_HELD", "MOST_WAITING"])
async def test_too_much_in_hand_is_429(
    client: Client, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded; whoever comes later is told to wait, in whole seconds."""
    monkeypatch.setattr(body, limit, 2_000 if limit == "MOST_HELD" else 1)
    client.sink.safe.clear()
    first = asyncio.create_task(client.call("/v1/track", EVENT))
    await client.sink.asked.wait()
    status, told, headers = await client.call("/v1/track", EVENT)
    assert (status, told["code"]) == (429, "too_busy")
    assert headers["Retry-After"] == headers["X-RateLimit-Reset"] == "1"
    client.sink.safe.set()
    assert (await first)[0] == 200
    assert (await client.call("/v1/track", EVENT))[0] == 200
    assert client.server.discarded == {"too_busy": 1}


def zipped(size: int, **members: Any) -> bytes:
    """Pack a call that has so many bytes, and a hundredth of them gzipped."""
    return gzip.compress(json.dumps({**members, "x": "y" * size, "batch": [TRACK]}).encode())


async def test_bodies_count_as_they_are_inflated(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes of gzip are as much to hold as what they become."""
    monkeypatch.setattr(body, "MOST_HELD", 100_000)
    status, told, _ = await client.call("/v1/batch", zipped(120_000), Content_Encoding="gzip")
    assert (status, told["code"]) == (429, "too_busy")
    assert (await client.call("/v1/batch", zipped(80_000), Content_Encoding="gzip"))[0] == 200
    assert client.server.load.held == client.server.load.calls == 0


async def test_what_waits_for_the_disk_counts_as_it_is_written(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a batch shares is held once per event by then, and a small event is not nothing."""
    batch = {"context": {"x": "y" * 1_000}, "batch": [TRACK] * 50}
    client.sink.safe.clear()
    first = asyncio.create_task(client.call("/v1/batch", batch))
    await client.sink.asked.wait()
    assert 100_000 < client.server.load.held < 125_000
    monkeypatch.setattr(body, "MOST_HELD", 200_000)
    assert (await client.call("/v1/batch", batch))[0] == 429
    client.sink.safe.set()
    assert (await first)[0] == 200
    assert client.server.load.held == 0


async def test_what_was_parsed_is_not_held_while_the_disk_is_waited_for() -> None:
    """Lists in lists take twenty times their bytes: only what is written is kept meanwhile."""
    asked, safe = asyncio.Event(), asyncio.Event()

    async def sink(_: str, events: list[Any], __: str, ___: list[bytes]) -> Accepted:
        found = Accepted(len(events), 0)
        del events
        asked.set()
        await safe.wait()
        return found

    async with (
        Server(SOURCES, sink, port=0) as server,
        aiohttp.ClientSession() as session,
    ):
        here = Client(server, Sink(), session)
        calling = asyncio.create_task(
            here.call(
                "/v1/t", b'{"event": "e", "userId": "u", "properties": {"of this call": [[]]}}'
            )
        )
        await asked.wait()
        left = [one for one in gc.get_objects() if isinstance(one, dict) and "of this call" in one]
        safe.set()
        assert (await calling)[0] == 200
    assert left == []


async def test_who_is_not_known_yet_inflates_no_more(client: Client) -> None:
    """512,000 bytes, gzipped or not; with a key before the body, 4 MiB."""
    packed = zipped(600_000, writeKey="wk-ios")
    status, told, _ = await client.call("/v1/batch", packed, key="", Content_Encoding="gzip")
    assert (status, told["code"]) == (400, "body_too_large")
    assert (await client.call("/v1/batch", packed, Content_Encoding="gzip"))[0] == 200


async def test_who_is_not_known_yet_has_less_room(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bodies without a key before them cannot take the place of those with one."""
    monkeypatch.setattr(body, "MOST_UNKNOWN", 20)
    status, told, _ = await client.call("/v1/track", {**EVENT, "writeKey": "wk-ios"}, key="")
    assert (status, told["code"]) == (429, "too_busy")
    assert (await client.call("/v1/track", EVENT))[0] == 200


async def test_a_full_queue_is_429_with_whole_seconds(client: Client) -> None:
    """The one answer that every SDK of Segment waits for and repeats."""
    client.sink.full = True
    status, body, headers = await client.call("/v1/track", EVENT)
    assert (status, body["code"], headers["Retry-After"]) == (429, "queue_full", "10")


async def test_gzip_and_batches(client: Client) -> None:
    """What the Python SDK sends with gzip on."""
    batch = {"batch": [{**EVENT, "type": "track", "messageId": str(n)} for n in range(5)]}
    packed = gzip.compress(json.dumps(batch).encode())
    status, _, _ = await client.call("/v1/batch", packed, Content_Encoding="gzip")
    assert (status, len(client.sink.events)) == (200, 5)


@pytest.mark.parametrize("path", ["/v1/t", "/v1/batch/", "/v1/m"])
async def test_browsers_may_ask_first(client: Client, path: str) -> None:
    """A preflight names what is allowed."""
    status, _, headers = await client.call(path, b"", key="", method="OPTIONS")
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "Authorization" in headers["Access-Control-Allow-Headers"]


async def test_what_browsers_measure_is_thrown_away(client: Client) -> None:
    """200, with or without a key, so that the library is content."""
    status, told, _ = await client.call("/v1/m", {"series": []}, key="")
    assert (status, told, client.sink.events) == (200, {"success": True}, [])


async def test_discards_are_counted_by_code(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The call succeeds all the same; the log says what was not taken, and of whom."""
    batch = [{**EVENT, "type": "track"}, {"type": "track"}, {"type": "nope"}, {}, None]
    status, _, _ = await client.call("/v1/batch", {"batch": batch})
    assert status == 200
    await client.call("/v1/batch", {"batch": []}, X_Retry_Count="2")
    await client.call("/v1/track", EVENT, key="nope", X_Retry_Count="0")
    assert client.server.discarded == {
        "no_user_anon_id": 1,
        "invalid_type": 2,
        "event_not_object": 1,
        "empty_batch": 1,
        "unknown_source": 1,
    }
    assert client.server.received == {"web": 6}
    assert client.server.answered == {200: 2, 401: 1}
    assert client.server.repeated == 1
    assert caplog.messages == [
        "no_user_anon_id: 1 of source web discarded: event has neither userId nor anonymousId",
        "invalid_type: 2 of source web discarded: event has no type",
        "event_not_object: 1 of source web discarded: event must be an object, got null",
        "empty_batch: 1 of source web discarded: batch has no events",
        "unknown_source: call of 127.0.0.1 refused: write key is unknown; check it and the host",
    ]


async def test_calls_that_are_none_are_counted(client: Client) -> None:
    """What is not there, and what is not allowed."""
    await client.call("/v1/nope", EVENT)
    await client.call("/v1/track", method="GET")
    await client.call("/livez")
    assert client.server.discarded == {"not_found": 1, "method_not_allowed": 2}
    assert client.server.answered == {404: 1, 405: 2}


async def test_what_is_discarded_is_named(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """The first few ids of a reason, in one line whatever is in them, and no longer than an id."""
    batch = [{"type": "track", "userId": "u", "messageId": one} for one in ("a\nb", 7, "c", "d")]
    await client.call(
        "/v1/batch", {"batch": [*batch, {**EVENT, "messageId": "\u202e" + "x" * 999}]}
    )
    assert caplog.messages == [
        f"{told} (messageId {which})"
        for told, which in (
            (
                "event_not_defined: 4 of source web discarded: track event has no event",
                r"'a\nb', '7', 'c'",
            ),
            (
                "invalid_type: 1 of source web discarded: event has no type",
                rf"'\u202e{'x' * 99}'",
            ),
        )
    ]


async def test_pages(client: Client) -> None:
    """GET and HEAD, with a slash at the end or not."""
    for path in ("/livez", "/livez/"):
        assert (await client.call(path, method="GET"))[:2] == (200, {"status": "alive"})
        assert (await client.call(path, method="HEAD"))[:2] == (200, None)


async def test_a_proxy_that_is_trusted_says_who_calls(client: Client) -> None:
    """Nobody else does; a reload changes it."""
    event = {**EVENT, "context": {"direct": True}}
    for proxies in ((), [ip_network("127.0.0.0/8")]):
        client.server.admit(SOURCES, proxies)
        await client.call("/v1/track", event, X_Forwarded_For="198.51.100.7")
    addresses = [one["context"]["ip"] for _, one in client.sink.events]
    assert addresses == ["127.0.0.1", "198.51.100.7"]


@pytest.mark.parametrize("port", [None, 99_999], ids=["taken", "impossible"])
async def test_an_address_that_cannot_be_had_is_said(client: Client, port: int | None) -> None:
    """With the address, and what to do; nothing of it stays behind."""
    server = Server(SOURCES, client.sink, port=port or client.server.port)
    with pytest.raises(ConfigurationError, match=rf"cannot listen on 127.0.0.1:{server.port}: "):
        await server.__aenter__()
    assert server._listener is None
