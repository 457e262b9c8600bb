"""`destinations explain`."""

import asyncio
import gzip
import os
import sys
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from destination_core.cli.legible import legible, legible_json
from destination_core.cli.loading import (
    config_argument,
    connections,
    echo_json,
    heading,
    json_option,
)
from destination_core.cli.main import OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.connection import CompiledSubscription, Connection
    from destination_core.work import Delivery

OPEN: Final = "what follows depends on the destination's answer, and nobody was asked"


@click.command(
    epilog="""Example: destinations explain customerio.yaml '{"type": "track", "event": "A"}'"""
)
@config_argument
@click.argument("event")
@json_option
def command(config: Path, event: str, as_json: bool) -> int:
    """Show what would become of an EVENT (a file, - or inline JSON), and send nothing.

    For each subscription: matched or not and which condition decided, the payload, and the exact
    request, without credentials: the first one, where more depend on its answer. Of a `delete`
    event, which no subscription is asked about, the request that forgets the user. Where the
    event's `integrations` exclude a destination, that it is not sent.
    """
    from destination_core.cli.reading import TYPES
    from destination_core.errors import InvalidEvent
    from destination_core.event import parse_event

    text = _inflated(_read(event))
    try:
        parsed = parse_event(text)
    except InvalidEvent as error:
        first, _, more = text.strip().partition(b"\n")
        with suppress(InvalidEvent):
            if more and parse_event(first):
                said = "EVENT has several lines; give one: head -n 1 FILE | destinations explain …"
                raise click.UsageError(said) from None
        raise click.UsageError(f"EVENT cannot be read: {legible(str(error))}") from error
    opened = connections(config)
    deletes = parsed["type"] == "delete"
    if deletes:
        found = asyncio.run(_explain_deletion(opened, parsed))
    else:
        found = [
            asyncio.run(_explain(connection, one, parsed))
            for connection in opened
            for one in connection.subscriptions
        ]
    discard = _discard(parsed)
    if as_json:
        echo_json([one | ({"serve_discards": discard} if discard else {}) for one in found])
    else:
        for one in found:
            _show(one)
        if discard:
            click.echo(f"`serve` would discard it: {discard}")
        click.echo(_sum(found, len(opened), deletes=deletes))
    if parsed["type"] not in TYPES:
        known = ", ".join(TYPES)
        click.echo(f"type {parsed['type']!r} is none of {known}", err=True)
    sent = any(one["matched"] and not one.get("excluded") for one in found)
    return OK if sent and not any(one.get("error") for one in found) else PROBLEMS


def _sum(found: list[dict[str, Any]], opened: int, *, deletes: bool) -> str:
    matched = sum(one["matched"] for one in found)
    said = (
        f"{matched} of {opened} destinations can forget users"
        if deletes
        else f"{matched} of {len(found)} subscriptions match"
    )
    excluded = sum("excluded" in one for one in found)
    if excluded:
        said += f", `integrations` excludes {'that' if excluded == matched == 1 else excluded}"
    return f"{said}; nothing was sent"


def _exclusion(connection: "Connection[Any]", event: dict[str, Any]) -> str:
    """Return why a destination does not get an event that it would want, "" when it does."""
    from destination_core.runner.intake import allowed

    if allowed(connection, event.get("integrations")):
        return ""
    return f"`integrations` excludes {connection.name}"


def _inflated(data: bytes) -> bytes:
    """Unpack what is gzipped, as `send` does."""
    from destination_core.cli.reading import GZIP_MAGIC

    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise click.UsageError(f"EVENT cannot be read: gzip stream is damaged: {error}") from error


def _discard(event: dict[str, Any]) -> str:
    """Return why `serve` would not take an event, with the code of its log; "" when it would."""
    from destination_core.server.call import read_call

    discards = read_call("batch", {"batch": [event]}, datetime.now(UTC), "").discards
    return f"{discards[0].message} ({discards[0].code})" if discards else ""


def _read(event: str) -> bytes:
    if event == "-":
        return sys.stdin.buffer.read()
    if event.lstrip().startswith("{"):
        return os.fsencode(event)  # as it was typed, whatever the locale says
    try:
        return Path(event).read_bytes()
    except OSError as error:
        raise click.UsageError(
            f"EVENT must be a file, - or a JSON object; {event!r}: {error.strerror}"
        ) from error


async def _explain(
    connection: "Connection[Any]", subscription: "CompiledSubscription", event: dict[str, Any]
) -> dict[str, Any]:
    from destination_core.cli.capture import CapturingTransport
    from destination_core.engine import Engine

    decision = subscription.trigger.explain(event)
    made: dict[str, Any] = {
        "destination": connection.name,
        "subscription": subscription.name,
        "action": subscription.action.slug,
        "trigger": subscription.trigger.render(),
        "matched": decision.matched,
        "decided_by": [
            {"condition": one.text, "actual": one.actual, "held": one.held}
            for one in decision.decided_by
        ],
    }
    if not decision.matched:
        return made
    if why := _exclusion(connection, event):
        return made | {"excluded": why}
    alone = connection.narrowed(subscription.name).offline()
    async with Engine([alone], transport=CapturingTransport()) as engine:
        (delivery,) = await engine.send(event)
    made["payload"] = None if delivery.payload is None else delivery.payload.to_json()
    return made | _outcome(delivery)


async def _explain_deletion(
    opened: "list[Connection[Any]]", event: dict[str, Any]
) -> list[dict[str, Any]]:
    from destination_core.cli.capture import CapturingTransport
    from destination_core.engine import Engine

    alone = [one.offline() for one in opened]
    async with Engine(alone, transport=CapturingTransport()) as engine:
        deliveries = await engine.delete(event)
    if any(not one.connection for one in deliveries):
        raise click.UsageError(f"EVENT cannot be sent: {deliveries[0].reason}")
    common = {"subscription": "Deletion", "action": "on_delete", "trigger": "", "decided_by": []}
    excluded = {one.name: why for one in opened if (why := _exclusion(one, event))}
    return [
        {"destination": one.connection, **common, "matched": True}
        | ({"excluded": excluded[one.connection]} if one.connection in excluded else _outcome(one))
        for one in deliveries
    ]


def _outcome(delivery: "Delivery") -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["requests"] = [one["request"] for one in delivery.requests()]
    made["warnings"] = list(delivery.warnings)
    if delivery.error is not None:
        if made["requests"]:  # it did not like the empty answer, which is not the destination's
            made["open"] = OPEN
        else:
            made["error"] = delivery.reason
    return made


def _show(one: dict[str, Any]) -> None:
    verdict = "matches" if one["matched"] else "does not match"
    where = f"({one['destination']}, {one['action']})"
    click.echo(f"{heading(one['subscription'])} {where} {verdict}")
    for condition in one["decided_by"]:
        holds = "holds" if condition["held"] else "does not hold"
        actual = legible_json(condition["actual"], indented=False)
        click.echo(f"  {condition['condition']} {holds}: the event has {actual[:200]}")
    if one.get("payload") is not None:
        click.echo(f"  payload {_indented(one['payload'])}")
    for warning in one.get("warnings", ()):
        click.echo(f"  warning: {legible(warning)}")
    if one.get("error"):
        click.echo(f"  rejected: {legible(one['error'])}")
    for request in one.get("requests", ()):
        _show_request(request)
    if one.get("excluded"):
        click.echo(f"  not sent: {one['excluded']}")
    elif one["matched"] and not (one.get("error") or one.get("requests")):
        click.echo("  no request would be sent")
    if one.get("open"):
        click.echo(f"  {one['open']}")
    click.echo()


def _show_request(request: dict[str, Any]) -> None:
    click.echo(f"  {request['method']} {legible(request['url'])}")
    for key, value in request["headers"].items():
        click.echo(f"    {key}: {legible(value)}")
    if request["body"] is not None:
        click.echo(f"    {_indented(request['body'], 4)}")


def _indented(value: Any, by: int = 2) -> str:
    return legible_json(value).replace("\n", "\n" + " " * by)
