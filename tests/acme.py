"""Acme CRM: keep contacts in step with your users."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

import destination_core as dc


class Settings(dc.Settings):
    api_key: Annotated[SecretStr, Field(description="Acme → Settings → API keys.")]
    region: Literal["us", "eu"] = "us"


class Contact(dc.Payload):
    id: Annotated[str, dc.coalesce("$.userId", "$.traits.email")]
    email: Annotated[str | None, dc.path("$.traits.email")] = None
    name: Annotated[str, dc.template("{{traits.firstName}} {{traits.lastName}}")] = ""
    attributes: Annotated[dict[str, Any], dc.path("$.traits")] = Field(default_factory=dict)


@dc.action("upsertContact", subscribe='type = "identify"')
async def upsert_contact(ctx: dc.Context[Settings], contact: Contact) -> None:
    """Create a contact, or update the one with the same ID."""
    await ctx.http.put(f"/contacts/{contact.id}", json=contact.model_dump())


@upsert_contact.batch(size=100)
async def upsert_contacts(ctx: dc.Context[Settings], contacts: Sequence[Contact]) -> None:
    await ctx.http.post("/contacts/batch", json=[c.model_dump() for c in contacts])


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    return dc.Destination("acme", title="Acme CRM", settings=Settings, actions=[upsert_contact])


@dc.hookimpl
def extend_request(settings: Settings) -> dc.RequestOptions:
    token = settings.api_key.get_secret_value()
    return dc.RequestOptions(
        f"https://{settings.region}.acme.test/v1", {"Authorization": f"Bearer {token}"}
    )


@dc.hookimpl
async def test_authentication(ctx: dc.Context[Settings]) -> None:
    await ctx.http.get("/me")
