"""A plugin with everything that can be tried on the bench, installed in a folder of its own."""

from pathlib import Path

PLUGIN = '''"""Everything: OAuth 2, choices, saved mappings, audiences, deletion."""

from typing import Annotated, Any

import destination_core as dc
from pydantic import Field, SecretStr


class Settings(dc.Settings):
    client_secret: SecretStr
    region: str = "eu"


class Contact(dc.Payload):
    id: Annotated[str, dc.path("$.userId"), Field(title="ID")]
    list: Annotated[str | None, Field(title="List")] = None


class Given(dc.Payload):
    name: str


class Kept(dc.Payload):
    list: str


class ListSettings(dc.Settings):
    size: int = 1


@dc.action("upsert", title="Upsert", subscribe='type = "identify"')
async def upsert(ctx: dc.Context[Settings], contact: Contact) -> None:
    kept = ctx.saved(Kept)
    body = {"id": contact.id, "list": kept.list if kept else contact.list}
    await ctx.http.post("/contacts", json=body)


@upsert.on_mapping_save
async def make_list(ctx: dc.Context[Settings], given: Given) -> Kept:
    answer = await ctx.http.post("/lists", json={"name": given.name})
    return Kept(list=answer.json()["id"])


@upsert.choices("list")
async def lists(ctx: dc.Context[Settings], query: dc.ChoiceQuery) -> dc.Choices:
    params = {"q": query.search, "page": query.page, "of": query.payload.get("id")}
    answer = await ctx.http.get("/lists", params=params)
    found = [dc.Choice(one["id"], one["name"]) for one in answer.json()["lists"]]
    return dc.Choices(found, answer.json().get("next"))


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination(
        "every-thing", title="Everything", settings=Settings, actions=[upsert],
        authentication=dc.OAuth2(), audiences=dc.Audiences(settings=ListSettings),
    )


@dc.hookimpl
def extend_request(settings: Settings, token: dc.AccessToken | None) -> dc.RequestOptions:
    headers = {"Authorization": f"Bearer {token.value}"} if token else {}
    return dc.RequestOptions(f"https://{settings.region}.every.example/v1", headers)


@dc.hookimpl
async def refresh_access_token(ctx: dc.Context[Settings]) -> dc.AccessToken:
    return await dc.refresh_grant(
        ctx.http, "/token", now=ctx.now(), client_id="me",
        client_secret=ctx.settings.client_secret.get_secret_value(), refresh_token="first",
    )


@dc.hookimpl
async def test_authentication(ctx: dc.Context[Settings]) -> None:
    await ctx.http.get("/me")


@dc.hookimpl
async def on_delete(ctx: dc.Context[Settings], deletion: dc.Deletion) -> None:
    await ctx.http.delete(f"/contacts/{deletion.user_id}")


@dc.hookimpl
async def create_audience(ctx: dc.Context[Settings], audience: dc.Audience) -> str:
    body = {"name": audience.name, "size": audience.settings.size}
    return str((await ctx.http.post("/lists", json=body)).json()["id"])


@dc.hookimpl
async def get_audience(ctx: dc.Context[Settings], audience: dc.Audience) -> str | None:
    return str((await ctx.http.get(f"/lists/{audience.external_id}")).json()["id"])
'''


def install(folder: Path) -> Path:
    """Write the plugin as an installed distribution into a folder; return its one module."""
    info = folder / "every_thing-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: every-thing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[destination_core]\nevery-thing = destination_every_thing\n"
    )
    package = folder / "destination_every_thing"
    package.mkdir()
    module = package / "__init__.py"
    module.write_text(PLUGIN)
    return module
