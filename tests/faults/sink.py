"""Destinations by the thousand: take what comes as fast as one process can, and note it down."""

import asyncio
import re
import time
from collections import defaultdict
from types import TracebackType
from typing import Self

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
ID = re.compile(rb'"id":"oracle-(\d+)"')


class Sink:
    """An async context manager; ``arrived`` has, by name, when each number came first."""

    def __init__(self) -> None:
        self.url = ""
        self.arrived: dict[str, dict[int, float]] = defaultdict(dict)
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self.arrived), "127.0.0.1", 0, backlog=2_000
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()


class _Connection(asyncio.Protocol):
    """Finds the end of each request by its length, and answers."""

    def __init__(self, arrived: dict[str, dict[int, float]]) -> None:
        self._arrived = arrived
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end])
            length = LENGTH.search(head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < size:
                return
            name = head.split(b" ", 2)[1].strip(b"/").decode()
            now = time.time()
            for number in ID.findall(self._buffer[end + 4 : size]):
                self._arrived[name].setdefault(int(number), now)
            del self._buffer[:size]
            assert self._transport is not None
            self._transport.write(ANSWER)
