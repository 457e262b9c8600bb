"""The HTTP server: ingest, health, metrics. It answers 200 once events are on the disk."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse

from destination_core.errors import ConfigurationError
from destination_core.queue import Accepted, QueueFull
from destination_core.server import answers, body, keys, wire
from destination_core.server.call import Call, Discard, read_call
from destination_core.server.callers import FORWARDED, Network, caller
from destination_core.server.keys import Sources
from destination_core.server.protocol import IDLE_SECONDS, LINGER_SECONDS, Connections
from destination_core.server.wire import Refused

if TYPE_CHECKING:
    from destination_core.tracing import Tracing

log: Final = logging.getLogger(__name__)

FULL_SECONDS: Final = 10
"""How long a caller is to wait when the queue takes nothing."""

LAST_SECONDS: Final = 5.0
"""How long calls that are being answered may take when the server stops."""

NAMED: Final = 3
"""Events that a line of the log names of those that were not taken for one reason."""

MEASUREMENTS: Final = "/v1/m"
"""What the browser's library measures about itself; nobody wants it."""

WELCOME: Final = "POST, OPTIONS"
READING: Final = "GET, HEAD"


class Sink(Protocol):
    """Where events go: returns when they are safe; raises ``QueueFull``."""

    def __call__(
        self, source: str, events: list[dict[str, Any]], trace: str, bodies: list[bytes], /
    ) -> Awaitable[Accepted]:
        """Keep events of a source, with the trace context they came with; ``bodies`` are JSON."""
        ...


Page = Callable[[], Awaitable[Response]]


class Server:
    """An async context manager; ``port`` is the one it listens on once it is entered.

    Raises ``ConfigurationError`` when it cannot listen there.

    ``pages`` are what can be read, by path; ``proxies`` may say whom they were called by. What came
    in is counted in ``received`` by source, what was not taken in ``discarded`` by code, calls in
    ``answered`` by status, and those that are not the first attempt of an SDK in ``repeated``. With
    ``tracing``, each call gets a span.
    """

    def __init__(
        self,
        sources: Sources,
        sink: Sink,
        *,
        host: str = "127.0.0.1",
        port: int = 8080,
        pages: Mapping[str, Page] | None = None,
        proxies: Sequence[Network] = (),
        tracing: "Tracing | None" = None,
    ) -> None:
        self.host = host
        self.port = port
        self.received: Counter[str] = Counter()
        self.discarded: Counter[str] = Counter()
        self.answered: Counter[int] = Counter()
        self.repeated = 0
        self.load = body.Load()
        self._sources = sources
        self._sink = sink
        self._proxies = proxies
        self._tracing = tracing
        self._pages = {"/livez": _alive, **(pages or {})}
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._connections = Connections(
            self._handle,
            count=self._count,
            auto_decompress=False,
            access_log=None,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
        )
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                self._connections, self.host, self.port, backlog=1024
            )
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None) or 0  # a resolver's are below 0
            said = os.strerror(number) if number > 0 else str(error)
            where = f"{self.host}:{self.port}"
            raise ConfigurationError(
                f"cannot listen on {where}: {said}; choose another address"
            ) from error
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.close()
        await asyncio.sleep(0)  # what has come begins to be answered
        self._connections.pre_shutdown()  # who says nothing is not waited for
        await self._connections.shutdown(LAST_SECONDS)

    def admit(self, sources: Sources, proxies: Sequence[Network] = ()) -> None:
        """Take these write keys from now on, and no others; trust these proxies."""
        self._sources = sources
        self._proxies = proxies

    async def _handle(self, request: BaseRequest) -> StreamResponse:
        path = request.path.rstrip("/") or "/"
        if path in wire.ROUTES or path == MEASUREMENTS:
            return await self._ingest(request, path)
        page = self._pages.get(path)
        if page is None:
            nothing = Refused(404, "not_found", f"there is nothing at {path[:100]!r}")
            return self._turn_away(request, nothing)
        if request.method not in ("GET", "HEAD"):
            return self._turn_away(request, _not_allowed(request), allow=READING)
        try:
            return await page()
        except Exception:
            log.exception("%s failed", path)
            return answers.refusal(_failed())

    async def _ingest(self, request: BaseRequest, path: str) -> StreamResponse:
        if request.method == "OPTIONS":
            return answers.preflight()
        if request.method != "POST":
            return self._turn_away(request, _not_allowed(request), allow=WELCOME)
        if path == MEASUREMENTS:
            return answers.success()
        if self._tracing is None:
            return await self._answer(request, path, "")
        with self._tracing.receiving(request.headers, path) as receipt:
            response = await self._answer(request, path, receipt.trace)
            receipt.answered(response.status)
            return response

    async def _answer(self, request: BaseRequest, path: str, trace: str) -> Response:
        try:
            await self._take(request, wire.ROUTES[path], trace)
            response = answers.success()
        except Refused as refused:
            response = self._refuse(request, refused)
        except QueueFull as full:
            told = Refused(429, "queue_full", str(full), wait=FULL_SECONDS)
            response = self._refuse(request, told)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s failed", path)
            response = answers.refusal(_failed())
        self.answered[response.status] += 1
        return response

    async def _take(self, request: BaseRequest, kind: str, trace: str) -> None:
        """Read a call and keep its events; a key that is wrong is refused before the body."""
        self.repeated += request.headers.get("X-Retry-Count", "0").strip() not in ("", "0")
        source = self._source(keys.of_header(request.headers.get("Authorization")))
        known = source is not None
        with self.load.hold(known=known) as hold:
            source, read = await self._read(request, kind, source, hold)
            self.received[source] += len(read.events) + len(read.discards)
            if read.discards:
                self._discard(source, read.discards)
            if read.events:
                keeping = self._sink(source, read.events, trace, read.bodies)
                del read  # parsed, it takes many times its bytes: not while the disk is waited for
                await keeping

    async def _read(
        self, request: BaseRequest, kind: str, source: str | None, hold: body.Hold
    ) -> tuple[str, Call]:
        """Read a call, and whose it is; the ``hold`` counts the largest forms that it takes."""
        limit = body.largest(known=source is not None)
        raw = await body.read(request, hold, limit=limit)
        whole = wire.inflated(raw, request.headers.get("Content-Encoding", ""), limit)
        if whole is not raw:
            hold.be(len(raw) + len(whole))
        call = wire.decoded(whole)
        if source is None:
            source = self._source(keys.of_body(call) or "") or ""
        forwarded = request.headers.getall(FORWARDED, ())
        address = caller(request.remote or "", forwarded, self._proxies)
        read = read_call(kind, call, datetime.now(UTC), address)
        hold.be(sum(map(len, read.bodies)) + body.EVENT_BYTES * len(read.bodies))
        return source, read

    def _discard(self, source: str, discards: Sequence[Discard]) -> None:
        """Count events that are not taken, and say so, once per code, with the first few ids."""
        said = {one.code: one.message for one in discards}
        ids: dict[str, list[str]] = {code: [] for code in said}
        for one in discards:
            if one.message_id and len(ids[one.code]) < NAMED:
                ids[one.code].append(repr(one.message_id))  # a line break would forge a line
        for code, many in Counter(one.code for one in discards).items():
            self.discarded[code] += many
            which = f" (messageId {', '.join(ids[code])})" if ids[code] else ""
            log.warning(
                "%s: %d of source %s discarded: %s%s", code, many, source, said[code], which
            )

    def _refuse(self, request: BaseRequest, refused: Refused) -> Response:
        """Count a call that is not taken, and say so."""
        self.discarded[refused.code] += 1
        log.warning("%s: call of %s refused: %s", refused.code, request.remote, refused)
        return answers.refusal(refused)

    def _turn_away(self, request: BaseRequest, refused: Refused, allow: str = "") -> Response:
        """Count what is no call for us; it is no warning, for scanners do it all day."""
        self._count(refused)
        log.info("%s: %s: %s", refused.code, request.remote, refused)
        return answers.refusal(refused, allow=allow)

    def _count(self, refused: Refused) -> None:
        self.discarded[refused.code] += 1
        self.answered[refused.status] += 1

    def _source(self, write_key: str | None) -> str | None:
        if write_key is None:
            return None
        name = self._sources.named(write_key)
        if name is None:
            raise Refused(401, "unknown_source", "write key is unknown; check it and the host")
        return name


async def _alive() -> Response:
    return answers.document({"status": "alive"})


def _not_allowed(request: BaseRequest) -> Refused:
    return Refused(405, "method_not_allowed", f"{request.method} is not allowed")


def _failed() -> Refused:
    return Refused(500, "internal_error", "something failed here; try again")
