"""HubSpot (Actions) as a plugin for destination-core."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

import destination_core as dc
from destination_hubspot import hubspot_api, lists, records
from destination_hubspot.actions import ACTIONS
from destination_hubspot.hubspot_api import NOT_FOUND, Ctx
from destination_hubspot.presets import PRESETS
from destination_hubspot.properties import EMAIL
from destination_hubspot.settings import Settings

TOKEN: Final = "/oauth/v1/token"  # noqa: S105  a path

ACCOUNT: Final = "/account-info/v3/details"
"""It needs the scope ``oauth`` alone; developers.hubspot.com, Account information API."""

DELETE: Final = "/crm/v3/objects/contacts/gdpr-delete"


class AudienceSettings(dc.Settings):
    """What is configured per audience."""

    folder_id: Annotated[
        int | None,
        Field(title="Folder", description="The ID of the folder that its list is made in."),
    ] = None


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    """Return the destination."""
    return dc.Destination(
        "hubspot",
        title="HubSpot",
        description="Keep contacts, companies, custom objects, events and lists up to date.",
        settings=Settings,
        actions=ACTIONS,
        presets=PRESETS,
        authentication=dc.OAuth2(),
        audiences=dc.Audiences(AudienceSettings),
        replay_warning=(
            "HubSpot writes what comes: properties of old events go over newer ones, and a custom"
            " event that was received already may be on its record's timeline twice"
        ),
    )


@dc.hookimpl
def extend_request(settings: Settings, token: dc.AccessToken | None) -> dc.RequestOptions:
    """Send to HubSpot's host with the access token, below the limit of an app."""
    headers = {} if token is None else {"Authorization": f"Bearer {token.value}"}
    return dc.RequestOptions(
        settings.base_url, headers, requests_per_second=settings.requests_per_second
    )


@dc.hookimpl
async def refresh_access_token(ctx: Ctx) -> dc.AccessToken:
    """Get an access token, which HubSpot lets live for 30 minutes.

    Source: developers.hubspot.com, Auth, OAuth, "Refresh an access token".
    """
    old = ctx.access_token
    return await dc.refresh_grant(
        ctx.http,
        TOKEN,
        now=ctx.now(),
        client_id=ctx.settings.client_id,
        client_secret=ctx.settings.client_secret.get_secret_value(),
        refresh_token=(old and old.refresh_token) or ctx.settings.refresh_token.get_secret_value(),
    )


@dc.hookimpl
async def test_authentication(ctx: Ctx) -> None:
    """Ask for the account's details, which every app may that was authorised."""
    await hubspot_api.ask(ctx, "GET", ACCOUNT)


@dc.hookimpl
async def create_audience(ctx: Ctx, audience: dc.Audience) -> str:
    """Make a static list for an audience; one of that name is taken as it is."""
    configured = audience.settings
    folder = configured.folder_id if isinstance(configured, AudienceSettings) else None
    return await lists.ensure(ctx, audience.name, folder)


@dc.hookimpl
async def get_audience(ctx: Ctx, audience: dc.Audience) -> str | None:
    """Look for the list of an audience."""
    if audience.external_id is None:
        return await lists.by_name(ctx, audience.name)
    there = await lists.by_id(ctx, audience.external_id)
    return None if there is None else audience.external_id


@dc.hookimpl
async def on_delete(ctx: Ctx, deletion: dc.Deletion) -> None:
    """Delete the contact for good, as the GDPR wants it.

    The contact is looked for first: HubSpot puts an address that it does not know on a block list.
    """
    id_property, value = _whom(ctx.settings, deletion)
    found = await records.find(ctx, "contacts", id_property, [value])
    if not found:
        ctx.warn(f"nobody to delete: HubSpot has no contact with this {id_property}")
        return
    for record_id in found.values():
        try:
            await hubspot_api.ask(ctx, "POST", DELETE, json={"objectId": record_id})
        except dc.PermanentError as error:
            if error.status != NOT_FOUND:  # it was deleted since
                raise


def _whom(settings: Settings, deletion: dc.Deletion) -> tuple[str, str]:
    """Return the property that a user is found by, and its value; raises ``InvalidPayload``."""
    if settings.user_id_property and deletion.user_id:
        return settings.user_id_property, deletion.user_id
    traits = _traits(deletion.event.get("context")), _traits(deletion.event)
    emails = [found.get(EMAIL) for found in traits]
    for email in (*emails, deletion.user_id):
        if isinstance(email, str) and "@" in email:
            return EMAIL, email
    raise dc.InvalidPayload(
        "delete event has no email, in traits or as userId, and user_id_property is not set:"
        " HubSpot knows its contacts by nothing else"
    )


def _traits(holder: Any) -> Mapping[str, Any]:
    found = holder.get("traits") if isinstance(holder, Mapping) else None
    return found if isinstance(found, Mapping) else {}
