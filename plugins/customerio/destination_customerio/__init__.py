"""Customer.io (Actions) as a plugin for destination-core."""

from collections.abc import Sequence
from typing import Any, Final

import destination_core as dc
from destination_customerio import limits, track_api
from destination_customerio.actions import ACTIONS, CALLS
from destination_customerio.demo import demo
from destination_customerio.presets import LATER, QUICK_SETUP
from destination_customerio.settings import Settings


def _encode(
    ctx: dc.Context[Settings], action: dc.Action[Settings, Any], payload: Any
) -> dc.Encoded | None:
    """Make the bytes of one item of a batch; what does not go to ``/entity`` goes alone."""
    build = CALLS.get(action.slug)
    if build is None:
        return None
    made = build(payload, ctx.settings)
    return None if isinstance(made, track_api.Call) else made


BATCHING: Final = dc.Batching[Settings](
    size=limits.BATCH_ITEMS,
    body_bytes=limits.BATCH_BYTES,
    item_bytes=limits.ITEM_BYTES,
    encode=_encode,
    envelope=(b'{"batch":[', b"]}"),
)


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    """Return the destination: its batches mix actions, which keeps identify before track."""
    return dc.Destination(
        "customerio",
        title="Customer.io",
        description="Send automated email, push, SMS and webhooks based on what people do.",
        settings=Settings,
        actions=ACTIONS,
        presets=[*QUICK_SETUP, *LATER],
        batching=BATCHING,
        demo=demo,
        replay_warning=(
            "Customer.io orders attribute updates by their timestamp: one that is older than what a"
            " person has may change nothing, and an event of more than 72 hours ago starts no"
            " campaign"
        ),
    )


@dc.hookimpl
def extend_request(settings: Settings) -> dc.RequestOptions:
    """Send to the region's host, with Basic authentication and below fair use."""
    site_id, api_key = settings.site_id, settings.api_key
    credentials = dc.basic_auth(site_id.get_secret_value(), api_key.get_secret_value())
    return dc.RequestOptions(
        settings.base_url,
        {"Authorization": credentials},
        requests_per_second=settings.requests_per_second,
    )


@dc.hookimpl
async def perform_batch(
    ctx: dc.Context[Settings], items: Sequence[dc.Item]
) -> Sequence[dc.Outcome] | None:
    """Send a batch of mixed actions."""
    body = BATCHING.join([item.body for item in items])
    return await track_api.send_batch(ctx, body, len(items))


@dc.hookimpl
async def test_authentication(ctx: dc.Context[Settings]) -> None:
    """Ask for the account's region: wrong credentials and a wrong region both show."""
    try:
        response = await ctx.http.get(track_api.REGION)
    except dc.SetupError as error:
        raise track_api.region_error(ctx.settings, error) from error
    try:
        answer = response.json()
    except ValueError:
        return
    region = answer.get("region") if isinstance(answer, dict) else None
    wanted = ctx.settings.account_region
    if isinstance(region, str) and region.upper() != wanted:
        raise dc.SetupError(
            f"account lives in region {region.upper()}, not in {wanted}:"
            f" set account_region to {region.upper()}",
            code="WRONG_REGION",
        )


@dc.hookimpl
async def on_delete(ctx: dc.Context[Settings], deletion: dc.Deletion) -> None:
    """Delete the person; an event without a user ID names nobody that Customer.io knows."""
    if not deletion.user_id:
        raise dc.InvalidPayload("delete event has no userId: Customer.io deletes by it")
    try:
        await ctx.http.delete(f"{track_api.CUSTOMERS}/{dc.segment(deletion.user_id)}")
    except dc.SetupError as error:
        raise track_api.region_error(ctx.settings, error) from error
