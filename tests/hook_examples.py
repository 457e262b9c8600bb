"""A plugin with every hook: the examples of the page of hooks, which the tests run."""

import logging
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

import destination_core as dc

log = logging.getLogger(__name__)


class Settings(dc.Settings):
    client_secret: SecretStr
    region: Literal["us", "eu"] = "us"
    consent: bool = False


class Entry(dc.Payload):
    id: Annotated[str, dc.path("$.userId"), Field(title="ID")]
    book: Annotated[str | None, dc.path("$.properties.book"), Field(title="Book")] = None


class BookName(dc.Payload):
    name: str


class BookId(dc.Payload):
    id: str


@dc.action("add", title="Add", subscribe='type = "track"')
async def add(ctx: dc.Context[Settings], entry: Entry) -> None:
    """Add an entry; the hook `perform` below answers in its place."""


@add.choices("book")
async def books(ctx: dc.Context[Settings], query: dc.ChoiceQuery) -> dc.Choices:
    answer = await ctx.http.get("/books", params={"name": query.search, "after": query.page})
    found = [dc.Choice(one["id"], one["name"]) for one in answer.json()["books"]]
    return dc.Choices(found, next_page=answer.json().get("next"))


@add.on_mapping_save
async def open_book(ctx: dc.Context[Settings], given: BookName) -> BookId:
    answer = await ctx.http.post("/books", json={"name": given.name})
    return BookId(id=answer.json()["id"])


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination(
        "ledger",
        title="Ledger",
        settings=Settings,
        actions=[add],
        batching=dc.Batching(size=100),
        authentication=dc.OAuth2(),
        audiences=dc.Audiences(),
    )


@dc.hookimpl
def validate_settings(settings: Settings) -> None:
    if settings.region == "eu" and not settings.consent:
        raise dc.InvalidSettings("settings: region 'eu' needs consent; set consent: true")


@dc.hookimpl
def extend_request(settings: Settings, token: dc.AccessToken | None) -> dc.RequestOptions:
    headers = {} if token is None else {"Authorization": f"Bearer {token.value}"}
    return dc.RequestOptions(f"https://{settings.region}.ledger.example/v1", headers, timeout=5)


@dc.hookimpl
async def test_authentication(ctx: dc.Context[Settings]) -> None:
    answer = await ctx.http.get("/me")
    if "write" not in answer.json()["scopes"]:
        raise dc.InvalidAuthentication("the app may only read; give it the scope 'write'")


@dc.hookimpl
async def refresh_access_token(ctx: dc.Context[Settings]) -> dc.AccessToken:
    old = ctx.access_token
    return await dc.refresh_grant(
        ctx.http,
        "/token",
        now=ctx.now(),
        client_id="ledger-app",
        client_secret=ctx.settings.client_secret.get_secret_value(),
        refresh_token=(old and old.refresh_token) or "the-one-of-the-installation",
    )


@dc.hookimpl
async def perform(
    ctx: dc.Context[Settings], action: dc.Action[Settings, Any], payload: Entry
) -> None:
    await ctx.http.post(f"/entries/{action.slug}", json=payload.to_json())


@dc.hookimpl
async def perform_batch(
    ctx: dc.Context[Settings], items: Sequence[dc.Item]
) -> Sequence[dc.Outcome]:
    body = [{"operation": item.action.slug, **item.payload.to_json()} for item in items]
    answer = await ctx.http.post("/entries/batch", json=body)
    faults = [one.get("fault") for one in answer.json()["results"]]
    return [dc.Outcome(dc.PermanentError(fault) if fault else None) for fault in faults]


@dc.hookimpl
async def on_delete(ctx: dc.Context[Settings], deletion: dc.Deletion) -> None:
    whom = deletion.user_id or deletion.anonymous_id or ""
    await ctx.http.delete(f"/people/{dc.segment(whom)}")


@dc.hookimpl
async def create_audience(ctx: dc.Context[Settings], audience: dc.Audience) -> str:
    answer = await ctx.http.post("/audiences", json={"name": audience.name})
    return str(answer.json()["id"])


@dc.hookimpl
async def get_audience(ctx: dc.Context[Settings], audience: dc.Audience) -> str | None:
    answer = await ctx.http.get(f"/audiences/{audience.external_id}", raise_for_status=False)
    return str(answer.json()["id"]) if answer.status == 200 else None


@dc.hookimpl
def event_planned(event: dc.Event, plan: dc.Plan) -> None:
    for rejection in plan.rejections:
        log.info("%s is no payload of %s", event.get("messageId"), rejection.action.slug)


@dc.hookimpl
def attempt_finished(attempt: dc.Attempt) -> None:
    log.info("attempt %d with %d payloads", attempt.number, len(attempt.tasks))


@dc.hookimpl
def delivery_settled(delivery: dc.Delivery) -> None:
    log.info("%s at %s: %s", delivery.event.get("messageId"), delivery.action, delivery.status)
