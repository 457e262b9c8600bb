"""A receiver on loopback, and connections to it."""

from collections.abc import Sequence
from typing import Any

import destination_core as dc
import destination_webhook
from destination_core.testing import RecordingServer

LOOPBACK = ("127.0.0.0/8",)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": f"u{number}",
        "messageId": f"m{number}",
        **more,
    }


def webhook(
    url: str, /, *, allowed: Sequence[str] = LOOPBACK, settings: Any = None, **mapping: Any
) -> dc.Connection[Any]:
    """Open a connection with one subscription: the default mapping, and what is given."""
    relay = dc.Registry.of(destination_webhook).relay("webhook")
    action = relay.destination.actions[0]
    chosen = dc.Subscription(
        "Send", "send", 'type != ""', {**action.schema.default_mapping, **mapping}
    )
    return dc.Connection(
        "hook",
        relay,
        settings={"url": url, **(settings or {})},
        subscriptions=[chosen],
        allowed_networks=allowed,
    )


async def deliver(
    server: RecordingServer, *events: dict[str, Any], settings: Any = None, **mapping: Any
) -> list[dc.Delivery]:
    """Send events, in batches where that is mapped."""
    connection = webhook(f"{server.url}/hook", settings=settings, **mapping)
    async with dc.Engine([connection], clock=lambda: 1_700_000_000.9) as engine:
        return [one for (one,) in await engine.send_batch(events)]
