"""What became of a message, and what was done with content."""

from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

import destination_core as dc
from destination_customerio import attributes, limits, track_api
from destination_customerio.actions.fields import Batchable, Convertible, time_of
from destination_customerio.settings import Settings
from destination_customerio.track_api import Call, entity

Metric = Literal[
    "delivered",
    "opened",
    "clicked",
    "converted",
    "spammed",
    "bounced",
    "dropped",
    "deferred",
]
"""What may have happened to a message."""

_OTHERWISE: Final = {"spammed": "Marked as Spam", "dropped": "Suppressed"}
"""Metrics that Customer.io's pages have another word for."""

METRICS: Final = [(one, _OTHERWISE.get(one, one.capitalize())) for one in get_args(Metric)]


class DeliveryReport(Batchable):
    """Payload of Report Delivery Event."""

    delivery_id: Annotated[
        str,
        dc.path("$.properties.deliveryId"),
        Field(title="Delivery ID", description="The CIO-Delivery-ID of the message."),
    ]
    metric: Annotated[
        Metric,
        dc.path("$.properties.metric"),
        dc.field(choices=METRICS),
        Field(title="Metric", description="What happened to the message."),
    ]
    recipient: Annotated[
        str | None,
        dc.path("$.properties.recipient"),
        Field(title="Recipient", description="The address of the recipient."),
    ] = None
    reason: Annotated[
        str | None,
        dc.path("$.properties.reason"),
        Field(title="Reason", description="Why it failed, where it did."),
    ] = None
    href: Annotated[
        str | None,
        dc.path("$.properties.href"),
        Field(title="Href", description="The link that was clicked."),
    ] = None
    action_name: Annotated[
        str | None,
        dc.path("$.properties.actionName"),
        Field(title="Action Name", description="The name of the action of an in-app message."),
    ] = None
    action_value: Annotated[
        str | None,
        dc.path("$.properties.actionValue"),
        Field(title="Action Value", description="The value of the action of an in-app message."),
    ] = None
    timestamp: Annotated[
        str | float | None,
        dc.path("$.timestamp"),
        dc.field(type="datetime", format="date-time"),
        Field(title="Timestamp", description="When it happened."),
    ] = None


class ContentReport(Convertible):
    """Payload of Report Content Event."""

    actionType: Annotated[  # noqa: N815  Segment's key
        Literal["viewed_content", "clicked_content"],
        dc.path("$.properties.actionType"),
        dc.field(choices=[("viewed_content", "Viewed"), ("clicked_content", "Clicked")]),
        Field(title="Action Type", description="What was done with the content."),
    ]
    anonymous_id: Annotated[
        str | None,
        dc.path("$.anonymousId"),
        Field(title="Anonymous ID", description="The anonymous ID of the person."),
    ] = None
    timestamp: Annotated[
        str | None,
        dc.path("$.timestamp"),
        Field(title="Timestamp", description="When it happened: ISO 8601 or Unix seconds."),
    ] = None
    data: Annotated[
        dict[str, Any] | None,
        dc.path("$.properties"),
        Field(title="Event Attributes", description="Any data to include with the event."),
    ] = None


NOT_SENT: Final = frozenset({"actionType", "anonymous_id"})
"""Of a content report's properties; it says both elsewhere."""


def delivery_call(payload: DeliveryReport, now: float) -> Call:
    """Build a report for v1, which knows more metrics than v2; it has no batches.

    A report without a time is of ``now``, in Unix seconds.
    """
    warnings: list[str] = []
    body: dict[str, Any] = {"delivery_id": payload.delivery_id, "metric": payload.metric}
    timestamp = time_of(payload.timestamp, warnings)
    body["timestamp"] = int(now) if timestamp is None else timestamp
    for key in ("recipient", "reason", "href"):
        value = getattr(payload, key)
        if value:
            body[key] = value
    metadata = {
        key: getattr(payload, key)
        for key in ("action_name", "action_value")
        if getattr(payload, key)
    }
    if metadata:
        body["metadata"] = metadata
    return track_api.call(track_api.METRICS, body, warnings)


def content_call(payload: ContentReport, _: Settings) -> dc.Encoded:
    """Build a report about content, which is an action of a person."""
    warnings: list[str] = []
    if not payload.anonymous_id:
        raise dc.InvalidPayload("report has no Anonymous ID: whose is it?")
    who = {"anonymous_id": payload.anonymous_id}
    limits.check_identifiers(who)
    values = attributes.converted(payload.data, dates=payload.convert_timestamp)
    body: dict[str, Any] = {
        "type": "person",
        "action": payload.actionType,
        "name": payload.actionType,
        "attributes": {key: value for key, value in values.items() if key not in NOT_SENT},
        "identifiers": who,
    }
    timestamp = time_of(payload.timestamp, warnings)
    if timestamp is not None:
        body["timestamp"] = timestamp
    return entity(body, warnings)


@dc.action("reportDeliveryEvent", subscribe='event = "Report Delivery Event"',
           title="Report Delivery Event")  # fmt: skip
async def report_delivery_event(ctx: dc.Context[Settings], payload: DeliveryReport) -> None:
    """Report what became of a message that Customer.io sent."""
    await track_api.send(ctx, delivery_call(payload, ctx.now()))


@dc.action("reportContentEvent", subscribe='event = "Report Content Event"',
           title="Report Content Event")  # fmt: skip
async def report_content_event(ctx: dc.Context[Settings], payload: ContentReport) -> None:
    """Report that a person saw or clicked content."""
    await track_api.send(ctx, content_call(payload, ctx.settings))
