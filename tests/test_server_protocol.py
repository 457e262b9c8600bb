"""The ingest server below the level of requests: what a socket may do to it."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from destination_core.queue import Accepted
from destination_core.server import Server, Source, Sources, body, protocol

KEY = b"Authorization: Basic " + base64.b64encode(b"wk:") + b"\r\n"
WRONG = b"Authorization: Basic " + base64.b64encode(b"nope:") + b"\r\n"
POST = b"POST /v1/track HTTP/1.1\r\nHost: x\r\n"
EVENT = b'{"event": "e", "userId": "u"}'


async def _keep(
    source: str, events: list[dict[str, object]], trace: str, bodies: list[bytes]
) -> Accepted:
    return Accepted(len(events), 0)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    """Give a server."""
    async with Server(Sources([Source("web", ("wk",))]), _keep, port=0) as running:
        yield running


class Socket:
    """One connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, server: Server) -> "Socket":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", server.port))

    async def say(self, *parts: bytes) -> None:
        """Write parts, each by itself."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def head(self) -> tuple[int, bytes]:
        """Read the head of an answer."""
        read = await self.reader.readuntil(b"\r\n\r\n")
        return int(read.split()[1]), read

    async def answer(self) -> tuple[int, dict[str, str]]:
        """Read an answer: status, and its JSON."""
        status, head = await self.head()
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        return status, json.loads(await self.reader.readexactly(length))

    async def close(self) -> None:
        """Close it."""
        self.writer.close()
        await self.writer.wait_closed()


async def test_an_unknown_key_is_refused_before_the_body_is_read(server: Server) -> None:
    """Nobody who is not known can make the server read; nor is anything asked for."""
    socket = await Socket.to(server)
    await socket.say(POST + WRONG + b"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
    status, told = await socket.answer()
    assert (status, told["code"]) == (401, "unknown_source")
    assert server.load.held == 0
    await socket.close()


async def test_a_body_is_asked_for_where_the_caller_waits(server: Server) -> None:
    """`Expect: 100-continue`, which curl sends with large bodies."""
    socket = await Socket.to(server)
    length = b"Content-Length: %d\r\n" % len(EVENT)
    await socket.say(POST + KEY + length + b"Expect: 100-continue\r\n\r\n")
    assert (await socket.head())[0] == 100
    await socket.say(EVENT)
    assert await socket.answer() == (200, {"success": True})
    await socket.close()


@pytest.mark.parametrize(
    "parts",
    [
        [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n"],
        [POST + b"X: " + b"a" * 20_000 + b"\r\n\r\n"],
        [POST + b"X: a\r\n" * 500 + b"\r\n"],
        [b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n"],
        [POST + KEY + b"Content-Length: -5\r\n\r\n"],
        [POST + KEY + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        [POST + KEY + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\nZZ\r\n"],
    ],
    ids=["TLS", "header", "headers", "URL", "length", "smuggling", "chunk"],
)
async def test_what_is_not_http_is_400_with_code_and_message(
    server: Server, parts: Sequence[bytes]
) -> None:
    """In JSON like every other refusal, and without what came in it."""
    socket = await Socket.to(server)
    await socket.say(*parts)
    status, told = await socket.answer()
    assert (status, told["code"]) == (400, "bad_request")
    assert "aaa" not in told["message"]
    assert await socket.reader.read() == b"", "the connection is closed"
    await socket.close()
    assert server.load.calls == 0
    assert (server.discarded, server.answered) == ({"bad_request": 1}, {400: 1})


@pytest.mark.parametrize(
    ("key", "length"), [(KEY, 4_194_305), (b"", 512_001)], ids=["known", "unknown"]
)
async def test_a_body_over_the_limit_is_refused_before_it_comes(
    server: Server, key: bytes, length: int
) -> None:
    """By its announced length; who is not known yet may send a batch of Segment's size."""
    socket = await Socket.to(server)
    await socket.say(POST + key + b"Content-Length: %d\r\n\r\n" % length)
    status, told = await socket.answer()
    assert (status, told["code"]) == (400, "body_too_large")
    await socket.close()


@pytest.mark.parametrize("sent", [b"", b"POST /v1/t HTTP/1.1\r\nHost"], ids=["nothing", "half"])
async def test_a_connection_that_says_nothing_is_closed(
    server: Server, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that never finishes its headers."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    socket = await Socket.to(server)
    await socket.say(sent)
    assert await socket.reader.read() == b""
    await socket.close()


async def test_a_body_that_does_not_come_is_408(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what it held is let go; others are served meanwhile."""
    monkeypatch.setattr(body, "BODY_SECONDS", 0.2)
    slow = await Socket.to(server)
    await slow.say(POST + KEY + b"Content-Length: 100\r\n\r\n", b"{")
    other = await Socket.to(server)
    await other.say(POST + KEY + b"Content-Length: %d\r\n\r\n" % len(EVENT) + EVENT)
    assert (await other.answer())[0] == 200
    status, told = await slow.answer()
    assert (status, told["code"]) == (408, "body_too_slow")
    assert server.load.held == server.load.calls == 0
    await slow.close()
    await other.close()


async def test_connections_leave_files_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is cut off at once; when another has gone, there is room again."""
    monkeypatch.setattr(protocol, "most_files", lambda: 4)
    async with Server(Sources([]), _keep, port=0) as server:
        first, second, third = [await Socket.to(server) for _ in range(3)]
        with contextlib.suppress(ConnectionError):
            assert await third.reader.read() == b""
        with contextlib.suppress(ConnectionError):
            await third.close()
        await first.close()
        await second.say(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await second.answer())[0] == 200
        fourth = await Socket.to(server)
        await fourth.say(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await fourth.answer())[0] == 200
        for one in (second, fourth):
            await one.close()


async def test_a_caller_that_goes_away_leaves_nothing_behind(server: Server) -> None:
    """Half a body, and the connection is gone: nothing is kept, nothing held."""
    socket = await Socket.to(server)
    await socket.say(POST + KEY + b"Content-Length: 100\r\n\r\n", b"{")
    while server.load.held == 0:  # noqa: ASYNC110  a counter, read from outside
        await asyncio.sleep(0)
    await socket.close()
    while server.load.held:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert server.load.calls == 0
    assert not server.received


async def test_requests_may_follow_one_another_at_once(server: Server) -> None:
    """Pipelined ones are answered in order."""
    socket = await Socket.to(server)
    await socket.say(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /nope HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [(await socket.answer())[0] for _ in range(2)] == [200, 404]
    await socket.close()
