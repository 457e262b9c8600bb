"""Events, pages and screens."""

from typing import Annotated, Any

from pydantic import Field

import destination_core as dc
from destination_customerio import track_api
from destination_customerio.actions.fields import Convertible, time_of
from destination_customerio.attributes import encoded
from destination_customerio.event_ids import event_id
from destination_customerio.identifiers import known_or_anonymous
from destination_customerio.limits import MESSAGE_OVERRIDES, check_identifiers, event_name
from destination_customerio.settings import Settings
from destination_customerio.track_api import Call, entity

ACTIONS_OF_TYPES = {"page": "page", "screen": "screen"}
"""Event types that are actions of their own in Customer.io; every other is an event."""


class Occurrence(Convertible):
    """What events, pages and screens have in common."""

    id: Annotated[
        str | None,
        dc.path("$.userId"),
        Field(title="Person ID", description="The ID of the person who triggered the event."),
    ] = None
    anonymous_id: Annotated[
        str | None,
        dc.path("$.anonymousId"),
        Field(
            title="Anonymous ID",
            description="The anonymous ID of the person who triggered the event.",
        ),
    ] = None
    event_id: Annotated[
        str | None,
        dc.path("$.messageId"),
        Field(
            title="Event ID",
            description="Identifies the event, so that a repetition is recognised.",
        ),
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


class Event(Occurrence):
    """Payload of Track Event."""

    name: Annotated[
        str,
        dc.path("$.event"),
        Field(title="Event Name", description="The name of the event."),
    ]
    type: Annotated[
        str | None,
        dc.path("$.type"),
        Field(
            title="Event Type",
            description='Override the event type: "page" and "screen" become those.',
        ),
    ] = None


class AnonymousEvent(Convertible):
    """Payload of Track Anonymous Event."""

    name: Annotated[
        str,
        dc.path("$.event"),
        Field(title="Event Name", description="The name of the event."),
    ]
    data: Annotated[
        dict[str, Any] | None,
        dc.path("$.properties"),
        Field(title="Data", description="Custom data to include with the event."),
    ] = None
    anonymous_id: Annotated[
        str | None,
        dc.path("$.anonymousId"),
        Field(
            title="Anonymous ID",
            description="Lets event merging attach the event to a person within 30 days.",
        ),
    ] = None
    event_id: Annotated[
        str | None,
        dc.path("$.messageId"),
        Field(title="Event ID", description="Identifies the event, so repetitions are recognised."),
    ] = None
    timestamp: Annotated[
        str | None,
        dc.path("$.timestamp"),
        Field(title="Timestamp", description="When it happened: ISO 8601 or Unix seconds."),
    ] = None


class Page(Occurrence):
    """Payload of Track Page View."""

    url: Annotated[
        str,
        dc.path("$.properties.url"),
        Field(title="Page URL", description="The URL of the page."),
    ]


class Screen(Occurrence):
    """Payload of Track Screen View."""

    name: Annotated[
        str,
        dc.path("$.name"),
        Field(title="Screen name", description="The name of the screen."),
    ]


def event_call(payload: Event, settings: Settings) -> dc.Encoded:
    """Build an event, or the page or screen that its type says it is."""
    action = ACTIONS_OF_TYPES.get(payload.type or "", "event")
    return _call(action, payload.name, payload, settings)


def page_call(payload: Page, settings: Settings) -> dc.Encoded:
    """Build a page view."""
    return _call("page", payload.url, payload, settings)


def screen_call(payload: Screen, settings: Settings) -> dc.Encoded:
    """Build a screen view."""
    return _call("screen", payload.name, payload, settings)


def anonymous_call(payload: AnonymousEvent, settings: Settings) -> dc.Encoded | Call:
    """Build an event of nobody known; without an anonymous id it goes to v1, which takes those."""
    warnings: list[str] = []
    name = event_name(payload.name, settings.oversized, warnings)
    who = {"anonymous_id": payload.anonymous_id} if payload.anonymous_id else {}
    data = encoded(payload.data, payload.anonymous_id, who, dates=payload.convert_timestamp)
    common: dict[str, Any] = {}
    _mark(common, payload.event_id, payload.timestamp, settings, warnings)
    if not who:
        body = {"name": name, "data": data, **common}
        return track_api.call(track_api.ANONYMOUS_EVENTS, body, warnings)
    check_identifiers(who)
    body = {
        "type": "person",
        "action": "event",
        "name": name,
        "attributes": data,
        "identifiers": who,
        **common,
    }
    return entity(body, warnings)


def _call(action: str, name: str, payload: Occurrence, settings: Settings) -> dc.Encoded:
    warnings: list[str] = []
    fields = vars(payload)  # a model's attributes cost several times what a dict's values do
    anonymous_id, data = fields["anonymous_id"], fields["data"]
    who = known_or_anonymous(fields["id"], None, anonymous_id)
    if not who:
        raise dc.InvalidPayload("event has neither Person ID nor Anonymous ID: whose is it?")
    check_identifiers(who)
    if data and not data.keys().isdisjoint(MESSAGE_OVERRIDES):
        names = ", ".join(sorted(MESSAGE_OVERRIDES & data.keys()))
        warnings.append(f"{names} in the event's data overrides the settings of messages")
    body: dict[str, Any] = {
        "type": "person",
        "action": action,
        "name": event_name(name, settings.oversized, warnings),
        "identifiers": who,
    }
    if data is not None or anonymous_id:
        dates = fields["convert_timestamp"]
        body["attributes"] = encoded(data, anonymous_id, who, dates=dates)
    _mark(body, fields["event_id"], fields["timestamp"], settings, warnings)
    return entity(body, warnings)


def _mark(
    body: dict[str, Any],
    name: str | None,
    time: str | None,
    settings: Settings,
    warnings: list[str],
) -> None:
    """Add what makes an event the only one of its kind: its id and its time."""
    if name:
        body["id"] = name if settings.raw_event_ids else event_id(name)
    timestamp = time_of(time, warnings)
    if timestamp is not None:
        body["timestamp"] = timestamp


@dc.action("trackEvent", subscribe='type = "track"', title="Track Event")
async def track_event(ctx: dc.Context[Settings], payload: Event) -> None:
    """Track an event for a known or anonymous person."""
    await track_api.send(ctx, event_call(payload, ctx.settings))


@dc.action("trackAnonymousEvent", subscribe='type = "track" and userId = null',
           title="Track Anonymous Event")  # fmt: skip
async def track_anonymous_event(ctx: dc.Context[Settings], payload: AnonymousEvent) -> None:
    """Track an event not tied to a known person."""
    await track_api.send(ctx, anonymous_call(payload, ctx.settings))


@dc.action("trackPageView", subscribe='type = "page"', title="Track Page View")
async def track_page_view(ctx: dc.Context[Settings], payload: Page) -> None:
    """Track a page view for a known or anonymous person."""
    await track_api.send(ctx, page_call(payload, ctx.settings))


@dc.action("trackScreenView", subscribe='type = "screen"', title="Track Screen View")
async def track_screen_view(ctx: dc.Context[Settings], payload: Screen) -> None:
    """Track a screen view for a known or anonymous person."""
    await track_api.send(ctx, screen_call(payload, ctx.settings))
