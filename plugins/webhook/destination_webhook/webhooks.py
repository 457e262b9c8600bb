"""The action: what is sent, where to, one by one or many at once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field

import destination_core as dc
from destination_webhook import signature
from destination_webhook.blame import blamed, origin
from destination_webhook.settings import Settings

Ctx = dc.Context[Settings]
Scalar = str | int | float | bool

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"

BODY_BYTES: Final = 1_000_000
"""Bytes of a batch at most: what servers take unless told otherwise (nginx: 1 MiB)."""

OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
"""Headers that belong to the connection (RFC 9110, section 7.6.1): a mapping cannot set them."""

EVERYTHING: Final = " or ".join(
    f'type = "{kind}"' for kind in ("track", "identify", "page", "screen", "group", "alias")
)

IN_BATCHES: Final = dc.Condition("enable_batching", "is", value=True)


class Webhook(dc.Payload):
    """One request: the data, or a text, and where it goes."""

    url: Annotated[
        str | None,
        dc.field(
            label="URL",
            description="Where this request goes; the URL of the settings when empty.",
            category="request",
        ),
    ] = None
    method: Annotated[
        Literal["POST", "PUT", "PATCH", "DELETE", "GET"],
        dc.field(description="The method; GET has no body.", category="request"),
    ] = "POST"
    headers: Annotated[
        dict[str, Scalar],
        dc.field(description="Headers to send; secret ones belong into settings."),
        Field(default_factory=dict),
    ]
    data: Annotated[
        dict[str, Any],
        dc.path("$."),
        dc.field(description="The JSON object to send: the event, unless mapped.", category="body"),
        Field(default_factory=dict),
    ]
    body: Annotated[
        str | None,
        dc.field(
            type="text",
            description="A text to send in place of the data: map it with a template.",
            category="body",
        ),
    ] = None
    content_type: Annotated[
        str,
        dc.field(
            description="What the text is.",
            category="body",
            depends_on=dc.Condition("body", "is_not"),
        ),
    ] = "text/plain; charset=utf-8"
    message_id: Annotated[
        str | None,
        dc.path("$.messageId"),
        dc.field(
            label="Message ID",
            description="Sent as webhook-id: what was received under it before is the same again.",
            read_only=True,
        ),
    ] = None
    enable_batching: Annotated[
        bool, dc.field(description="Send many events in one request.", category="batching")
    ] = False
    batch_format: Annotated[
        Literal["array", "ndjson"],
        dc.field(
            description="A JSON array, or one JSON object per line.",
            category="batching",
            depends_on=IN_BATCHES,
        ),
    ] = "array"
    batch_size: Annotated[
        int,
        Field(ge=1, le=1_000),
        dc.field(description="Events in one request at most.", category="batching", hidden=True),
    ] = 100


@dc.action("send", title="Send", subscribe=EVERYTHING)
async def send(ctx: Ctx, webhook: Webhook) -> None:
    """Send an event to a URL of your choice."""
    if webhook.method == "GET":
        await _request(ctx, webhook, [webhook], None, "")
    elif webhook.body is not None:
        await _request(ctx, webhook, [webhook], _bytes(webhook.body), webhook.content_type)
    else:
        await _request(ctx, webhook, [webhook], _json(webhook.data), JSON)


def encode(_ctx: Ctx, _action: dc.Action[Settings, Any], webhook: Webhook) -> dc.Encoded | None:
    """Return an item of a batch; None for what has no place in one."""
    if webhook.method == "GET" or webhook.body is not None:
        return None
    return dc.Encoded(_json(webhook.data))


BATCHING: Final = dc.Batching[Settings](
    size=1_000,
    body_bytes=BODY_BYTES,
    keys=("url", "method", "headers", "batch_format"),
    encode=encode,
)


async def send_batch(ctx: Ctx, items: Sequence[dc.Item]) -> Sequence[dc.Outcome] | None:
    """Send many events in one request, as a JSON array or as lines of JSON.

    A receiver that settles each by itself answers 207 with an array of their statuses, in order;
    any other 2xx accepts them all.
    """
    webhooks: list[Webhook] = [one.payload for one in items]
    bodies = [one.body for one in items]
    lines = webhooks[0].batch_format == "ndjson"
    body = b"\n".join(bodies) + b"\n" if lines else BATCHING.join(bodies)
    response = await _request(ctx, webhooks[0], webhooks, body, NDJSON if lines else JSON)
    if response.status != 207:  # noqa: PLR2004  Multi-Status
        return None
    configured = ctx.settings.url
    url = webhooks[0].url or configured
    return [
        one if one.error is None else replace(one, error=blamed(one.error, url, configured))
        for one in _settled(response, len(items))
    ]


def _settled(response: dc.Response, size: int) -> Sequence[dc.Outcome]:
    settled = dc.MultiStatus(size)
    try:
        statuses = response.json()
    except ValueError:
        statuses = None
    if isinstance(statuses, list) and len(statuses) == size:
        for index, status in enumerate(statuses):
            if type(status) is int:
                settled.set(index, status)
    return settled.outcomes()


async def _request(
    ctx: Ctx, one: Webhook, all_of_it: Sequence[Webhook], body: bytes | None, content_type: str
) -> dc.Response:
    """Send a body, signed; the customer's headers go under ours."""
    settings = ctx.settings
    url = one.url or settings.url
    headers: dict[str, str | None] = {}
    if body is not None:
        headers["content-type"] = content_type
    headers |= _checked(one.headers)
    if origin(url) == origin(settings.url):
        secret = settings.headers.items()
        headers |= {name.lower(): value.get_secret_value() for name, value in secret}
    headers |= signature.headers_of(_id(all_of_it, body), ctx.now(), body or b"", settings.secrets)
    try:
        return await ctx.http.request(one.method, url, data=body, headers=headers)
    except dc.DeliveryError as error:
        raise blamed(error, url, settings.url) from None


def _checked(headers: Mapping[str, Scalar]) -> dict[str, str]:
    made: dict[str, str] = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower in OURS or lower.startswith("webhook-"):
            raise dc.InvalidPayload(f"header {name!r} is the sender's own; leave it out")
        made[lower] = str(value).lower() if isinstance(value, bool) else str(value)
    return made


def _id(webhooks: Sequence[Webhook], body: bytes | None) -> str:
    """Return what names a message: an attempt that is made again has the same."""
    ids = [one.message_id for one in webhooks if one.message_id]
    if len(ids) < len(webhooks):  # nothing else tells such events apart
        return signature.joint_id([(body or b"").decode("utf-8", "replace")])
    return ids[0] if len(ids) == 1 else signature.joint_id(ids)


def _json(data: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise dc.InvalidPayload(f"data cannot be written as JSON: {error}") from error
    return _bytes(text)


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise dc.InvalidPayload("body holds half of a surrogate pair, not text") from error
