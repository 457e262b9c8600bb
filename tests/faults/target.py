"""A destination of the fault tests: posts what it gets to the oracle, one by one or in batches."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import SecretStr

import destination_core as dc


class Settings(dc.Settings):
    url: str
    token: SecretStr
    timeout: float = 10.0


class Entry(dc.Payload):
    id: Annotated[str, dc.path("$.messageId")]
    user: Annotated[str, dc.path("$.userId")]
    sequence: Annotated[int, dc.path("$.properties.sequence")]
    body: Annotated[dict[str, Any], dc.path("$.properties.body")]


@dc.action("take", subscribe='type = "track"')
async def take(ctx: dc.Context[Settings], entry: Entry) -> None:
    """Post one entry."""
    await ctx.http.post("", json=[entry.model_dump()])


@take.batch(size=100)
async def take_all(ctx: dc.Context[Settings], entries: Sequence[Entry]) -> None:
    await ctx.http.post("", json=[one.model_dump() for one in entries])


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination("target", title="Target", settings=Settings, actions=[take])


@dc.hookimpl
def extend_request(settings: Settings) -> dc.RequestOptions:
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    return dc.RequestOptions(settings.url, headers, timeout=settings.timeout)
