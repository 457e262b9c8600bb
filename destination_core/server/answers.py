"""What the server answers: JSON with CORS headers, refusals with `code` and `message`."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp.web_response import Response

from destination_core.server.wire import Refused

NAME: Final[Mapping[str, str]] = {"Server": "destinations"}
"""Where aiohttp would tell of versions."""

CORS: Final[Mapping[str, str]] = {
    **NAME,
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-RateLimit-Reset",
}
PREFLIGHT: Final[Mapping[str, str]] = {
    **CORS,
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, X-Retry-Count",
    "Access-Control-Max-Age": "86400",
}
SUCCESS: Final = b'{"success":true}'
JSON: Final = "application/json"


def success() -> Response:
    """Say that a call was taken."""
    return Response(body=SUCCESS, headers=CORS, content_type=JSON)


def document(value: Any, status: int = 200) -> Response:
    """Answer a value as JSON."""
    return Response(status=status, body=orjson.dumps(value), headers=NAME, content_type=JSON)


def preflight() -> Response:
    """Tell a browser what it may send."""
    return Response(status=204, headers=PREFLIGHT)


def refusal(refused: Refused, *, allow: str = "") -> Response:
    """Answer with `code` and `message`, which Segment's SDKs read; 429 with whole seconds.

    ``allow`` names the methods, where another one was used.
    """
    body = orjson.dumps({"success": False, "code": refused.code, "message": str(refused)})
    response = Response(status=refused.status, body=body, headers=CORS, content_type=JSON)
    if refused.wait is not None:
        response.headers["Retry-After"] = response.headers["X-RateLimit-Reset"] = str(refused.wait)
    if allow:
        response.headers["Allow"] = allow
    return response
