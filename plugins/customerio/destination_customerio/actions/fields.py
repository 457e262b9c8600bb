"""Fields that many actions share, and times."""

from typing import Annotated

from pydantic import Field

import destination_core as dc
from destination_customerio.timestamps import instant


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


OBJECT_TYPE_OF_PROPERTIES = dc.coalesce("$.properties.object_type_id", "$.properties.objectTypeId")
OBJECT_TYPE_OF_TRAITS = dc.coalesce("$.traits.object_type_id", "$.traits.objectTypeId")


def time_of(time: str | float | None, warnings: list[str], field: str = "timestamp") -> int | None:
    """Return a time field in Unix seconds; one that is no time is left out, with a warning."""
    if time is None or time == "":
        return None
    text = time if isinstance(time, str) else f"{time:.3f}"
    found = instant(text)
    if found is None:
        warnings.append(f"{field} {text[:60]!r} is no ISO 8601 or Unix time and is left out")
    return found
