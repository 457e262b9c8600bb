"""A program that delivers: the engine as a library."""

import destination_core as dc
from tests import acme


async def deliver(event: dc.Event) -> list[str]:
    connection = dc.Connection(
        "crm",
        dc.Registry.of(acme).relay("acme"),
        settings={"api_key": "k"},
        subscriptions=[dc.Subscription("All", "upsertContact", 'type = "identify"')],
    )
    async with dc.Engine([connection], retry=dc.Retry(attempts=3)) as engine:
        deliveries = await engine.send(event)
        batches = await engine.send_batch([event, event])
    assert len(batches) == 2
    return [one.reason if one.error else one.status.value for one in deliveries]
