"""A real server that answers by script and remembers what it was asked."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: after ``delay`` seconds, or not at all (``reset`` cuts the connection)."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came in; the names of ``headers`` may be written in any case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Decode the body; None when there is none."""
        return orjson.loads(self.body) if self.body else None


class RecordingServer:
    """An async context manager; ``url`` is where it listens, ``requests`` what it was asked.

    The n-th request gets the n-th reply, the last one repeats. A reply may be a function of the
    request. ``open_connections`` counts the connections that are open now.
    """

    def __init__(self, *replies: Reply | Callable[[Recorded], Reply]) -> None:
        self.replies: list[Reply | Callable[[Recorded], Reply]] = list(replies) or [Reply()]
        self.requests: list[Recorded] = []
        self.url = ""
        self._server: web.Server | None = None
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        self._server = web.Server(self._answer, access_log=None)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        open_ = [] if self._server is None else self._server.connections
        return sum(one.transport is not None for one in open_)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        recorded = Recorded(request.method, request.path_qs, request.headers, await request.read())
        number = min(len(self.requests), len(self.replies) - 1)
        self.requests.append(recorded)
        chosen = self.replies[number]
        reply = chosen(recorded) if callable(chosen) else chosen
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.reset and request.transport is not None:
            request.transport.abort()
        body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        headers = {"Content-Type": "application/json", **reply.headers}
        return web.Response(status=reply.status, body=body, headers=headers)
