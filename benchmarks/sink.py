"""A server that answers every request with `200 {}`: the same one for both sides.

``python -m benchmarks.sink [FILE]`` prints its port and serves until standard input ends. Into FILE
it writes the number of each event that has come, and when (the machine's monotonic clock).
"""

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import IO, Final

ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    b"Connection: keep-alive\r\n\r\n{}"
)


NUMBER: Final = re.compile(rb'"bench_n":(\d+)')


class Sink(asyncio.Protocol):
    """Find the end of each request by its Content-Length, and answer."""

    def __init__(self, arrivals: IO[str] | None = None) -> None:
        self._arrivals = arrivals
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP gives one
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        answers = 0
        while True:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                break
            size = head + 4 + _length(bytes(self._buffer[:head]).lower())
            if len(self._buffer) < size:
                break
            if self._arrivals is not None:
                now = time.monotonic()
                for number in NUMBER.findall(self._buffer, head, size):
                    self._arrivals.write(f"{number.decode()} {now}\n")
            del self._buffer[:size]
            answers += 1
        if answers and self._transport is not None:
            self._transport.write(ANSWER * answers)


def _length(head: bytes) -> int:
    found = head.find(b"content-length:")
    if found < 0:
        return 0
    end = head.find(b"\r\n", found)
    return int(head[found + 15 : end if end >= 0 else len(head)])


async def serve() -> None:
    """Serve on loopback until standard input ends."""
    loop = asyncio.get_running_loop()
    arrivals = Path(sys.argv[1]).open("w", buffering=1) if sys.argv[1:] else None  # noqa: SIM115, ASYNC230
    server = await loop.create_server(lambda: Sink(arrivals), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
