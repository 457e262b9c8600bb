"""A destination that takes any event and posts what there is of it."""

from typing import Annotated, Any

import destination_core as dc
from tests.faults import target


class Whole(dc.Payload):
    event: Annotated[Any, dc.path("$.event")] = None
    user: Annotated[Any, dc.path("$.userId")] = None
    message: Annotated[Any, dc.path("$.messageId")] = None
    timestamp: Annotated[Any, dc.path("$.timestamp")] = None
    properties: Annotated[Any, dc.path("$.properties")] = None
    traits: Annotated[Any, dc.path("$.traits")] = None
    context: Annotated[Any, dc.path("$.context")] = None
    said: Annotated[str, dc.template("{{properties.text}} {{userId}}")] = ""


@dc.action("take", subscribe='type != "nothing"')
async def take(ctx: dc.Context[target.Settings], whole: Whole) -> None:
    """Post it."""
    await ctx.http.post("", json=whole.model_dump(mode="json"))


@dc.hookimpl
def register_destination() -> dc.Destination[target.Settings]:
    return dc.Destination("anything", title="Anything", settings=target.Settings, actions=[take])


@dc.hookimpl
def extend_request(settings: target.Settings) -> dc.RequestOptions:
    return target.extend_request(settings)
