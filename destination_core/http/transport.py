"""Carry a request over the network: aiohttp, behind a seam of one method."""

import asyncio
import ssl
from types import TracebackType
from typing import Final, Protocol, Self

import aiohttp
from yarl import URL

from destination_core.errors import RetryableError, SetupError
from destination_core.http.classify import place
from destination_core.http.messages import Request, Response

TOTAL_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0
LONGEST_BODY: Final = 1_048_576
"""Bytes of a response body that are read, after decompression; the rest is not."""

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
    """One aiohttp session: connections are reused, certificates verified, bodies capped.

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
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _connector(self) -> aiohttp.TCPConnector:
        """Make the connector: the one place where sockets come from."""
        return aiohttp.TCPConnector(limit=self._limit, limit_per_host=0)

    def _timeout(self, total: float) -> aiohttp.ClientTimeout:
        """Return the time-outs of a request; a connection has to be made within its own."""
        made = self._timeouts.get(total)
        if made is None:
            if len(self._timeouts) > MOST_TIMEOUTS:
                self._timeouts.clear()
            made = aiohttp.ClientTimeout(total=total, sock_connect=self._connect)
            self._timeouts[total] = made
        return made

    async def send(self, request: Request) -> Response:
        """Send a request; see ``Transport``."""
        if self._session is None:
            raise RuntimeError("transport is not open; use `async with AiohttpTransport()`")
        try:
            return await self._follow(self._session, request)
        except TimeoutError as error:
            seconds = request.timeout or self._total
            raise RetryableError(
                f"{place(request)} timed out after {seconds:g} s", code="REQUEST_TIMEOUT"
            ) from error
        except (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError) as error:
            raise SetupError(
                f"{place(request)}: the server's certificate is not trusted",
                detail=str(error),
                code="NETWORK_ERROR",
            ) from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise SetupError(
                f"{place(request)}: not a URL to send to", detail=str(error)
            ) from error
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            raise RetryableError(
                f"{place(request)} failed: {type(error).__name__}",
                detail=str(error),
                code="NETWORK_ERROR",
            ) from error

    async def _follow(self, session: aiohttp.ClientSession, request: Request) -> Response:
        """Send, and where that is allowed follow redirects within the host."""
        response = await self._once(session, request, request.url)
        if not request.allow_redirects:
            return response
        url = URL(request.url)
        for _ in range(5):
            location = response.header("Location")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                break
            target = url.join(URL(location))
            if target.origin() != url.origin():
                break
            url = target
            response = await self._once(session, request, str(url))
        return response

    async def _once(self, session: aiohttp.ClientSession, request: Request, url: str) -> Response:
        total = self._total if request.timeout is None else request.timeout
        async with session.request(
            request.method,
            URL(url, encoded=True),
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            timeout=self._timeout(total),
        ) as answer:
            body, truncated = await self._read(answer)
            return Response(answer.status, answer.headers, body, truncated)

    async def _read(self, answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        """Read the body up to the limit; a connection with more to come is closed, not drained."""
        length = answer.content_length
        if (
            length is not None
            and length <= self._longest
            and not answer.headers.get("Content-Encoding")
        ):
            return await answer.read(), False
        body = bytearray()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > self._longest:
                answer.close()
                return bytes(body[: self._longest]), True
        return bytes(body), False
