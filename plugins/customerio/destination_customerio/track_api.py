"""Customer.io's Track API: how a call is sent, alone and in batches, and what the answer means."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

import destination_core as dc
from destination_customerio import limits
from destination_customerio.settings import Settings

ENTITY: Final = "/api/v2/entity"
BATCH: Final = "/api/v2/batch"
ANONYMOUS_EVENTS: Final = "/api/v1/events"
METRICS: Final = "/api/v1/metrics"
CUSTOMERS: Final = "/api/v1/customers"
REGION: Final = "/api/v1/accounts/region"

MULTI_STATUS: Final = 207


class Call(NamedTuple):
    """A call that no batch takes: its body, the warnings about it, and where it goes."""

    body: bytes
    warnings: tuple[str, ...]
    path: str


def dumps(value: Any) -> bytes:
    """Write JSON; raises ``InvalidPayload`` for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise dc.InvalidPayload(f"payload cannot be written as JSON: {error}") from error


def entity(value: Mapping[str, Any], warnings: Sequence[str] = ()) -> dc.Encoded:
    """Return a call of ``/entity``, which is also an item of a batch, as the bytes it is."""
    return dc.Encoded(_within_limit(value), tuple(warnings) if warnings else ())


def call(path: str, value: Mapping[str, Any], warnings: Sequence[str] = ()) -> Call:
    """Return a call of another path."""
    return Call(_within_limit(value), tuple(warnings), path)


def _within_limit(value: Mapping[str, Any]) -> bytes:
    body = dumps(value)
    if len(body) > limits.ITEM_BYTES:
        raise dc.InvalidPayload(
            f"payload is {len(body):,} bytes; Customer.io accepts {limits.ITEM_BYTES:,}"
        )
    return body


async def send(ctx: dc.Context[Settings], made: dc.Encoded | Call) -> None:
    """Send one call by itself."""
    for warning in made.warnings:
        ctx.warn(warning)
    path = made.path if isinstance(made, Call) else ENTITY
    try:
        response = await ctx.http.post(path, json=made.body)
    except dc.SetupError as error:
        raise region_error(ctx.settings, error) from error
    if not _is_yes(response):
        errors = _errors(response)
        if errors:
            raise dc.PermanentError(
                f"Customer.io refused it: {_said(errors)}", status=response.status
            )
        if errors is None or response.status == MULTI_STATUS:
            raise _unclear(response)


async def send_batch(
    ctx: dc.Context[Settings], body: bytes, size: int
) -> Sequence[dc.Outcome] | None:
    """Send a batch; return one outcome per item, by the errors that Customer.io listed, if any.

    207 lists the items that were refused, by position; all others are accepted (Track API,
    ``/batch``). An answer that cannot be read, or that names items that were not sent, says of
    no item that it was accepted.
    """
    try:
        response = await ctx.http.post(BATCH, json=body)
    except dc.SetupError as error:
        raise region_error(ctx.settings, error) from error
    if _is_yes(response):
        return None
    listed = _by_index(_errors(response), size)
    if listed is None or (response.status == MULTI_STATUS and not listed):
        return [dc.Outcome(_unclear(response))] * size
    return [
        dc.Outcome(
            dc.PermanentError(
                f"Customer.io refused it: {_said(listed[index])}", code="BAD_REQUEST", status=400
            )
        )
        if index in listed
        else dc.Outcome()
        for index in range(size)
    ]


def _is_yes(response: dc.Response) -> bool:
    """Tell whether an answer is a plain yes: `{}`, nothing, a word, an object without errors.

    What somebody in between says (a page, half of an answer) is none, whatever its status.
    """
    if response.status == MULTI_STATUS:
        return False
    if response.body in (b"{}", b""):
        return True
    if response.body.lstrip()[:1] not in (b"{", b"[", b"<"):  # "OK", and other words
        return True
    try:
        answer = response.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and "errors" not in answer


def region_error(settings: Settings, error: dc.SetupError) -> dc.SetupError:
    """Say that a redirect means the other region: following it would lose the body."""
    if error.status is None or not 300 <= error.status < 400:  # noqa: PLR2004  RFC 9110
        return error
    other = "EU" if settings.account_region == "US" else "US"
    return dc.SetupError(
        f"Customer.io redirects elsewhere: the account does not live in region"
        f" {settings.account_region}; set account_region to {other}",
        status=error.status,
        code="WRONG_REGION",
        detail=error.detail,
    )


def _unclear(response: dc.Response) -> dc.RetryableError:
    """Return the error of an answer that speaks of errors and does not say which."""
    return dc.RetryableError(
        f"Customer.io answered {response.status} without saying which items it refused",
        code="MULTI_STATUS_UNREADABLE",
        status=response.status,
        detail=response.text[:500],
    )


def _errors(response: dc.Response) -> list[Mapping[str, Any]] | None:
    """Return the list of errors of an answer, or None when it has none that can be read."""
    try:
        answer = response.json()
    except ValueError:
        return None
    errors = answer.get("errors") if isinstance(answer, dict) else None
    if not isinstance(errors, list) or not all(isinstance(one, dict) for one in errors):
        return None
    return errors


def _by_index(
    errors: list[Mapping[str, Any]] | None, size: int
) -> dict[int, list[Mapping[str, Any]]] | None:
    """Group errors by item; None when any does not name an item that was sent."""
    if errors is None:
        return None
    listed: dict[int, list[Mapping[str, Any]]] = {}
    for one in errors:
        index = one.get("batch_index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < size:
            return None
        listed.setdefault(index, []).append(one)
    return listed


def _said(errors: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for one in errors:
        field = f"{one['field']}: " if one.get("field") else ""
        said = one.get("message") or one.get("detail") or one.get("reason") or "no reason given"
        parts.append(f"{field}{said}")
    return "; ".join(parts)[:500]
