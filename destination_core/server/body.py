"""Read the bodies of requests within limits of size, of time, and of all of them together."""

import asyncio
from types import TracebackType
from typing import Final, Self

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError
from aiohttp.web_request import BaseRequest

from destination_core.server.wire import LARGEST_BODY, Refused, too_large

BODY_SECONDS: Final = 15.0
"""How long a body may take to arrive."""

LARGEST_UNKNOWN: Final = 512_000
"""Bytes of a body, inflated, whose sender is not known before: Segment's limit for a batch."""

MOST_HELD: Final = 33_554_432
MOST_UNKNOWN: Final = 8_388_608
"""Bytes that may be held at once, and those of them from senders that are not known yet."""

EVENT_BYTES: Final = 1_024
"""What an event takes besides its JSON while it waits for the disk; of small ones that is most."""

MOST_WAITING: Final = 5_000
"""Calls in hand at once."""


class Load:
    """What the server holds in memory: calls, and the bytes of their bodies."""

    def __init__(self) -> None:
        self.calls = 0
        self.held = 0
        self.unknown = 0

    def hold(self, *, known: bool) -> "Hold":
        """Return the hold of one call, to be entered."""
        return Hold(self, known=known)


class Hold:
    """One call with its bytes, counted until it is answered: a context manager.

    Raises ``Refused`` when it is entered, or added to, and that is too much.
    """

    __slots__ = ("_known", "_load", "_many")

    def __init__(self, load: Load, *, known: bool) -> None:
        self._load = load
        self._known = known
        self._many = 0

    def __enter__(self) -> Self:
        if self._load.calls >= MOST_WAITING:
            raise busy()
        self._load.calls += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._load.calls -= 1
        self._count(-self._many)

    def add(self, many: int) -> None:
        """Count so many bytes more."""
        self.be(self._many + many)

    def be(self, many: int) -> None:
        """Count so many bytes in all: what is held is another thing now."""
        self._count(many - self._many)
        self._many = many
        if self._load.held > MOST_HELD or self._load.unknown > MOST_UNKNOWN:
            raise busy()

    def _count(self, many: int) -> None:
        self._load.held += many
        if not self._known:
            self._load.unknown += many


def busy() -> Refused:
    """Return the refusal of a call when too much is in hand."""
    return Refused(429, "too_busy", "too much waits here already; send it again later", wait=1)


def largest(*, known: bool) -> int:
    """Return how many bytes a body may have, as it comes and inflated."""
    return LARGEST_BODY if known else LARGEST_UNKNOWN


async def read(request: BaseRequest, hold: Hold, *, limit: int) -> bytes:
    """Read a body; raises ``Refused``. The ``hold`` counts what is read."""
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    await _invite(request)
    body = bytearray()
    try:
        if request.content.is_eof():  # it has come with its head, as most do: no timer for it
            body += request.content.read_nowait()
            hold.add(len(body))
            if len(body) > limit:
                raise too_large(limit)
            return bytes(body)
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                hold.add(len(chunk))
                body += chunk
                if len(body) > limit:
                    raise too_large(limit)
    except TimeoutError:
        message = f"body did not arrive within {BODY_SECONDS:g} s"
        raise Refused(408, "body_too_slow", message) from None
    except (RequestPayloadError, HttpProcessingError):
        raise Refused(400, "bad_request", "body is cut off, or its chunks are not HTTP") from None
    return bytes(body)


async def _invite(request: BaseRequest) -> None:
    """Ask for the body, where the caller waits to be asked: RFC 9110, section 10.1.1."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun
