"""`destinations find`."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli import letters
from destination_core.cli.legible import legible
from destination_core.cli.loading import (
    NO_SUCH,
    config_argument,
    counted,
    echo_json,
    json_option,
    outline,
)
from destination_core.cli.main import OK
from destination_core.cli.moments import shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from destination_core.connection import Outline
    from destination_core.queue.finding import Waiting

FILE_SOURCE = "file"
"""The source of what `run` reads."""


@click.command(epilog="Example: destinations find customerio.yaml --user u123")
@config_argument
@click.option("--user", help="The events of the user with this userId or anonymousId.")
@click.option("--message", help="The event with this messageId.")
@json_option
def command(config: Path, user: str | None, message: str | None, as_json: bool) -> int:
    """Show where a user's events, or one event, are: still queued, or dead letters.

    What was delivered is not kept: `tail` shows it as it happens. Of a messageId it is also told
    when it came in: then what is not listed was delivered, or no subscription wanted it.
    """
    from destination_core.queue import finding

    if user is None and message is None:
        raise click.UsageError("say whose: --user ID, or --message ID")
    service = outline(config)
    dead = asyncio.run(_dead(service, {"user": user, "message": message}))
    queued = list(finding.waiting(service.queue_path, user, message))
    came = None
    if message is not None:
        sources = iter([*service.sources, FILE_SOURCE])
        came = finding.accepted_at(service.queue_path, sources, message)
    if as_json:
        echo_json(
            {
                "queued": [{**one._asdict(), "event": dict(one.event)} for one in queued],
                "dead": [{**letters.summary(one), **letters.identity(one)} for one in dead],
                "accepted": came,
            }
        )
        return OK
    for one in queued:
        click.echo(_line(one, service.destinations))
    for letter in dead:
        click.echo(f"dead    {letters.line(letter)}")
    click.echo(f"{len(queued):,} queued, {counted(len(dead), 'dead letter')}")
    if message is not None:
        click.echo(_came(service, message, came))
    elif not (queued or dead):
        click.echo(_nothing(user or ""))
    return OK


async def _dead(service: "Outline", wanted: letters.Filters) -> list[Any]:
    return [one async for one in letters.matching(letters.looking(service), wanted)]


def _line(one: "Waiting", known: "Collection[str]") -> str:
    due = f"next at {shown(one.due)}" if one.due > time.time() else "due now"
    if one.destination not in known:
        due = NO_SUCH
    tried = f"{counted(one.attempts, 'attempt')} failed, " if one.attempts else ""
    parts = [
        "queued  ",
        shown(one.received),
        legible(one.destination),
        legible(one.event.get("event") or one.event.get("type") or "-"),
        legible(one.event.get("userId") or one.event.get("anonymousId") or "-"),
        legible(one.event.get("messageId") or "-"),
        f"{tried}{due}",
    ]
    return "  ".join(parts)


def _nothing(user: str) -> str:
    if "@" in user:
        return f"no userId or anonymousId is {legible(user)!r}; emails are not searched"
    return "what was delivered is not kept; `tail` shows it as it happens"


def _came(service: "Outline", message: str, came: float | None) -> str:
    if came is not None:
        return (
            f"{legible(message)} came in at {shown(came)}; where it is not listed, it was"
            f" delivered, or no subscription wanted it, or its `integrations` excluded it"
        )
    hours = service.queue.dedup_window / 3_600
    return (
        f"{legible(message)} is not known: it did not come in within the last {hours:g} h, or was"
        f" discarded: see the log of `serve`"
    )
