"""Checks that v1 and v2 share: identifiers, attributes, event names, timestamps."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson

from destination_customerio.simulator.problems import Problem, invalid, required
from destination_customerio.simulator.rules import Rules

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+[1-9][0-9]{0,14}")
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")

_BYTES_PER_CHARACTER = 4
UNMEASURED = frozenset({"cio_subscription_preferences"})


def longer_than(text: str, limit: int) -> bool:
    """Tell whether the UTF-8 of a text exceeds ``limit`` bytes."""
    if len(text) * _BYTES_PER_CHARACTER <= limit:
        return False
    return len(text.encode()) > limit


def identifiers(
    value: Any, field: str, allowed: Collection[str], rules: Rules
) -> Iterator[Problem]:
    """Check a person's identifiers: exactly one of ``allowed``, a string or a number."""
    if value is None:
        yield required(field)
        return
    if not isinstance(value, dict):
        yield invalid(field, "must be an object")
        return
    named = [name for name in value if name in allowed]
    if len(named) != 1 or len(value) != 1:
        yield invalid(field, f"must contain exactly one of {', '.join(sorted(allowed))}")
        return
    name = named[0]
    yield from identifier(name, value[name], f"{field}.{name}", rules)


def identifier(name: str, value: Any, field: str, rules: Rules) -> Iterator[Problem]:
    """Check one identifier; ``name`` is its kind, such as ``id`` or ``email``."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        yield invalid(field, "must be a string or a number")
        return
    text = str(value)
    if not text.strip():
        yield required(field)
    elif longer_than(text, rules.id_bytes):
        yield invalid(field, f"cannot be longer than {rules.id_bytes} bytes")
    elif name == "email" and not _EMAIL.fullmatch(text):
        yield invalid(field, "must be a valid email address")
    elif name == "phone" and not _PHONE.fullmatch(text):
        yield invalid(field, "must be a phone number in E.164 format")


def attributes(
    value: Any, field: str, rules: Rules, reserved: Collection[str] = ()
) -> Iterator[Problem]:
    """Check stored attributes: their number, the bytes of each name and of each value."""
    if value is None:
        return
    if not isinstance(value, dict):
        yield invalid(field, "must be an object")
        return
    if len(value) > rules.attributes:
        yield invalid(field, f"cannot have more than {rules.attributes} attributes in one request")
        return
    for name, held in value.items():
        if longer_than(name, rules.attribute_name_bytes):
            limit = rules.attribute_name_bytes
            yield invalid(f"{field}.{name}", f"property name cannot be longer than {limit} bytes")
        elif name in reserved:
            yield invalid(f"{field}.{name}", "is a reserved name")
        elif name not in UNMEASURED and value_too_long(held, rules.attribute_value_bytes):
            limit = rules.attribute_value_bytes
            yield invalid(f"{field}.{name}", f"property value cannot be longer than {limit} bytes")


def value_too_long(value: Any, limit: int) -> bool:
    """Tell whether an attribute's value exceeds ``limit`` bytes; lists and objects as JSON."""
    if isinstance(value, str):
        return longer_than(value, limit)
    if isinstance(value, dict | list):
        return len(orjson.dumps(value)) > limit
    return False


def event_name(value: Any, field: str, rules: Rules) -> Iterator[Problem]:
    """Check the name of an event, page or screen; spaces around it do not count."""
    if value is None or value == "":
        yield required(field)
    elif not isinstance(value, str):
        yield invalid(field, "must be a string")
    elif not (name := value.strip()):
        yield required(field)
    elif longer_than(name, rules.event_name_bytes):
        yield invalid(field, f"event name cannot be longer than {rules.event_name_bytes} bytes")


def event_id(value: Any, field: str, rules: Rules) -> Iterator[Problem]:
    """Check a deduplication ID: any text, or a ULID when the rules are strict."""
    if value is None:
        return
    if not isinstance(value, str) or not value:
        yield invalid(field, "must be a string")
    elif rules.ulid == "strict" and not _ULID.fullmatch(value):
        yield invalid(field, "must be a valid ULID")


def seconds(value: Any, field: str, rules: Rules) -> Iterator[Problem]:
    """Check a Unix timestamp in seconds; text of decimal digits is tolerated."""
    if value is None:
        return
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        yield invalid(field, "must be a Unix timestamp in seconds")
    elif value >= rules.latest_timestamp:
        yield invalid(field, "must be a Unix timestamp in seconds, not milliseconds")


def required_text(holder: Mapping[str, Any], name: str, field: str) -> Iterator[Problem]:
    """Check that ``holder`` has a text that is not blank under ``name``."""
    value = holder.get(name)
    if value is None or value == "":
        yield required(field)
    elif not isinstance(value, str):
        yield invalid(field, "must be a string")
