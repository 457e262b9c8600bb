"""A batch handler that is not a coroutine function."""

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
@upsert.batch(size=10)
def upserts(ctx: dc.Context[Settings], contacts: Sequence[Contact]) -> None:
    return None
