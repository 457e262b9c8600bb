"""A destination of the tests that authenticates with OAuth 2."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import SecretStr

import destination_core as dc


class Settings(dc.Settings):
    client_secret: SecretStr
    refresh_token: SecretStr


class Entry(dc.Payload):
    id: Annotated[str, dc.path("$.userId")]


@dc.action("post", subscribe='type = "track"')
async def post(ctx: dc.Context[Settings], entry: Entry) -> None:
    """Post one entry."""
    await ctx.http.post("/entries", json={"id": entry.id})


@post.batch(size=100)
async def post_all(ctx: dc.Context[Settings], entries: Sequence[Entry]) -> list[dc.Outcome]:
    response = await ctx.http.post("/batch", json=[one.id for one in entries])
    said = response.json()
    return [
        dc.Outcome(dc.InvalidAuthentication("ended", status=401) if one.id in said else None)
        for one in entries
    ]


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination(
        "ledger",
        title="Ledger",
        settings=Settings,
        actions=[post],
        authentication=dc.OAuth2(),
    )


@dc.hookimpl
def extend_request(settings: Settings, token: dc.AccessToken | None) -> dc.RequestOptions:
    headers = {} if token is None else {"Authorization": f"Bearer {token.value}"}
    return dc.RequestOptions("https://ledger.test", headers)


@dc.hookimpl
async def test_authentication(ctx: dc.Context[Settings]) -> None:
    await ctx.http.get("/me")


@dc.hookimpl
async def refresh_access_token(ctx: dc.Context[Settings]) -> dc.AccessToken:
    old = ctx.access_token
    again = (old and old.refresh_token) or ctx.settings.refresh_token.get_secret_value()
    return await dc.refresh_grant(
        ctx.http,
        "https://id.ledger.test/token",
        now=ctx.now(),
        client_id="us",
        client_secret=ctx.settings.client_secret.get_secret_value(),
        refresh_token=again,
    )
