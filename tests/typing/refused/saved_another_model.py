"""What was saved, taken for another model."""

from typing import Annotated

import destination_core as dc


class Settings(dc.Settings):
    key: str


class Contact(dc.Payload):
    id: Annotated[str, dc.path("$.userId")]


@dc.action("upsert", subscribe='type = "identify"')
async def upsert(ctx: dc.Context[Settings], contact: Contact) -> None:
    await ctx.http.put(f"/{contact.id}", json={"key": ctx.settings.key})


class Saved(dc.Payload):
    list_id: str


async def read(ctx: dc.Context[Settings]) -> Contact | None:
    # refused from here
    return ctx.saved(Saved)
