"""Segment's Tracking API, from bytes to a call: pure, and total for whatever is sent.

Source: Segment's HTTP API reference, and what its SDKs for Python and Node send (measured).
"""

import json
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from destination_core.errors import DestinationError

LARGEST_BODY: Final = 4_194_304
"""Bytes of a body, inflated. Segment says 500 kB, and its own Node SDK sends 3 MB."""

KINDS: Final = ("identify", "track", "page", "screen", "group", "alias")
ROUTES: Final[Mapping[str, str]] = {
    **{f"/v1/{kind}": kind for kind in KINDS},
    **dict(zip(("/v1/i", "/v1/t", "/v1/p", "/v1/s", "/v1/g", "/v1/a"), KINDS, strict=True)),
    "/v1/batch": "batch",
    "/v1/b": "batch",
    "/v1/import": "batch",
}
"""What each path takes; the letters are those of the browser's library."""

GZIP: Final = frozenset({"gzip", "x-gzip"})
MOST_MEMBERS: Final = 16
"""Members of a gzip stream (RFC 1952, section 2.2); what writes in pieces has a few."""

DIGITS: Final = 20
"""A number with fewer, its sign included, has 64 bits at most."""

_HALF: Final = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: what is left of an emoji that JavaScript has cut."""


KEPT: Final = 200
"""Levels that are left of JSON that is nested too deeply to be read; an event may have fewer."""

_STRUCTURE: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""What decides about levels: brackets, and strings, in which there may be some.

A string that is not closed swallows the rest, so that no byte is looked at twice.
"""


class Refused(DestinationError):
    """A call cannot be taken as a whole: its ``status``, and a ``code`` for programs.

    ``wait`` is how many seconds the caller is to wait before it tries again, if it shall.
    """

    def __init__(self, status: int, code: str, message: str, *, wait: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.wait = wait


def inflated(body: bytes, encoding: str, limit: int = LARGEST_BODY) -> bytes:
    """Undo a content encoding, to so many bytes at most; raises ``Refused``."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in GZIP:
        raise Refused(400, "unsupported_encoding", f"content encoding {encoding!r} is not gzip")
    made = b""
    for _ in range(MOST_MEMBERS):
        machine = zlib.decompressobj(wbits=31)
        try:
            made += machine.decompress(body, limit + 1 - len(made))
        except zlib.error as error:
            raise Refused(400, "invalid_gzip", f"body is no gzip: {error}") from None
        if len(made) > limit:
            raise too_large(limit)
        if not machine.eof:
            raise Refused(400, "invalid_gzip", "gzip stream ends too early")
        body = machine.unused_data
        if not body:
            return made
    raise Refused(400, "invalid_gzip", f"gzip stream has over {MOST_MEMBERS} members")


def too_large(limit: int) -> Refused:
    """Return the refusal of a body over the limit."""
    return Refused(400, "body_too_large", f"body is over {limit:,} bytes")


def decoded(body: bytes) -> dict[str, Any]:
    """Read a body; raises ``Refused``.

    Three things beyond JSON are taken, because Segment takes them and SDKs send them: a byte order
    mark; NaN and infinities, which become null, as do numbers beyond a double; half a surrogate
    pair, which becomes U+FFFD. Of what is nested beyond measure ``KEPT`` levels are read: enough to
    tell that event of a batch from its neighbours.
    """
    try:
        call = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        call = _patiently(body, str(error))
    if not isinstance(call, dict):
        raise Refused(400, "invalid_json", "body must be a JSON object")
    return call


def _patiently(body: bytes, said: str) -> Any:
    try:
        try:
            return _leniently(body)
        except RecursionError:
            return _leniently(_shallow(body))
    except (ValueError, RecursionError):
        raise Refused(400, "invalid_json", f"body is not JSON: {said}") from None


def _leniently(body: bytes) -> Any:
    value = json.loads(body.decode("utf-8-sig"), parse_constant=lambda _: None, parse_int=_whole)
    text = json.dumps(_finite(value), allow_nan=False, ensure_ascii=False)
    return orjson.loads(_HALF.sub("\N{REPLACEMENT CHARACTER}", text))


def _shallow(body: bytes) -> bytes:
    """Put null for what lies deeper than ``KEPT`` levels."""
    kept, level, start = [], 0, 0
    for match in _STRUCTURE.finditer(body):
        if match[0] in (b"[", b"{"):
            level += 1
            if level == KEPT + 1:
                kept.append(body[start : match.start()])
                start = match.start()
        elif match[0] in (b"]", b"}"):
            if level == KEPT + 1:
                kept.append(b"null")
                start = match.end()
            level -= 1
    return b"".join([*kept, body[start:]])


def _whole(digits: str) -> int | float:
    """Return a whole number as JavaScript has it: a double, beyond 64 bits."""
    return int(digits) if len(digits) < DIGITS else float(digits)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value
