"""Servers on 127.0.0.1 that answer, or fail, exactly as a test says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Answering = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Loopback:
    """Where it listens, and what it has seen: heads of requests, and connections."""

    def __init__(self) -> None:
        self.url = ""
        self.heads: list[bytes] = []
        self.connections = 0


@contextlib.asynccontextmanager
async def loopback(answer: bytes | Answering) -> AsyncIterator[Loopback]:
    """Answer every request with the same bytes, or as a function of its head does."""
    seen = Loopback()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                seen.heads.append(head)
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(head, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield seen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def response(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """Write a response with its length."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines])
    return head.encode() + b"\r\n\r\n" + body
