"""Fields that many actions share, and what they do to a call."""

from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Annotated, Any

import orjson
from pydantic import Field

import destination_core as dc
from destination_customerio import limits, timestamps, track_api
from destination_customerio.settings import Settings


class Batchable(dc.Payload):
    """Segment's two batching fields, which the engine reads."""

    enable_batching: Annotated[
        bool,
        dc.Directive(value=True),
        Field(title="Enable Batching", description="Send it together with others."),
    ] = True
    batch_size: Annotated[
        float,
        dc.Directive(value=50),
        Field(
            title="Batch Size",
            ge=2,
            le=100,
            description="The most items of a batch that it may be part of.",
        ),
    ] = 50


class Convertible(Batchable):
    """The switch for dates in attributes."""

    convert_timestamp: Annotated[
        bool,
        dc.Directive(value=True),
        Field(
            title="Convert Timestamps",
            description="Turn ISO 8601 dates in attributes into Unix seconds, which Customer.io's"
            " date conditions need.",
        ),
    ] = True

    def attributes(self, values: dict[str, Any] | None) -> dict[str, Any]:
        """Return attributes, with their dates converted if that is wanted."""
        if not values or not self.convert_timestamp:
            return values or {}
        body = track_api.dumps(values).decode()
        converted = timestamps.converted(body)
        found: dict[str, Any] = values if converted is body else orjson.loads(converted)
        return found

    def relationship(
        self,
        whom: Mapping[str, str],
        values: dict[str, Any] | None,
        settings: Settings,
        warnings: list[str],
    ) -> dict[str, Any]:
        """Return a relationship, whose attributes have limits but no reserved names."""
        if values is None:
            return {"identifiers": whom}
        kept = limits.attributes(self.attributes(values), settings.oversized, warnings, ())
        return {"identifiers": whom, "relationship_attributes": kept}

    def encoded_attributes(
        self, values: dict[str, Any] | None, anonymous_id: str | None, who: Mapping[str, str]
    ) -> orjson.Fragment:
        """Return the same as JSON; the anonymous id is added, and never taken for a date.

        Where it is who the person is, it is no attribute.
        """
        if anonymous_id and values and "anonymous_id" in values:
            values = {key: value for key, value in values.items() if key != "anonymous_id"}
        body = track_api.dumps(values).decode() if values else "{}"
        if self.convert_timestamp:
            body = timestamps.converted(body)
        if anonymous_id and "anonymous_id" not in who:
            comma = "," if values else ""
            body = f'{body[:-1]}{comma}"anonymous_id":{encode_basestring(anonymous_id)}}}'
        return orjson.Fragment(body)


OBJECT_TYPE_OF_PROPERTIES = dc.coalesce("$.properties.object_type_id", "$.properties.objectTypeId")
OBJECT_TYPE_OF_TRAITS = dc.coalesce("$.traits.object_type_id", "$.traits.objectTypeId")


def time_of(time: str | float | None, warnings: list[str], field: str = "timestamp") -> int | None:
    """Return a time field in Unix seconds; one that is no time is left out, with a warning."""
    if time is None or time == "":
        return None
    text = time if isinstance(time, str) else f"{time:.3f}"
    found = timestamps.instant(text)
    if found is None:
        warnings.append(f"{field} {text[:60]!r} is no ISO 8601 or Unix time and is left out")
    return found
