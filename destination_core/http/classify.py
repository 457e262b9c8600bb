"""Statuses and failures as errors: the class is the retry policy."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from destination_core.errors import (
    DeliveryError,
    InvalidAuthentication,
    PermanentError,
    RetryableError,
    SetupError,
)
from destination_core.http.messages import Request, Response
from destination_core.http.redaction import Redactor

SEGMENT_CODES: Final = {
    301: "MOVED_PERMENANTLY",  # Segment's spelling
    306: "SWITCH_PROXY",
    413: "PAYLOAD_TOO_LARGE",
    414: "URI_TOO_LONG",
    416: "RANGE_NOT_SATISFIABLE",
    422: "UNPROCESSABLE_ENTITY",
    499: "CANCELLED",
    509: "BANDWIDTH_LIMIT_EXCEEDED",
    529: "SITE_IS_OVERLOADED",
}
"""Where Segment's code is not the name of Python's ``HTTPStatus``, which 3.13 changed for some."""

RETRYABLE: Final = frozenset({408, 425, 429})
"""Beside all 5xx but 501 and 505, which say that the request will never be understood."""

NEVER: Final = frozenset({501, 505})

CREDENTIALS: Final = frozenset({401, 403})
"""They speak of the settings, not of the request."""

EXCERPT: Final = 500
"""Characters of a response body that go into an error's detail."""

EXAMINED: Final = 20_000
"""Bytes of it that are searched for secrets before it is cut."""


def code_of(status: int) -> str:
    """Return Segment's error code for a status: ``TOO_MANY_REQUESTS`` for 429."""
    if status in SEGMENT_CODES:
        return SEGMENT_CODES[status]
    try:
        return HTTPStatus(status).name
    except ValueError:
        return "UNKNOWN_ERROR"


def error_for(request: Request, response: Response, secrets: Collection[str] = ()) -> DeliveryError:
    """Return the error that a response outside 2xx stands for, without ``secrets``.

    408, 425, 429 and 5xx (but 501, 505) are retryable; 401 and 403 mean credentials; a redirect
    or 410 means that the endpoint is wrong; everything else would fail again.
    """
    status = response.status
    code = code_of(status)
    clean = Redactor(secrets, request)
    phrase = code.replace("_", " ").capitalize() if code != "UNKNOWN_ERROR" else ""
    message = f"{clean.text(place(request))} answered {status} {phrase}".rstrip()
    detail = clean.text(response.body[:EXAMINED].decode("utf-8", "replace"))[:EXCERPT] or None
    if 300 <= status < 400:  # noqa: PLR2004  RFC 9110, section 15.4
        message += clean.text(_towards(response))
    if status in CREDENTIALS:
        message += "; check the credentials in the settings"
    return error_of(status, message, detail=detail, retry_after=response.retry_after)


def error_of(
    status: int,
    message: str,
    *,
    detail: str | None = None,
    retry_after: float | None = None,
    code: str | None = None,
) -> DeliveryError:
    """Return the error that a status outside 2xx stands for, in words of one's own.

    For destinations that put statuses into their answers; ``code`` is Segment's unless given.
    """
    if status in CREDENTIALS:
        return InvalidAuthentication(message, detail=detail, status=status, code=code)
    code = code or code_of(status)
    if status in RETRYABLE or (status >= 500 and status not in NEVER):  # noqa: PLR2004  RFC 9110
        return RetryableError(
            message, detail=detail, code=code, status=status, retry_after=retry_after
        )
    if 300 <= status < 400 or status == HTTPStatus.GONE:  # noqa: PLR2004  RFC 9110, section 15.4
        return SetupError(message, detail=detail, code=code, status=status)
    return PermanentError(message, detail=detail, code=code, status=status)


def place(request: Request) -> str:
    """Name a request without what may be secret: method, host, port and path, no query."""
    if not request.host:
        return f"{request.method} "
    url = urlsplit(request.url)
    return f"{request.method} {url.netloc.rpartition('@')[2]}{url.path}"


def _towards(response: Response) -> str:
    """Name the host of a redirect: it tells which region or endpoint was meant."""
    try:
        host = urlsplit(response.header("Location") or "").hostname
    except ValueError:  # brackets that hold no address
        return ""
    return f", a redirect to {host}" if host else ""
