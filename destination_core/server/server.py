"""The HTTP server: ingest, health, metrics. It answers 200 once events are on the disk."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Protocol, Self

import orjson
from aiohttp import web

from destination_core.queue import Accepted, QueueFull
from destination_core.server import keys, wire
from destination_core.server.keys import Sources
from destination_core.server.wire import Refused

log: Final = logging.getLogger(__name__)

BODY_SECONDS: Final = 15.0
"""How long a body may take to arrive."""

MOST_WAITING: Final = 5_000
"""Calls that wait for the disk at once; beyond them the answer is 429."""

CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Retry-Count",
    "Access-Control-Max-Age": "86400",
}
SUCCESS: Final = b'{"success":true}'
JSON: Final = "application/json"


class Sink(Protocol):
    """Where events go: returns when they are safe; raises ``QueueFull``."""

    def __call__(self, source: str, events: list[dict[str, Any]], /) -> Awaitable[Accepted]:
        """Keep events of a source."""
        ...


class Server:
    """An async context manager; ``port`` is the one it listens on once it is entered.

    ``ready`` returns what is wrong, or nothing; ``metrics`` the text of `/metrics`. What came in
    is counted in ``received``, what was not taken in ``discarded``, by code.
    """

    def __init__(
        self,
        sources: Sources,
        sink: Sink,
        *,
        host: str = "127.0.0.1",
        port: int = 8080,
        ready: Callable[[], Awaitable[list[str]]] | None = None,
        metrics: Callable[[], Awaitable[bytes]] | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.received: Counter[str] = Counter()
        self.discarded: Counter[str] = Counter()
        self._sources = sources
        self._sink = sink
        self._ready = ready
        self._metrics = metrics
        self._waiting = 0
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        server = web.Server(self._handle, auto_decompress=False, access_log=None)
        self._runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def admit(self, sources: Sources) -> None:
        """Take these write keys from now on, and no others."""
        self._sources = sources

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.rstrip("/")
        try:
            if request.method == "POST":
                return await self._post(request, path)
            if request.method == "OPTIONS" and path in wire.ROUTES:
                return web.Response(status=204, headers=CORS)
            if request.method in ("GET", "HEAD"):
                return await self._get(path)
            refusal = Refused(405, "method_not_allowed", f"{request.method} is not allowed")
            return _refusal(refusal)
        except Refused as refusal:
            self.discarded[refusal.code] += 1
            return _refusal(refusal)
        except QueueFull as full:
            self.discarded["queue_full"] += 1
            return _refusal(Refused(429, "queue_full", str(full)), wait=10)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s %s failed", request.method, path)
            return _refusal(Refused(500, "internal_error", "something failed here; try again"))

    async def _post(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        kind = wire.ROUTES.get(path)
        if kind is None:
            if path == "/v1/m":  # what the browser's library measures about itself
                return _json(200, SUCCESS)
            raise Refused(404, "not_found", f"there is nothing at {path[:100]!r}")
        if self._waiting >= MOST_WAITING:
            raise QueueFull("too many calls wait already")
        source = self._source(keys.of_header(request.headers.get("Authorization")))
        body = wire.inflated(await _read(request), request.headers.get("Content-Encoding", ""))
        call = wire.decoded(body)
        if source is None:
            source = self._source(keys.of_body(call) or "")
        read = wire.read_call(kind, call, datetime.now(UTC), request.remote or "")
        self.received[source or ""] += len(read.events) + len(read.discards)
        for one in read.discards:
            self.discarded[one.code] += 1
        if read.events:
            self._waiting += 1
            try:
                await self._sink(source or "", read.events)
            finally:
                self._waiting -= 1
        return _json(200, SUCCESS)

    def _source(self, write_key: str | None) -> str | None:
        if write_key is None:
            return None
        name = self._sources.named(write_key)
        if name is None:
            raise Refused(401, "unknown_source", "write key is unknown; check it and the host")
        return name

    async def _get(self, path: str) -> web.StreamResponse:
        if path == "/livez":
            return _json(200, b'{"status":"alive"}')
        if path == "/readyz":
            problems = await self._ready() if self._ready else []
            body = orjson.dumps({"status": "not ready" if problems else "ready", "why": problems})
            return _json(503 if problems else 200, body)
        if path == "/metrics" and self._metrics:
            return web.Response(
                body=await self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4"}
            )
        raise Refused(404, "not_found", f"there is nothing at {path[:100]!r}")


async def _read(request: web.BaseRequest) -> bytes:
    """Read a body within its limits of size and time; raises ``Refused``."""
    if (request.content_length or 0) > wire.LARGEST_BODY:
        raise wire.too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > wire.LARGEST_BODY:
                    raise wire.too_large()
    except TimeoutError:
        message = f"body did not arrive within {BODY_SECONDS:g} s"
        raise Refused(408, "body_too_slow", message) from None
    return bytes(body)


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers=CORS, content_type=JSON)


def _refusal(refusal: Refused, wait: int | None = None) -> web.Response:
    """Answer with `code` and `message`, which Segment's SDKs read; 429 with whole seconds."""
    body = orjson.dumps({"success": False, "code": refusal.code, "message": str(refusal)})
    response = _json(refusal.status, body)
    if wait is not None:
        response.headers["Retry-After"] = str(wait)
        response.headers["X-RateLimit-Reset"] = str(wait)
    return response
