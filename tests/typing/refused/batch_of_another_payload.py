"""A batch handler for the payload of another action."""

from collections.abc import Sequence
from typing import Annotated

import destination_core as dc


class Settings(dc.Settings):
    key: str


class Contact(dc.Payload):
    id: Annotated[str, dc.path("$.userId")]


@dc.action("upsert", subscribe='type = "identify"')
async def upsert(ctx: dc.Context[Settings], contact: Contact) -> None:
    await ctx.http.put(f"/{contact.id}", json={"key": ctx.settings.key})


# refused from here
class Order(dc.Payload):
    total: float


@upsert.batch(size=10)
async def upserts(ctx: dc.Context[Settings], orders: Sequence[Order]) -> None:
    return None
