"""A network that fails: it stands between the service and a destination, and does as it is told."""

import asyncio
import contextlib
import random
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Self

import aiohttp
import orjson

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes ``close`` send a RST."""

PIECE = b"x" * 65_536


class Way(StrEnum):
    """What becomes of one request."""

    PASS = "pass"
    RESET_BEFORE = "reset before it is taken"
    RESET_AFTER = "reset after it is taken, before headers"
    RESET_HEADERS = "reset after headers"
    RESET_BODY = "reset in the midst of the body"
    STALE = "connection closed between two requests"
    BUSY = "503"
    HANG = "no answer"
    SLOW_HEAD = "a byte of the headers a second"
    SLOW_BODY = "a byte of the body a second"
    ENDLESS_HEAD = "headers without end"
    ENDLESS_BODY = "a body without end"
    HUGE_BODY = "a body of 10 GB"
    NOT_HTTP = "not HTTP"


Plan = Callable[[bytes], Way]
"""Decides by the body of a request."""


class Unruly:
    """An async context manager: a server in front of ``towards``, an URL's origin.

    ``plan`` decides about each request; ``ways`` counts what became of them. With ``context`` it
    speaks TLS.
    """

    def __init__(self, towards: str, plan: Plan, *, context: ssl.SSLContext | None = None) -> None:
        self.url = ""
        self.plan = plan
        self.ways: Counter[Way] = Counter()
        self.connections = 0
        self._towards = towards
        self._context = context
        self._session: aiohttp.ClientSession | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._context else ''}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        assert self._session is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                way = self.plan(body)
                self.ways[way] += 1
                await self._go(way, head, body, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side has gone, or it is over
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _go(self, way: Way, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        if way in (Way.HANG, Way.SLOW_HEAD, Way.SLOW_BODY):
            await _slowly(way, writer)
        elif way is Way.RESET_BEFORE:
            _reset(writer)
        elif way is Way.BUSY:
            writer.write(_answer(503, b"{}"))
        elif way is Way.NOT_HTTP:
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
            writer.close()
        elif way in (Way.ENDLESS_HEAD, Way.ENDLESS_BODY, Way.HUGE_BODY):
            if way is not Way.ENDLESS_HEAD:  # it takes them, and says so before it goes on
                await self._forward(head, body)
            await _without_end(way, writer)
        else:
            answer = _answer(*await self._forward(head, body))
            end = answer.index(b"\r\n\r\n") + 4
            kept = {Way.RESET_AFTER: 0, Way.RESET_HEADERS: end, Way.RESET_BODY: len(answer) - 1}
            writer.write(answer[: kept.get(way, len(answer))])
            await writer.drain()
            if way in kept:
                _reset(writer)
            elif way is Way.STALE:
                writer.close()

    async def _forward(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        assert self._session is not None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        sent = {key: value for key, value in headers.items() if key.lower() == "authorization"}
        method, path, _ = first.split(" ", 2)
        async with self._session.request(
            method, self._towards + path, data=body, headers=sent
        ) as answer:
            return answer.status, await answer.read()


def always(way: Way) -> Plan:
    """Let every request go one way."""
    return lambda _: way


def sometimes(share: float, *ways: Way, seed: int = 1) -> Plan:
    """Let this share of the requests go one of these ways, at random."""
    chance = random.Random(seed)
    return lambda _: chance.choice(ways) if chance.random() < share else Way.PASS


def numbers(body: bytes) -> list[int]:
    """Return the numbers of the events in a request."""
    return [entry["body"]["number"] for entry in orjson.loads(body)]


def _length(head: bytes) -> int:
    lines = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(lines[0].split(b":")[1]) if lines else 0


def _answer(status: int, body: bytes) -> bytes:
    return f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _reset(writer: asyncio.StreamWriter) -> None:
    found = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def _slowly(way: Way, writer: asyncio.StreamWriter) -> None:
    if way is Way.HANG:
        await asyncio.Event().wait()
    if way is Way.SLOW_BODY:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"H" if way is Way.SLOW_HEAD else b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def _without_end(way: Way, writer: asyncio.StreamWriter) -> None:
    heads = {
        Way.ENDLESS_HEAD: b"HTTP/1.1 200 OK\r\n",
        Way.ENDLESS_BODY: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        Way.HUGE_BODY: b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n",
    }
    pieces = {
        Way.ENDLESS_HEAD: b"X-Header: and another one\r\n" * 100,
        Way.ENDLESS_BODY: b"10000\r\n" + PIECE + b"\r\n",
        Way.HUGE_BODY: PIECE,
    }
    writer.write(heads[way])
    while True:
        writer.write(pieces[way])
        await writer.drain()
