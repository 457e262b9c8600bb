"""The events of a call, completed as Segment does: pure, and total for whatever is in it.

Source: Segment's HTTP API reference, its Spec, and the discard codes of its Delivery Overview.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from destination_core.event import is_deeper
from destination_core.server.wire import KINDS, LARGEST_BODY, Refused

LARGEST_EVENT: Final = 32_768
"""Bytes of one event: "32 KB per single call" and per event of a batch."""

MOST_EVENTS: Final = 2_500
"""Events of a batch."""

LONGEST_MESSAGE_ID: Final = 100
DEEPEST: Final = 100
"""Levels of objects and lists in one another."""

NO_OPENING: Final = bytes(one for one in range(256) if one not in b"{[")

LONGEST_DATE: Final = 40
EARLIEST: Final = datetime(1000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(3000, 1, 1, tzinfo=UTC)
"""Moments further off would leave what a datetime can hold when they are shifted."""

_CANONICAL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII).fullmatch
"""A moment as it is written here, if it is one."""

TYPES: Final = frozenset({*KINDS, "delete"})

_JSON_NAMES: Final[Mapping[type, str]] = {
    list: "a list",
    str: "a text",
    bool: "a boolean",
    type(None): "null",
}
SHARED: Final = ("context", "integrations")
IDS: Final = ("userId", "anonymousId", "groupId", "previousId")
NO_IDS: Final = (dict, list, bool)

CODES: Final[Mapping[str, str]] = {
    "no_user_anon_id": "neither `userId` nor `anonymousId`",
    "event_not_defined": "a track event without `event`",
    "event_not_string": "a track event whose `event` is not a string",
    "properties_not_object": "`properties` is not an object",
    "traits_not_object": "`traits` is not an object",
    "name_not_string": "the `name` of a page or screen is not a string",
    "category_not_string": "the `category` of a page or screen is not a string",
    "empty_batch": "a batch without events",
    "context_not_object": "`context` is not an object",
    "integrations_not_object": "`integrations` is not an object",
    "group_id_not_defined": "a group event without `groupId`",
    "previous_id_not_defined": "an alias event without `previousId`",
    "id_not_string": "an id that is a list, an object or a boolean",
    "invalid_type": "a `type` that Segment does not have",
    "event_not_object": "something in a batch that is not an object",
    "event_too_large": f"more than {LARGEST_EVENT:,} bytes",
    "event_too_deep": f"more than {DEEPEST} levels of objects and lists in one another",
    "batch_too_long": f"what comes after {MOST_EVENTS:,} events of a batch",
}
"""Why an event is not taken. The first eight are Segment's own, the others its style."""


@dataclass(frozen=True, slots=True)
class Discard:
    """One event that is not taken, and why: the call as a whole succeeds, as Segment's does.

    ``message_id`` is as it came, cut to what one may have; "" where there is none.
    """

    code: str
    message: str
    message_id: str = ""


@dataclass(slots=True)
class Call:
    """A call as it was read: its events, each of them as JSON, and what was discarded."""

    events: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    discards: list[Discard] = field(default_factory=list)


def read_call(kind: str, call: Mapping[str, Any], now: datetime, ip: str) -> Call:
    """Return the events of a call, completed as Segment does.

    ``kind`` is what the route says ("batch" takes a ``batch`` of events with a ``type`` each).
    Top-level ``context`` and ``integrations`` of a batch are merged into its events; missing
    ``messageId`` and ``timestamp`` are made up; ``sentAt`` mends the clock of the sender. Raises
    ``Refused`` when a batch has no list of events, or shares more than an event may hold, or all of
    its events together.
    """
    shared: Mapping[str, Any] = {}
    if kind != "batch":
        found: list[Any] = [{**call, "type": kind}]
    else:
        found = _batch(call)
        shared = _shared(call, min(len(found), MOST_EVENTS))
    read = Call()
    if not found:
        read.discards.append(Discard("empty_batch", "batch has no events"))
    sent_at = _moment(call.get("sentAt"))
    received = _iso(now)
    for number, event in enumerate(found):
        if number >= MOST_EVENTS:
            beyond = Discard("batch_too_long", f"over {MOST_EVENTS:,} events")
            many = len(found) - MOST_EVENTS
            read.discards += [_named(beyond, event), *[beyond] * (many - 1)]
            break
        problem = _problem(event)
        if problem is not None:
            read.discards.append(_named(problem, event))
            continue
        whole = _merged(event, shared) if shared else event
        made = _completed(whole, sent_at, now, received, ip)
        body = _written(made, event if kind == "batch" else call)
        if isinstance(body, Discard):
            read.discards.append(_named(body, event))
        else:
            read.events.append(made)
            read.bodies.append(body)
    return read


def _batch(call: Mapping[str, Any]) -> list[Any]:
    batch = call.get("batch")
    if not isinstance(batch, list):
        raise Refused(400, "invalid_batch", "body has no list of events under 'batch'")
    return batch


def _shared(call: Mapping[str, Any], many: int) -> dict[str, Any]:
    """Return what so many events of a batch share: bounded, for it is written once per event."""
    shared = {key: call[key] for key in SHARED if isinstance(call.get(key), Mapping)}
    written = _measured(shared) if shared else b""
    if isinstance(written, Discard):
        raise Refused(400, "context_too_large", f"'context' and 'integrations': {written.message}")
    if len(written) * many > LARGEST_BODY:
        raise Refused(
            400,
            "batch_too_large",
            f"'context' and 'integrations' of {len(written):,} bytes, written into {many:,} events,"
            f" are over {LARGEST_BODY:,} bytes; send fewer events in one batch",
        )
    return shared


def _named(discard: Discard, event: Any) -> Discard:
    """Say which event it was that is not taken."""
    given = event.get("messageId") if isinstance(event, dict) else None
    known = str(given)[:LONGEST_MESSAGE_ID] if isinstance(given, str | int) else ""
    return replace(discard, message_id=known)


def _problem(event: Any) -> Discard | None:
    if not isinstance(event, dict):
        came = _JSON_NAMES.get(type(event), "a number")
        return Discard("event_not_object", f"event must be an object, got {came}")
    kind = event.get("type")
    if kind is None:
        return Discard("invalid_type", "event has no type")
    if not isinstance(kind, str) or kind not in TYPES:
        return Discard("invalid_type", f"event type {str(kind)[:40]!r} is unknown")
    return _unnamed(event) or _misshapen(event, kind)


def _written(made: Mapping[str, Any], event: Mapping[str, Any]) -> bytes | Discard:
    """Write a completed event, unless what came (without what the route adds) is too large or deep.

    It is written once: what came is measured only if the written one leaves a doubt.
    """
    try:
        written = orjson.dumps(made)
    except TypeError:  # nested deeper than orjson goes: 254
        written = b""
    if not written or len(written) > LARGEST_EVENT or _is_bracketed(written):
        measured = _measured(event)
        if isinstance(measured, Discard):
            return measured
    return written


def _measured(value: Mapping[str, Any]) -> bytes | Discard:
    """Write what came, unless it is too large or too deep to be kept, forwarded and read again."""
    try:
        written = orjson.dumps(value)
    except TypeError:
        return Discard("event_too_deep", f"nested more than {DEEPEST} levels deep")
    if len(written) > LARGEST_EVENT:
        return Discard("event_too_large", f"{len(written):,} bytes of {LARGEST_EVENT:,}")
    if _is_bracketed(written) and is_deeper(value, DEEPEST):
        return Discard("event_too_deep", f"nested more than {DEEPEST} levels deep")
    return written


def _is_bracketed(written: bytes) -> bool:
    """Tell whether JSON may be nested too deeply: only with so many brackets; most has not."""
    return len(written.translate(None, NO_OPENING)) > DEEPEST


def _unnamed(event: Mapping[str, Any]) -> Discard | None:
    """Find ids that are none; a number is one, 0 included."""
    for key in IDS:
        if isinstance(event.get(key), NO_IDS):
            return Discard("id_not_string", f"{key!r} must be a string")
    if event.get("userId") in (None, "") and event.get("anonymousId") in (None, ""):
        return Discard("no_user_anon_id", "event has neither userId nor anonymousId")
    return None


def _misshapen(event: Mapping[str, Any], kind: str) -> Discard | None:
    if kind == "track" and event.get("event") in (None, ""):
        return Discard("event_not_defined", "track event has no event")
    if kind == "track" and not isinstance(event["event"], str):
        return Discard("event_not_string", "'event' must be a string")
    if kind == "group" and event.get("groupId") in (None, ""):
        return Discard("group_id_not_defined", "group event has no groupId")
    if kind == "alias" and event.get("previousId") in (None, ""):
        return Discard("previous_id_not_defined", "alias event has no previousId")
    if kind in ("page", "screen"):
        for key in ("name", "category"):
            if event.get(key) is not None and not isinstance(event[key], str):
                return Discard(f"{key}_not_string", f"{key!r} must be a string")
    for key in ("properties", "traits", "context", "integrations"):
        if event.get(key) is not None and not isinstance(event[key], dict):
            return Discard(f"{key}_not_object", f"{key!r} must be an object")
    return None


def _merged(event: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: {**values, **(event.get(key) or {})} for key, values in shared.items()}
    return {**event, **merged}


def _completed(
    event: dict[str, Any], sent_at: datetime | None, now: datetime, received: str, ip: str
) -> dict[str, Any]:
    made = dict(event)
    if None in made.values():
        made = {key: value for key, value in event.items() if value is not None}
    made.pop("writeKey", None)
    sent_at = sent_at or _moment(made.get("sentAt"))
    made.pop("sentAt", None)
    made["messageId"] = _message_id(made.get("messageId"))
    original = made.get("timestamp")
    moment = _moment(original)
    if original is not None:
        made["originalTimestamp"] = original
    if moment is None:
        made["timestamp"] = received
    elif sent_at is not None:
        made["timestamp"] = _iso(now - (sent_at - moment))
    elif not _CANONICAL(str(original)):
        made["timestamp"] = _iso(moment)
    made["receivedAt"] = received
    if sent_at is not None:
        made["sentAt"] = _iso(sent_at)
    context = made.get("context")
    if ip and isinstance(context, dict) and context.get("direct") is True and "ip" not in context:
        made["context"] = {**context, "ip": ip}
    return made


def _message_id(given: Any) -> str:
    """Return what an event is known by: one that cannot be used becomes another, always the same.

    So a repetition is recognised, whatever a client takes for a message id.
    """
    if isinstance(given, str) and 0 < len(given) <= LONGEST_MESSAGE_ID:
        return given
    if given in (None, ""):
        return f"api-{uuid.uuid4()}"
    return f"api-{hashlib.blake2b(orjson.dumps(given), digest_size=16).hexdigest()}"


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > LONGEST_DATE:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return moment if EARLIEST < moment < LATEST else None


def _iso(moment: datetime) -> str:
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[:-6] + "Z"
