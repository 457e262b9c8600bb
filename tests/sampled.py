"""Connections of the sample CRM, and plugins made of one handler."""

from types import ModuleType
from typing import Any

import destination_core as dc
from tests import acme

SETTINGS = {"api_key": "very-secret"}
IDENTIFY = {"type": "identify", "userId": "u1", "traits": {"email": "a@example.com", "x": 1}}
UPSERT = dc.Subscription("Upsert", "upsertContact", 'type = "identify"')


def connection(
    *subscriptions: dc.Subscription, plugin: object = acme, name: str = "crm", **settings: Any
) -> dc.Connection[Any]:
    relay = next(iter(dc.Registry.of(plugin).relays.values()))
    return dc.Connection(
        name, relay, settings=SETTINGS | settings, subscriptions=subscriptions or [UPSERT]
    )


def sample(handler: Any, batch: Any = None, **hooks: Any) -> ModuleType:
    """Make a plugin with one action out of its handler."""

    async def perform(ctx: dc.Context[acme.Settings], payload: acme.Contact) -> object:
        return await handler(ctx, payload)

    action = dc.action("do", subscribe='type = "identify"')(perform)
    if batch is not None:
        action.batch(size=10)(batch)
    made = dc.Destination("sample", title="Sample", settings=acme.Settings, actions=[action])
    module = ModuleType("sample")
    for name, hook in {"register_destination": lambda: made, **hooks}.items():
        setattr(module, name, dc.hookimpl(hook))
    return module
