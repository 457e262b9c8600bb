"""Run the plugin through the public engine against the simulator."""

from collections.abc import Mapping, Sequence
from typing import Any

import destination_core as dc
import destination_hubspot
from destination_core.testing import standard_event
from plugins.hubspot.tests.simulator import HubSpot

ONCE = dc.Retry(attempts=1)


def connection(
    hub: HubSpot,
    *subscriptions: dc.Subscription,
    tokens: dc.TokenStore | None = None,
    audiences: Sequence[dc.Audience] = (),
    **settings: Any,
) -> dc.Connection[Any]:
    """Open a connection to the simulator."""
    return dc.Connection(
        "hubspot",
        dc.Registry.of(destination_hubspot).relay("hubspot"),
        settings={**hub.settings, **settings},
        subscriptions=subscriptions,
        tokens=tokens,
        audiences=audiences,
    )


def subscription(
    action: str,
    mode: str | None = None,
    *,
    saved: dc.Saved | None = None,
    **mapping: Any,
) -> dc.Subscription:
    """Subscribe an action to every event, with fields mapped beside the default mapping."""
    found = dc.Registry.of(destination_hubspot).relay("hubspot").destination.action(action)
    assert found is not None
    return dc.Subscription(
        action,
        action,
        'type != ""',
        {**found.schema.default_mapping, **mapping},
        sync_mode=mode,
        saved=saved,
    )


async def sent(
    hub: HubSpot,
    chosen: dc.Subscription,
    *events: Mapping[str, Any],
    retry: dc.Retry = ONCE,
    **options: Any,
) -> list[dc.Delivery]:
    """Send events as one batch where there are several; return what became of each."""
    async with dc.Engine([connection(hub, chosen, **options)], retry=retry) as engine:
        if len(events) == 1:
            return list(await engine.send(events[0]))
        return [deliveries[0] for deliveries in await engine.send_batch(events)]


def identify(email: str | None, user: str = "u-1", **traits: Any) -> dict[str, Any]:
    """Make an identify event."""
    known = {} if email is None else {"email": email}
    return standard_event("identify", userId=user, traits={**known, **traits})


def member(email: str, is_in: object, key: str = "vips") -> dict[str, Any]:
    """Make the event that says that a user is in an audience, or left it."""
    personas = {"computation_class": "audience", "computation_key": key}
    return standard_event(
        "identify", traits={"email": email, key: is_in}, context={"personas": personas}
    )


def track(name: str = "Order Completed", **members: Any) -> dict[str, Any]:
    """Make a track event."""
    return standard_event("track", event=name, **members)


def outcomes(deliveries: Sequence[dc.Delivery]) -> list[str]:
    """Return the statuses, in order."""
    return [str(one.status) for one in deliveries]
