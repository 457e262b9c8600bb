"""`destinations dead`."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from destination_core.cli.loading import (
    config_argument,
    counted,
    echo_json,
    json_option,
    registry,
)
from destination_core.cli.main import OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.queue import DeadLetter, SqliteQueue

PAGE = 500


@click.group(epilog="Example: destinations dead list customerio.yaml --destination customerio")
def command() -> None:
    """List, show, retry, drop or export dead letters: deliveries that failed for good."""


def _filters(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--destination", help="Of this destination only."),
        click.option("--code", help="With this error code only."),
        click.option("--reason", help="Whose reason has this in it."),
        click.option("--action", help="Of this action only."),
    ):
        function = option(function)
    return function


@command.command(
    "list", epilog="Example: destinations dead list customerio.yaml --code BAD_REQUEST"
)
@config_argument
@_filters
@json_option
def list_(config: Path, as_json: bool, **filters: str | None) -> int:
    """List dead letters."""
    found = asyncio.run(_found(config, filters))
    if as_json:
        echo_json([_summary(one) for one in found])
        return OK
    for one in found:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(one.at))
        action = one.action or "-"
        click.echo(f"{one.id:>8}  {when}  {one.destination}  {action}  {one.code}  {one.reason}")
    click.echo(counted(len(found), "dead letter"))
    return OK


@command.command(epilog="Example: destinations dead show customerio.yaml 17")
@config_argument
@click.argument("number", type=int)
def show(config: Path, number: int) -> int:
    """Show one dead letter: event, payload, request, response, reason."""
    for one in asyncio.run(_found(config, {})):
        if one.id == number:
            echo_json({**_summary(one), **orjson.loads(one.record)})
            return OK
    click.echo(f"there is no dead letter {number}", err=True)
    return PROBLEMS


@command.command(epilog="Example: destinations dead retry customerio.yaml --code REQUEST_TIMEOUT")
@config_argument
@_filters
@click.option("--dry-run", is_flag=True, help="Say how many, and do nothing.")
def retry(config: Path, dry_run: bool, **filters: str | None) -> int:
    """Queue dead letters again; a running `serve`, or the next `run`, delivers them.

    They pass deduplication. Where a destination orders by time (Customer.io ignores attributes
    older than what it has), old events may change nothing.
    """
    return _change(config, filters, "queued again", dry_run, lambda queue: queue.revive)


@command.command(epilog="Example: destinations dead drop customerio.yaml --destination customerio")
@config_argument
@_filters
@click.option("--dry-run", is_flag=True, help="Say how many, and do nothing.")
@click.confirmation_option(prompt="Delete them for good?")
def drop(config: Path, dry_run: bool, **filters: str | None) -> int:
    """Delete dead letters for good."""
    return _change(config, filters, "dropped", dry_run, lambda queue: queue.drop)


@command.command(epilog="Example: destinations dead export customerio.yaml > dead.ndjson")
@config_argument
@_filters
def export(config: Path, **filters: str | None) -> int:
    """Write the events of dead letters as NDJSON, each with where it failed; `send` takes them."""
    for one in asyncio.run(_found(config, filters)):
        record = orjson.loads(one.record)
        mark = {
            "destination": one.destination,
            "subscription": one.subscription,
            "action": one.action,
            "code": one.code,
            "reason": one.reason,
        }
        event = record["event"]
        if isinstance(event, dict):
            click.echo(orjson.dumps({**event, "_delivery": mark}))
    return OK


def _change(
    config: Path,
    filters: dict[str, str | None],
    done: str,
    dry_run: bool,
    chosen: "Callable[[SqliteQueue], Callable[[list[int]], Awaitable[int]]]",
) -> int:
    async def change() -> int:
        async with _queue(config) as queue:
            ids = [one.id for one in await _matching(queue, filters)]
            return len(ids) if dry_run else await chosen(queue)(ids)

    many = asyncio.run(change())
    would = " would be" if dry_run else ""
    click.echo(f"{counted(many, 'dead letter')}{would} {done}")
    return OK


async def _found(config: Path, filters: dict[str, str | None]) -> "list[DeadLetter]":
    async with _queue(config) as queue:
        return await _matching(queue, filters)


async def _matching(queue: "SqliteQueue", filters: dict[str, str | None]) -> "list[DeadLetter]":
    found: list[DeadLetter] = []
    after = 0
    while True:
        page = await queue.dead_letters(
            destination=filters.get("destination"), limit=PAGE, after=after
        )
        found += [one for one in page if _fits(one, filters)]
        if len(page) < PAGE:
            return found
        after = page[-1].id


def _fits(one: "DeadLetter", filters: dict[str, str | None]) -> bool:
    code, reason, action = (filters.get(name) for name in ("code", "reason", "action"))
    return (
        (code is None or one.code == code)
        and (reason is None or reason.lower() in one.reason.lower())
        and (action is None or one.action == action)
    )


@asynccontextmanager
async def _queue(config: Path) -> "AsyncIterator[SqliteQueue]":
    from destination_core.connection import load_service
    from destination_core.queue import SqliteQueue

    service = load_service(config, registry(), os.environ)
    if not service.queue_path.exists():
        raise click.UsageError(f"{service.queue_path} does not exist yet: nothing was queued")
    async with SqliteQueue(service.queue_path) as queue:
        yield queue


def _summary(one: "DeadLetter") -> dict[str, Any]:
    return {
        "id": one.id,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.at)),
        "destination": one.destination,
        "subscription": one.subscription,
        "action": one.action,
        "code": one.code,
        "reason": one.reason,
        "source": one.source,
        "attempts": one.attempts + 1,
    }
