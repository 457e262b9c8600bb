"""What every request of a connection has in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from aiolimiter import AsyncLimiter

if TYPE_CHECKING:
    from destination_core.http.transport import Transport


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What ``extend_request`` adds to every request of a connection.

    ``base_url`` is put in front of paths; ``headers`` go with every request; ``timeout`` is the
    total in seconds (default: the transport's, 10). Redirects are not followed unless
    ``allow_redirects`` says so, and never to another host: credentials would go with them.
    ``requests_per_second`` bounds the rate of the connection, bursts of one second included.
    """

    base_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    allow_redirects: bool = False
    requests_per_second: float | None = None


class Session:
    """A transport with the options of one connection, prepared once for many requests."""

    __slots__ = (
        "_base",
        "allow_redirects",
        "headers",
        "json_headers",
        "limiter",
        "timeout",
        "transport",
    )

    def __init__(self, transport: "Transport", options: RequestOptions) -> None:
        self.transport = transport
        self._base = options.base_url.rstrip("/")
        self.timeout = options.timeout
        self.allow_redirects = options.allow_redirects
        rate = options.requests_per_second
        self.limiter = None if rate is None else AsyncLimiter(max(rate, 1), max(1, 1 / rate))
        given = {key.lower() for key in options.headers}
        own = {} if "user-agent" in given else {"User-Agent": user_agent()}
        self.headers: dict[str, str] = {**own, **options.headers}
        self.json_headers = (
            self.headers
            if "content-type" in given
            else {**self.headers, "Content-Type": "application/json"}
        )

    def url(self, url: str) -> str:
        """Return the absolute URL; a path is appended to the base URL, whatever that ends in."""
        if url.startswith("/"):
            return self._base + url
        if "://" in url:
            return url
        return urljoin(f"{self._base}/", url)


@cache
def user_agent() -> str:
    """Return the default `User-Agent`: the distribution's name and version."""
    try:
        return f"destination-core/{version('destination-core')}"
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "destination-core"
