"""A field that the payload does not have."""

from typing import Annotated

import destination_core as dc


class Settings(dc.Settings):
    key: str


class Contact(dc.Payload):
    id: Annotated[str, dc.path("$.userId")]


@dc.action("upsert", subscribe='type = "identify"')
async def upsert(ctx: dc.Context[Settings], contact: Contact) -> None:
    await ctx.http.put(f"/{contact.id}", json={"key": ctx.settings.key})


@dc.action("typo")
async def typo(ctx: dc.Context[Settings], contact: Contact) -> None:
    # refused from here
    ctx.warn(contact.emial)
