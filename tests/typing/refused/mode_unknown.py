"""A sync mode that is none."""

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
MODES = dc.SyncModes("insert")
