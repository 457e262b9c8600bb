"""Carry a request over the network: aiohttp, behind a seam of one method."""

import asyncio
import io
import os
import ssl
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import Final, Protocol, Self

import aiohttp
from yarl import URL

from destination_core.errors import RetryableError, SetupError
from destination_core.http.classify import place
from destination_core.http.deadlines import Deadlines
from destination_core.http.guard import Guard, RefusedAddress
from destination_core.http.messages import Request, Response

TOTAL_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0
LONGEST_BODY: Final = 1_048_576
"""Bytes of a response body that are read, after decompression; the rest is not."""

LARGE_BODY: Final = 1_000_000
"""Bytes from which on aiohttp wants a file, which it sends piece by piece."""

MOST_REDIRECTS: Final = 5

MOST_TIMEOUTS: Final = 64
"""Different time-outs that are kept made; a connection has one, as a rule."""


class Transport(Protocol):
    """The seam: one request in, one response out.

    Raises ``RetryableError`` (codes ``REQUEST_TIMEOUT`` and ``NETWORK_ERROR``) or ``SetupError``;
    a status is never an error here.
    """

    async def send(self, request: Request) -> Response:
        """Send a request and return its response."""
        ...


class AiohttpTransport:
    """One aiohttp session per guard: connections are reused, certificates verified, bodies capped.

    An asynchronous context manager. ``timeout`` is the total and ``connect_timeout`` that for a
    connection, both in seconds; ``limit`` bounds the connections.
    """

    def __init__(
        self,
        *,
        timeout: float = TOTAL_SECONDS,
        connect_timeout: float = CONNECT_SECONDS,
        limit: int = 100,
        longest_body: int = LONGEST_BODY,
    ) -> None:
        self._total = timeout
        self._connect = connect_timeout
        self._limit = limit
        self._longest = longest_body
        self._sessions: dict[Guard | None, aiohttp.ClientSession] = {}
        self._is_open = False
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._deadlines = Deadlines()

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _session(self, guard: Guard | None) -> aiohttp.ClientSession:
        """Return the session of a guard: what one may reuse, another may not have opened."""
        session = self._sessions.get(guard)
        if session is None:
            if not self._is_open:
                raise RuntimeError("transport is not open; use `async with AiohttpTransport()`")
            session = self._sessions[guard] = aiohttp.ClientSession(
                connector=self._connector(guard),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
        return session

    def _connector(self, guard: Guard | None) -> aiohttp.TCPConnector:
        """Make a connector: the one place where sockets come from."""
        return aiohttp.TCPConnector(
            limit=self._limit,
            limit_per_host=0,
            socket_factory=None if guard is None else guard.socket,
        )

    def _connect_timeout(self, request: Request) -> aiohttp.ClientTimeout:
        """Return the time-out for a connection; the total is kept by our own deadlines."""
        seconds = request.connect_timeout or self._connect
        made = self._timeouts.get(seconds)
        if made is None:
            if len(self._timeouts) >= MOST_TIMEOUTS:
                self._timeouts.clear()
            made = self._timeouts[seconds] = aiohttp.ClientTimeout(total=None, sock_connect=seconds)
        return made

    async def send(self, request: Request) -> Response:
        """Send a request; see ``Transport``.

        Errors are raised without their cause: aiohttp's texts hold whole URLs.
        """
        session = self._session(request.guard)
        # All that is ready is planned first, then all of it is written: in turns, each would find
        # the processor's caches full of the other, a tenth of what a request costs.
        await asyncio.sleep(0)
        try:
            with self._deadlines.within(request.timeout or self._total):
                if request.allow_redirects:
                    return await self._follow(session, request)
                return await self._once(session, request)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failure(request, error) from None

    def _failure(self, request: Request, error: Exception) -> RetryableError | SetupError:
        """Say what went wrong without a response; the order matters, classes overlap."""
        where = place(request)
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            seconds = request.connect_timeout or self._connect
            text = f"{where}: no connection within {seconds:g} s"
            return RetryableError(text, code="REQUEST_TIMEOUT")
        if isinstance(error, TimeoutError):
            seconds = request.timeout or self._total
            text = f"{where}: no answer within {seconds:g} s"
            return RetryableError(text, code="REQUEST_TIMEOUT")
        if isinstance(getattr(error, "os_error", None), RefusedAddress):
            text = f"{where}: its address is not public; the operator may allow its network"
            return SetupError(text, code="REFUSED_ADDRESS")
        # ClientResponseError's own text ends with the URL, its query included
        told = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
        if isinstance(
            error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError
        ):
            text = f"{where}: the server's certificate is not trusted"
            return SetupError(text, detail=told, code="NETWORK_ERROR")
        if isinstance(error, aiohttp.ClientError | OSError) and not isinstance(
            error, aiohttp.InvalidURL
        ):
            text = f"{where} failed: {_reason(error)}"
            return RetryableError(text, detail=told, code="NETWORK_ERROR")
        return SetupError(f"{where}: not a request that can be sent; check URL and headers")

    async def _follow(self, session: aiohttp.ClientSession, request: Request) -> Response:
        """Send, and follow redirects within scheme, host and port; others are the answer."""
        response = await self._once(session, request)
        url = URL(request.url)
        for _ in range(MOST_REDIRECTS):
            location = response.header("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                break
            target = url.join(URL(location))
            if not target.host or target.origin() != url.origin():
                break
            url = target
            request = replace(request, url=str(url))
            if response.status == HTTPStatus.SEE_OTHER:  # RFC 9110, section 15.4.4
                request = replace(request, method="GET", body=None)
            response = await self._once(session, request)
        return response

    async def _once(self, session: aiohttp.ClientSession, request: Request) -> Response:
        body = request.body
        is_large = body is not None and len(body) > LARGE_BODY
        answer = await session.request(
            request.method,
            URL(request.url, encoded=True),
            data=io.BytesIO(body or b"") if is_large else body,
            headers=request.headers,
            allow_redirects=False,
            timeout=self._connect_timeout(request),
        )
        try:
            content, truncated = await self._read(answer)
        except BaseException:
            answer.close()
            raise
        return Response(answer.status, answer.headers, content, truncated)

    async def _read(self, answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        """Read the body up to the limit; a connection with more to come is closed, not drained."""
        length = answer.content_length
        if (
            length is not None
            and length <= self._longest
            and not answer.headers.get("Content-Encoding")
        ):
            # short answers are there as a whole, as a rule: a wait less
            content = answer.content
            return content.read_nowait() if content.is_eof() else await answer.read(), False
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > self._longest:
                answer.close()
                return bytes(body[: self._longest]), True
        return bytes(body), False


def _reason(error: BaseException) -> str:
    """Name a failure in the operating system's words where it has some."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.strerror:
        # a resolver's numbers are below 0 and not the system's; asyncio has its own text for others
        number = cause.errno or 0
        return os.strerror(number) if number > 0 else cause.strerror
    return type(error).__name__
