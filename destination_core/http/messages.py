"""One request and one response, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from destination_core.http.guard import Guard
from destination_core.http.retry_after import retry_after


@dataclass(slots=True, repr=False)
class Request:
    """A request as it goes out.

    ``url`` is absolute; ``timeout`` (the total) and ``connect_timeout`` are in seconds, None
    stands for the transport's own; ``guard`` says which addresses may be connected to, None all.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    timeout: float | None = None
    allow_redirects: bool = False
    connect_timeout: float | None = None
    guard: Guard | None = None

    @property
    def host(self) -> str:
        """The host that is asked, without user information and port."""
        try:
            return urlsplit(self.url).hostname or ""
        except ValueError:  # brackets that hold no address
            return ""

    def __repr__(self) -> str:
        size = len(self.body or b"")
        return f"<Request {self.method} {self.host}, {size:,} bytes>"


@dataclass(slots=True, repr=False)
class Response:
    """A response as it came back.

    ``body`` is decoded from its content encoding and cut at the transport's limit;
    ``truncated`` tells whether it was.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    truncated: bool = False

    @property
    def ok(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004  RFC 9110, section 15.3

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Decode the body; raises ``ValueError`` when it is not JSON, or not all of it."""
        if self.truncated:
            raise ValueError(f"response was cut after {len(self.body):,} bytes; not read as JSON")
        return orjson.loads(self.body)

    def header(self, name: str) -> str | None:
        """Return a header whatever its case, or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the destination asks to wait for; None when it does not say."""
        return retry_after(self.header("Retry-After"))

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body):,} bytes>"
