"""Batches that mix actions, with their items encoded once."""

from collections.abc import Sequence
from typing import Annotated, Any

import destination_core as dc


class Settings(dc.Settings):
    key: str


class Note(dc.Payload):
    text: Annotated[str, dc.path("$.event")]


@dc.action("note")
async def note(ctx: dc.Context[Settings], payload: Note) -> None:
    """Take a note."""


def encode(
    ctx: dc.Context[Settings], action: dc.Action[Settings, Any], payload: Note
) -> dc.Encoded | None:
    return dc.Encoded(payload.text.encode()) if ctx.settings.key and action.slug else None


BATCHING = dc.Batching[Settings](size=5, body_bytes=1_000, keys=("text",), encode=encode)
DESTINATION = dc.Destination("x", title="X", settings=Settings, actions=[note], batching=BATCHING)


@dc.hookimpl
async def perform_batch(
    ctx: dc.Context[Settings], items: Sequence[dc.Item]
) -> Sequence[dc.Outcome] | None:
    settled = dc.MultiStatus(len(items))
    settled.set(0, 429, "slow down", retry_after=7)
    settled.accept_rest()
    return settled.outcomes()
