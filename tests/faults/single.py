"""The destination of ``target.py`` without batches: one request per event."""

import destination_core as dc
from tests.faults import target


@dc.action("take", subscribe='type = "track"')
async def take(ctx: dc.Context[target.Settings], entry: target.Entry) -> None:
    """Post one entry."""
    await ctx.http.post("", json=[entry.model_dump()])


@dc.hookimpl
def register_destination() -> dc.Destination[target.Settings]:
    return dc.Destination("single", title="Single", settings=target.Settings, actions=[take])


@dc.hookimpl
def extend_request(settings: target.Settings) -> dc.RequestOptions:
    return target.extend_request(settings)
