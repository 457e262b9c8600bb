"""What aiohttp leaves open below the level of requests: patience, and errors as JSON."""

import asyncio
import logging
import resource
import sys
from collections.abc import Callable
from typing import Any, Final

from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server

from destination_core.server.answers import refusal
from destination_core.server.wire import Refused

log: Final = logging.getLogger(__name__)

HEAD_SECONDS: Final = 20.0
"""How long the first line and the headers of a connection may take to arrive."""

IDLE_SECONDS: Final = 75.0
"""How long a connection may wait for its next request; load balancers give up after 60."""

LINGER_SECONDS: Final = 5.0
"""How long the rest of a body is read and thrown away, so that its sender reads the answer."""


class Protocol(RequestHandler):
    """One connection: closed when no request comes, answered in JSON when it is not HTTP.

    ``count`` is told of each such answer.
    """

    def __init__(self, *given: Any, count: Callable[[Refused], None], **options: Any) -> None:
        super().__init__(*given, **options)
        self._count_refusal = count

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        # aiohttp's own timer starts with the second request
        self._patience = self._loop.call_later(HEAD_SECONDS, self._impatient)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End to wait."""
        self._patience.cancel()
        super().connection_lost(exc)

    def _impatient(self) -> None:
        if not self._request_count:
            self.force_close()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  it quotes what came
    ) -> StreamResponse:
        """Answer what is not HTTP; aiohttp would show, and log, the bytes that came."""
        log.debug("%s sent what is not HTTP: %s", request.remote, type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        if status >= 500:  # noqa: PLR2004
            told = Refused(500, "internal_error", "something failed here; try again")
        else:
            told = Refused(400, "bad_request", "request is not HTTP, or its headers are too large")
        self._count_refusal(told)
        answer = refusal(told)
        answer.force_close()
        return answer


class Connections(Server):
    """Makes a ``Protocol`` for each connection; more than ``most`` at once are cut off.

    By default half of the files that the process may open: the others are for the queue and for
    the connections to destinations, which nobody who only connects shall take. ``count`` is told of
    each answer to what is not HTTP.
    """

    def __init__(self, *given: Any, count: Callable[[Refused], None], **options: Any) -> None:
        super().__init__(*given, **options)
        self._count_refusal = count
        self.most = most_files() // 2

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection, or cut it off."""
        super().connection_made(handler, transport)
        if len(self._connections) > self.most:
            log.warning("too many connections: one more is cut off")
            self._loop.call_soon(transport.abort)  # after aiohttp has begun with it

    def __call__(self) -> RequestHandler:
        """Make the protocol of a new connection."""
        return Protocol(self, count=self._count_refusal, loop=self._loop, **self._kwargs)


def most_files() -> int:
    """Return how many files the process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
