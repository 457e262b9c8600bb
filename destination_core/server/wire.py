"""Segment's Tracking API, from bytes to events: pure, and total for whatever is sent.

Source: Segment's HTTP API reference, and what its SDKs for Python and Node send (measured).
"""

import json
import math
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from destination_core.errors import DestinationError

LARGEST_EVENT: Final = 32_768
"""Bytes of one event: "32 KB per single call" and per event of a batch."""

LARGEST_BODY: Final = 4_194_304
"""Bytes of a body, inflated. Segment says 500 kB, and its own Node SDK sends 3 MB."""

MOST_EVENTS: Final = 2_500
"""Events of a batch."""

LONGEST_MESSAGE_ID: Final = 100
DEEPEST: Final = 100

KINDS: Final = ("identify", "track", "page", "screen", "group", "alias")
ROUTES: Final[Mapping[str, str]] = {
    **{f"/v1/{kind}": kind for kind in KINDS},
    **dict(zip(("/v1/i", "/v1/t", "/v1/p", "/v1/s", "/v1/g", "/v1/a"), KINDS, strict=True)),
    "/v1/batch": "batch",
    "/v1/b": "batch",
    "/v1/import": "batch",
}
"""What each path takes; the letters are those of the browser's library."""

TYPES: Final = frozenset({*KINDS, "delete"})
NEEDED: Final[Mapping[str, str]] = {"track": "event", "group": "groupId", "alias": "previousId"}
SHARED: Final = ("context", "integrations")


class Refused(DestinationError):
    """A call cannot be taken as a whole: its ``status``, and a ``code`` for programs."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Discard:
    """One event that is not taken, and why: the call as a whole succeeds, as Segment's does."""

    code: str
    message: str


@dataclass(slots=True)
class Call:
    """A call as it was read: its events, and what was discarded."""

    events: list[dict[str, Any]] = field(default_factory=list)
    discards: list[Discard] = field(default_factory=list)


def inflated(body: bytes, encoding: str) -> bytes:
    """Undo a content encoding within ``LARGEST_BODY``; raises ``Refused``."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise Refused(400, "unsupported_encoding", f"content encoding {encoding!r} is not gzip")
    machine = zlib.decompressobj(wbits=31)
    try:
        inflated = machine.decompress(body, LARGEST_BODY + 1)
    except zlib.error as error:
        raise Refused(400, "invalid_gzip", f"body is no gzip: {error}") from None
    if len(inflated) > LARGEST_BODY:
        raise too_large()
    if not machine.eof:
        raise Refused(400, "invalid_gzip", "gzip stream ends too early")
    return inflated


def too_large() -> Refused:
    """Return the refusal of a body over the limit."""
    return Refused(400, "body_too_large", f"body is over {LARGEST_BODY:,} bytes")


def decoded(body: bytes) -> dict[str, Any]:
    """Read a body; raises ``Refused``.

    NaN and infinities, which Segment's Python SDK may send, become null; so does nothing else.
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
        value = json.loads(body.decode("utf-8-sig"), parse_constant=lambda _: None)
        text = json.dumps(_finite(value), allow_nan=False, ensure_ascii=False)
        return orjson.loads(text.encode())
    except (ValueError, RecursionError):
        raise Refused(400, "invalid_json", f"body is not JSON: {said}") from None


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value


def read_call(kind: str, call: Mapping[str, Any], now: datetime, ip: str) -> Call:
    """Return the events of a call, completed as Segment does.

    ``kind`` is what the route says ("batch" takes a ``batch`` of events with a ``type`` each).
    Top-level ``context`` and ``integrations`` of a batch are merged into its events; missing
    ``messageId`` and ``timestamp`` are made up; ``sentAt`` mends the clock of the sender.
    """
    if kind != "batch":
        found = [{**call, "type": kind}]
    else:
        batch = call.get("batch")
        if not isinstance(batch, list):
            raise Refused(400, "invalid_batch", "body has no list of events under 'batch'")
        found = batch
    read = Call()
    shared = {key: call[key] for key in SHARED if isinstance(call.get(key), Mapping)}
    sent_at = _moment(call.get("sentAt"))
    received = _iso(now)
    for number, event in enumerate(found):
        if number >= MOST_EVENTS:
            many = len(found) - MOST_EVENTS
            read.discards += [Discard("batch_too_long", f"over {MOST_EVENTS:,} events")] * many
            break
        problem = _problem(event)
        if problem is None:
            if kind == "batch":
                event = _merged(event, shared)  # noqa: PLW2901  completed on its way
            read.events.append(_completed(event, sent_at, now, received, ip))
        else:
            read.discards.append(problem)
    return read


def _problem(event: Any) -> Discard | None:
    if not isinstance(event, dict):
        return Discard("invalid_event", f"event must be an object, got {type(event).__name__}")
    kind = event.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        return Discard("invalid_type", f"event type {str(kind)[:40]!r} is unknown")
    try:
        size = len(orjson.dumps(event))
    except TypeError as error:
        return Discard("invalid_event", f"event cannot be written as JSON: {error}")
    if size > LARGEST_EVENT:
        return Discard("event_too_large", f"event has {size:,} bytes of {LARGEST_EVENT:,}")
    if not (event.get("userId") or event.get("anonymousId")):
        return Discard("missing_identity", "event has neither userId nor anonymousId")
    needed = NEEDED.get(kind)
    if needed is not None and not event.get(needed):
        return Discard(f"missing_{needed}", f"{kind} event has no {needed}")
    for key in ("properties", "traits", "context", "integrations"):
        if event.get(key) is not None and not isinstance(event[key], dict):
            return Discard("invalid_event", f"event {key!r} must be an object")
    return None


def _merged(event: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    for key, values in shared.items():
        event = {**event, key: {**values, **(event.get(key) or {})}}
    return event


def _completed(
    event: dict[str, Any], sent_at: datetime | None, now: datetime, received: str, ip: str
) -> dict[str, Any]:
    made = {key: value for key, value in event.items() if value is not None}
    made.pop("writeKey", None)
    made.pop("sentAt", None)
    message_id = made.get("messageId")
    if not isinstance(message_id, str) or not message_id or len(message_id) > LONGEST_MESSAGE_ID:
        made["messageId"] = f"api-{uuid.uuid4()}"
    original = made.get("timestamp")
    moment = _moment(original)
    if original is not None:
        made["originalTimestamp"] = original
    if moment is not None and sent_at is not None:
        moment = now - (sent_at - moment)
    made["timestamp"] = received if moment is None else _iso(moment)
    made["receivedAt"] = received
    if sent_at is not None:
        made["sentAt"] = _iso(sent_at)
    context = made.get("context")
    if ip and isinstance(context, dict) and context.get("direct") is True and "ip" not in context:
        made["context"] = {**context, "ip": ip}
    return made


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 40:  # noqa: PLR2004  no date is longer
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    # far-off moments would leave what datetime can hold when they are shifted
    near = abs(moment.year - 2026) < 1_000  # noqa: PLR2004
    return moment if near else None


def _iso(moment: datetime) -> str:
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:-6] + "Z"
