"""Requests to HubSpot, and what its answers mean.

Sources: developers.hubspot.com, "Error handling" and "API usage guidelines". An error is
``{"status": "error", "message", "category", "subCategory", "correlationId", "context"}``, every
member optional; a rate limit has ``policyName`` instead of a category.
"""

from collections.abc import Mapping
from typing import Any, Final

import destination_core as dc
from destination_hubspot.settings import Settings

Ctx = dc.Context[Settings]

LOCKED: Final = 423
"""Too many writes of the same kind at once; "Locks will last for 2 seconds"."""

MIGRATING: Final = 477
"""The account moves to another data centre; `Retry-After` says for how long, up to 24 hours."""

NOT_FOUND: Final = 404

CONFLICT: Final = 409

PAUSES: Final[Mapping[str, float]] = {
    "SECONDLY": 1.0,
    "TEN_SECONDLY_ROLLING": 10.0,
    "DAILY": 3_600.0,
}
"""Seconds to wait by the policy that a 429 names, when it has no `Retry-After`.

The daily limit is reset at midnight in the account's time zone, which we do not know.
"""

STATUSES: Final[Mapping[str, int]] = {
    "VALIDATION_ERROR": 400,
    "INVALID_EMAIL": 400,
    "PROPERTY_DOESNT_EXIST": 400,
    "INVALID_AUTHENTICATION": 401,
    "EXPIRED_AUTHENTICATION": 401,
    "MISSING_SCOPES": 403,
    "OBJECT_NOT_FOUND": 404,
    "OBJECT_ALREADY_EXISTS": 409,
    "CONFLICT": 409,
    "RATE_LIMITS": 429,
    "INTERNAL_ERROR": 500,
}
"""The status that each category stands for: the errors of a batch have no status of their own."""


async def ask(
    ctx: Ctx, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None
) -> dc.Response:
    """Send a request; raises what HubSpot's answer means, in HubSpot's words."""
    options: dict[str, Any] = {} if json is None else {"json": json}
    response = await ctx.http.request(
        method, path, params=params, raise_for_status=False, **options
    )
    if response.ok:
        return response
    raise refusal(method, path, response)


async def ask_for(
    ctx: Ctx, method: str, path: str, *, json: Any = None, params: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Send a request and return the object that it is answered with; raises like ``ask``.

    An answer that is no object is a ``RetryableError``: something other than HubSpot answered.
    """
    response = await ask(ctx, method, path, json=json, params=params)
    return body_of(response) or _unreadable(method, path, response)


async def ask_whether(ctx: Ctx, path: str) -> dict[str, Any] | None:
    """Ask for what may not be there; None when HubSpot answers 404, raises like ``ask``."""
    try:
        return await ask_for(ctx, "GET", path)
    except dc.PermanentError as error:
        if error.status == NOT_FOUND:
            return None
        raise


def body_of(response: dc.Response) -> dict[str, Any]:
    """Return the object of an answer; an empty one when there is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def refusal(method: str, path: str, response: dc.Response) -> dc.DeliveryError:
    """Return the error that an answer outside 2xx stands for."""
    body, status = body_of(response), response.status
    message = f"{method} {path} answered {status}"
    words = said(body)
    if words:
        message += f": {words}"
    detail = f"correlationId {body['correlationId']}" if body.get("correlationId") else None
    wait = response.retry_after
    if status in (LOCKED, MIGRATING):
        wait = 2.0 if wait is None else wait
        return dc.RetryableError(message, detail=detail, status=status, retry_after=wait)
    if wait is None:
        wait = PAUSES.get(str(body.get("policyName")))
    return dc.error_of(status, message, detail=detail, retry_after=wait)


def said(error: Mapping[str, Any]) -> str:
    """Return what an error says for people: its message, after its kind."""
    kind = error.get("subCategory") or error.get("category") or error.get("policyName")
    parts = [str(part) for part in (kind, error.get("message")) if part]
    return ": ".join(parts)[:500]


def status_of(error: Mapping[str, Any]) -> int:
    """Return the status that an error inside a batch's answer stands for; unknown ones are 400."""
    return STATUSES.get(str(error.get("category")), 400)


def _unreadable(method: str, path: str, response: dc.Response) -> dict[str, Any]:
    raise dc.RetryableError(
        f"{method} {path} answered {response.status} without a JSON object; is api_url HubSpot's?",
        detail=response.text[:200],
        status=response.status,
    )
