"""Handlers, batches, errors, outcomes: what every destination has."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

import destination_core as dc


class Settings(dc.Settings):
    api_key: SecretStr
    region: Literal["us", "eu"] = "us"


class Contact(dc.Payload):
    id: Annotated[str, dc.coalesce("$.userId", "$.traits.email")]
    tags: Annotated[list[str], dc.path("$.traits.tags")] = Field(default_factory=list)
    attributes: Annotated[dict[str, Any], dc.path("$.traits")] = Field(default_factory=dict)


@dc.action("upsert", subscribe='type = "identify"')
async def upsert(ctx: dc.Context[Settings], contact: Contact) -> dc.Response:
    """Return whatever you like: it is of no consequence."""
    if not contact.tags:
        ctx.warn("it has no tags")
    return await ctx.http.put(f"/{dc.segment(contact.id)}", json=contact.to_json(), timeout=5)


@upsert.batch(size=10, keys=["tags"])
async def upserts(
    ctx: dc.Context[Settings], contacts: Sequence[Contact]
) -> list[dc.Outcome] | None:
    """Say nothing, or one outcome per payload."""
    response = await ctx.http.post("/batch", json=[one.id for one in contacts])
    if response.status == 207:
        return [dc.Outcome(dc.RetryableError("later", retry_after=3)) for _ in contacts]
    return None


@dc.action("silent")
async def silent(ctx: dc.Context[Settings], contact: Contact) -> None:
    """Raise what says whether to try again."""
    raise dc.InvalidPayload(f"{contact.id} is nobody")


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination("x", title="X", settings=Settings, actions=[upsert, silent])


@dc.hookimpl
def validate_settings(settings: Settings) -> None:
    if settings.region == "eu":
        raise dc.InvalidSettings("not there yet")


@dc.hookimpl
def extend_request(settings: Settings) -> dc.RequestOptions:
    key = settings.api_key.get_secret_value()
    return dc.RequestOptions("https://x.test", {"Authorization": key})


@dc.hookimpl
async def on_delete(ctx: dc.Context[Settings], deletion: dc.Deletion) -> None:
    await ctx.http.delete(f"/{dc.segment(deletion.user_id or deletion.anonymous_id)}")


@dc.hookimpl
def attempt_finished(attempt: dc.Attempt) -> None:
    for exchange in attempt.exchanges:
        assert exchange.redacted()["request"]["method"], exchange.seconds
