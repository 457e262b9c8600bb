"""Run the plugin through the public engine, and say what was sent and what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aioresponses import aioresponses

import destination_core as dc

US = "https://track.customer.io"
ENTITY = f"{US}/api/v2/entity"
BATCH = f"{US}/api/v2/batch"
CREDENTIALS = {"site_id": "site-1234", "api_key": "key-5678"}
ANSWERED = 200


def connection(*subscriptions: dc.Subscription, **settings: Any) -> dc.Connection[Any]:
    """Open a connection of the installed plugin."""
    return dc.Connection(
        "customerio",
        dc.Registry.discover().relay("customerio"),
        settings={**CREDENTIALS, "requests_per_second": None, **settings},
        subscriptions=subscriptions,
    )


def by_default(action: str, trigger: str = 'type != ""') -> dc.Subscription:
    """Subscribe an action to every event, with its default mapping."""
    return dc.Subscription(action, action, trigger)


def fields(action: str) -> dict[str, tuple[str, Any, bool]]:
    """Return each field's label, default mapping, and whether it is required."""
    found = dc.Registry.discover().relay("customerio").destination.action(action)
    assert found is not None
    return {
        key: (one["label"], one.get("default"), one["required"])
        for key, one in found.schema.fields.items()
    }


def unconverted(action: str, trigger: str = 'type != ""') -> dc.Subscription:
    """Subscribe an action with its default mapping, its dates left as they are."""
    mapping = {key: default for key, (_, default, _) in fields(action).items()}
    return dc.Subscription(action, action, trigger, {**mapping, "convert_timestamp": False})


def sent(answers: aioresponses) -> list[tuple[str, str, Any]]:
    """Return the requests as (method, URL, decoded body), in order for each address."""
    return [
        (method, str(url), orjson.loads(call.kwargs["data"]) if call.kwargs["data"] else None)
        for (method, url), calls in answers.requests.items()
        for call in calls
    ]


async def delivered(
    answers: aioresponses, action: str, event: Mapping[str, Any], **settings: Any
) -> tuple[dc.Delivery, list[tuple[str, str, Any]]]:
    """Send one event to one action; return what became of it and what was sent."""
    for path in ("v2/entity", "v1/events", "v1/metrics"):
        answers.post(f"{US}/api/{path}", status=ANSWERED, payload={})
    async with dc.Engine([connection(by_default(action), **settings)]) as engine:
        (delivery,) = await engine.send(event)
    return delivery, sent(answers)


def track(number: int, **members: Any) -> dict[str, Any]:
    """Make a track event."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"m-{number}",
        "userId": f"u{number}",
        "timestamp": "2026-11-23T10:00:00Z",
        "properties": {"number": number},
        **members,
    }


async def batched(
    events: Sequence[Mapping[str, Any]], *subscriptions: dc.Subscription, **settings: Any
) -> list[dc.Delivery]:
    """Send events as batches; return the first delivery of each."""
    chosen = subscriptions or (by_default("trackEvent"),)
    async with dc.Engine([connection(*chosen, **settings)]) as engine:
        return [deliveries[0] for deliveries in await engine.send_batch(events)]
