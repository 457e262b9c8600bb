"""Customer.io's limits and reserved names, each with its source, and what to do about them.

Source, unless said otherwise: the Track API's OpenAPI description (docs.customer.io,
journeys-track). All limits are bytes of UTF-8.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson

import destination_core as dc

ITEM_BYTES: Final = 32_000
"""One request to ``/entity``, or one item of a batch: "32kb or smaller"."""

BATCH_BYTES: Final = 475_000
"""A batch must be "smaller than 500kb"; the margin is that of Segment's own clients."""

BATCH_ITEMS: Final = 100
"""No maximum is documented; Segment's fields allow 2 to 100."""

IDENTIFIER_BYTES: Final = 150
"""``id`` of a person and ``object_id``."""

NAME_BYTES: Final = 150
"""Name of an attribute."""

VALUE_BYTES: Final = 1_000
"""Value of an attribute of a person or an object."""

ATTRIBUTES: Final = 300
"""Attributes of a person or an object, in one request."""

EVENT_NAME_BYTES: Final = 100
"""Name of an event, a page or a screen (stated for v1; v2 is not known to be laxer)."""

SHORT: Final = IDENTIFIER_BYTES // 4
"""Characters of an identifier that are within its limit whatever they are."""

SHORT_NAME: Final = EVENT_NAME_BYTES // 4
"""The same for the name of an event."""

MESSAGE_OVERRIDES: Final = frozenset({"recipient", "from_address", "reply_to"})
"""Event attributes that override the settings of a message (Track API, event attributes)."""

RESERVED: Final = frozenset({"_relationship", "cio_relationships"})
"""Names that a person's attributes cannot have (docs.customer.io, reserved attributes, objects)."""

RESERVED_OF_OBJECTS: Final = RESERVED | {"relationship"}
"""Names that an object's attributes cannot have (docs.customer.io, objects)."""

NEEDED: Final = frozenset({"email", "created_at", "anonymous_id"})
"""Attributes that say who a person is: they stay when there are too many."""


def fits(text: str, limit: int) -> bool:
    """Tell whether a text is within a limit; short ones need no encoding."""
    return len(text) * 4 <= limit or len(text.encode("utf-8", "surrogatepass")) <= limit


def shortened(text: str, limit: int) -> str:
    """Cut a text at a limit of bytes, between characters."""
    return text.encode("utf-8", "surrogatepass")[:limit].decode("utf-8", "ignore")


def check_identifiers(identifiers: Mapping[str, str]) -> None:
    """Raise ``InvalidPayload`` for an identifier that Customer.io would refuse."""
    for key, value in identifiers.items():
        if len(value) > SHORT and not fits(value, IDENTIFIER_BYTES):
            raise dc.InvalidPayload(
                f"{key} has {len(value.encode('utf-8', 'surrogatepass'))} bytes;"
                f" Customer.io accepts {IDENTIFIER_BYTES}"
            )


def event_name(name: str, policy: str, warnings: list[str]) -> str:
    """Return an event's name within its limit; raises ``InvalidPayload`` when told to reject."""
    if len(name) <= SHORT_NAME or policy == "keep" or fits(name, EVENT_NAME_BYTES):
        return name
    if policy == "reject":
        raise dc.InvalidPayload(
            f"event name {name[:40]!r}… is over Customer.io's {EVENT_NAME_BYTES} bytes"
        )
    warnings.append(f"event name {name[:40]!r}… is cut at {EVENT_NAME_BYTES} bytes")
    return shortened(name, EVENT_NAME_BYTES)


def attributes(
    values: dict[str, Any],
    policy: str,
    warnings: list[str],
    reserved: Collection[str] = RESERVED,
) -> dict[str, Any]:
    """Return the attributes of a person, an object or a relationship within the limits.

    One attribute over its limit makes Customer.io refuse the whole person, so it is shortened
    (texts) or dropped (everything else), with a warning; or ``InvalidPayload`` is raised.
    """
    if policy == "keep":
        return values
    faulty = [key for key, value in values.items() if not _is_within(key, value, reserved)]
    if not faulty and len(values) <= ATTRIBUTES:
        return values
    if policy == "reject":
        what = f"attribute {faulty[0]!r}" if faulty else f"{len(values)} attributes"
        raise dc.InvalidPayload(f"{what[:200]} over Customer.io's limits")
    trimmed = dict(values)
    for key in faulty:
        value = trimmed[key]
        if isinstance(value, str) and fits(key, NAME_BYTES) and key not in reserved:
            trimmed[key] = shortened(value, VALUE_BYTES)
            warnings.append(f"attribute {key!r} is cut at {VALUE_BYTES} bytes")
        else:
            del trimmed[key]
            warnings.append(f"attribute {key[:60]!r} is left out: over Customer.io's limits")
    surplus = len(trimmed) - ATTRIBUTES
    if surplus > 0:
        warnings.append(f"{surplus} attributes are left out: over {ATTRIBUTES}")
        for key in [key for key in reversed(trimmed) if key not in NEEDED][:surplus]:
            del trimmed[key]
    return trimmed


def _is_within(key: str, value: Any, reserved: Collection[str]) -> bool:
    if key in reserved or not fits(key, NAME_BYTES):
        return False
    if isinstance(value, str):
        return fits(value, VALUE_BYTES)
    if isinstance(value, dict | list):
        return len(_dumps(key, value)) <= VALUE_BYTES
    return True


def _dumps(key: str, value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise dc.InvalidPayload(
            f"attribute {key[:60]!r} cannot be written as JSON: {error}"
        ) from error
