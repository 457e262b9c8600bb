"""The ingest server over real sockets: what it answers, and that it never falls over."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from destination_core.queue import Accepted, QueueFull
from destination_core.server import Server, Source, Sources

SOURCES = Sources([Source("web", ("wk-web", "wk-web-new")), Source("ios", ("wk-ios",))])
EVENT = {"event": "e", "userId": "u"}


class Sink:
    """Keeps events in memory, or is full."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.full = False

    async def __call__(self, source: str, events: list[dict[str, Any]]) -> Accepted:
        """Keep events."""
        if self.full:
            raise QueueFull("disk is full")
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
        ("wk-web", {**EVENT, "writeKey": "whatever"}, "web"),
    ],
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
        ({"path": "/v1/nope"}, 404, "not_found"),
        ({"path": "/v1/batch"}, 400, "invalid_batch"),
        ({"method": "PUT"}, 405, "method_not_allowed"),
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
    answered, body, _ = await client.call(**call)
    assert (answered, body["code"]) == (status, code)
    assert body["message"]
    assert client.sink.events == []


async def test_an_unknown_key_is_refused_before_the_body_is_read(client: Client) -> None:
    """Nobody who is not known can make the server read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.server.port)
    writer.write(
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Basic bm9wZTo=\r\n"
        b"Content-Length: 1000000\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 401 " in head
    writer.close()
    await writer.wait_closed()


async def test_a_full_queue_is_429_with_whole_seconds(client: Client) -> None:
    """The one answer that every SDK of Segment waits for and repeats."""
    client.sink.full = True
    status, body, headers = await client.call("/v1/track", EVENT)
    assert (status, body["code"], headers["Retry-After"]) == (429, "queue_full", "10")


async def test_gzip_and_batches(client: Client) -> None:
    """What the Python SDK sends with gzip on."""
    batch = {"batch": [{**EVENT, "type": "track", "messageId": str(n)} for n in range(5)]}
    body = gzip.compress(json.dumps(batch).encode())
    status, _, _ = await client.call("/v1/batch", body, Content_Encoding="gzip")
    assert (status, len(client.sink.events)) == (200, 5)


async def test_browsers_may_ask_first(client: Client) -> None:
    """A preflight names what is allowed."""
    status, _, headers = await client.call("/v1/t", b"", key="", method="OPTIONS")
    assert status == 204
    assert "Authorization" in headers["Access-Control-Allow-Headers"]


async def test_discards_are_counted_by_code(client: Client) -> None:
    """The call succeeds all the same."""
    batch = [{**EVENT, "type": "track"}, {"type": "track"}, {"type": "nope"}]
    status, _, _ = await client.call("/v1/batch", {"batch": batch})
    assert status == 200
    assert client.server.discarded == {"missing_identity": 1, "invalid_type": 1}
    assert client.server.received == {"web": 3}


async def test_health(client: Client) -> None:
    """Alive, and ready where nobody objects."""
    assert (await client.call("/livez", method="GET"))[0] == 200
    assert (await client.call("/readyz", method="GET"))[1] == {"status": "ready", "why": []}
