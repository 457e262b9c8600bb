"""Attributes on their way into a call: dates converted where that is wanted, limits kept."""

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from orjson import Fragment, loads

from destination_customerio import limits
from destination_customerio.settings import Settings
from destination_customerio.timestamps import converted as with_seconds
from destination_customerio.track_api import dumps


def converted(values: dict[str, Any] | None, *, dates: bool) -> dict[str, Any]:
    """Return attributes, with their ``dates`` converted if that is wanted."""
    if not values or not dates:
        return values or {}
    body = dumps(values).decode()
    changed = with_seconds(body)
    found: dict[str, Any] = values if changed is body else loads(changed)
    return found


def encoded(
    values: dict[str, Any] | None,
    anonymous_id: str | None,
    who: Mapping[str, str],
    *,
    dates: bool,
) -> Fragment:
    """Return the same as JSON; the anonymous id is added, and never taken for a date.

    Where it is who the person is, it is no attribute.
    """
    if anonymous_id and values and "anonymous_id" in values:
        values = {key: value for key, value in values.items() if key != "anonymous_id"}
    body = dumps(values).decode() if values else "{}"
    if dates:
        body = with_seconds(body)
    if anonymous_id and "anonymous_id" not in who:
        comma = "," if values else ""
        body = f'{body[:-1]}{comma}"anonymous_id":{encode_basestring(anonymous_id)}}}'
    return Fragment(body)


def relationship(
    whom: Mapping[str, str],
    values: dict[str, Any] | None,
    settings: Settings,
    warnings: list[str],
    *,
    dates: bool,
) -> dict[str, Any]:
    """Return a relationship, whose attributes have limits but no reserved names."""
    if values is None:
        return {"identifiers": whom}
    kept = limits.attributes(converted(values, dates=dates), settings.oversized, warnings, ())
    return {"identifiers": whom, "relationship_attributes": kept}
