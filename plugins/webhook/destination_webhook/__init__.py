"""Webhooks as a plugin for destination-core."""

from collections.abc import Sequence

import destination_core as dc
from destination_webhook import signature, webhooks
from destination_webhook.settings import Settings


@dc.hookimpl
def register_destination() -> dc.Destination[Settings]:
    """Return the destination."""
    return dc.Destination(
        "webhook",
        title="Webhook",
        description="Send events to any URL: signed, one by one or in batches.",
        settings=Settings,
        actions=[webhooks.send],
        batching=webhooks.BATCHING,
        replay_warning=(
            "a receiver that keeps the ids of what it has seen takes a replay for the same again"
        ),
    )


@dc.hookimpl
def validate_settings(settings: Settings) -> None:
    """Refuse secrets that cannot sign, and a URL that is none."""
    if not settings.url.lower().startswith(("http://", "https://")):
        raise dc.InvalidSettings(f"url {settings.url!r} must begin with https:// or http://")
    secrets = {
        "signing_secret": settings.signing_secret,
        "previous_signing_secret": settings.previous_signing_secret,
    }
    for name, secret in secrets.items():
        if secret is not None:
            try:
                signature.key_of(secret)
            except ValueError as error:
                raise dc.InvalidSettings(f"{name} cannot sign: {error}") from None


@dc.hookimpl
def extend_request(settings: Settings) -> dc.RequestOptions:
    """Ask public addresses only: mappings name URLs, and events fill them."""
    return dc.RequestOptions(
        timeout=settings.timeout,
        requests_per_second=settings.requests_per_second,
        public_only=True,
    )


@dc.hookimpl
async def perform_batch(ctx: webhooks.Ctx, items: Sequence[dc.Item]) -> Sequence[dc.Outcome] | None:
    """Send many events in one request."""
    return await webhooks.send_batch(ctx, items)
