"""`destinations dead`."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from destination_core.cli import letters
from destination_core.cli.loading import (
    config_argument,
    counted,
    echo_json,
    json_option,
    outline,
)
from destination_core.cli.main import OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.connection import Outline
    from destination_core.queue import Counts, DeadLetter, Onlooker, SqliteQueue


@click.group(epilog="Example: destinations dead list customerio.yaml --destination customerio")
def command() -> None:
    """List, show, retry, drop or export dead letters: deliveries that failed for good."""


@command.command(
    "list", epilog="Example: destinations dead list customerio.yaml --code BAD_REQUEST"
)
@config_argument
@letters.filters
@json_option
def list_(config: Path, as_json: bool, **wanted: Any) -> int:
    """List dead letters: number, time, destination, action, event, user, messageId, reason."""
    service = outline(config)

    async def found() -> "tuple[list[DeadLetter], int]":
        queue = letters.looking(service)
        counts = await _check_destination(service, queue, wanted)
        chosen = [one async for one in letters.matching(queue, wanted)]
        return chosen, sum(one.expired for one in counts.values())

    chosen, expired = asyncio.run(found())
    if as_json:
        echo_json([{**letters.summary(one), **letters.identity(one)} for one in chosen])
        return OK
    for one in chosen:
        click.echo(letters.line(one))
    click.echo(counted(len(chosen), "dead letter"))
    if expired:
        days = service.queue.dead_retention / 86_400
        click.echo(
            f"{counted(expired, 'older one')} {'was' if expired == 1 else 'were'} deleted after"
            f" {days:g} days (queue.dead_retention)",
            err=True,
        )
    return OK


@command.command(epilog="Example: destinations dead show customerio.yaml 17")
@config_argument
@click.argument("number", type=int)
@click.option("--json", is_flag=True, expose_value=False, help="It is JSON without it, too.")
def show(config: Path, number: int) -> int:
    """Show one dead letter: event, payload, request, response, reason."""

    async def found() -> "list[DeadLetter]":
        return await letters.looking(outline(config)).dead_letters(limit=1, after=number - 1)

    for one in asyncio.run(found()):
        if one.id == number:
            echo_json({**letters.summary(one), **orjson.loads(one.record)})
            return OK
    click.echo(f"there is no dead letter {number}", err=True)
    return PROBLEMS


@command.command(epilog="Example: destinations dead retry customerio.yaml --code REQUEST_TIMEOUT")
@config_argument
@letters.numbers
@letters.filters
@click.option("--dry-run", is_flag=True, help="Say how many, and do nothing.")
def retry(config: Path, dry_run: bool, **wanted: Any) -> int:
    """Queue dead letters again, all at once; a running `serve`, or the next `run`, delivers them.

    Those with these NUMBERs, or all that the options choose. They pass deduplication. `replay` does
    the same at a rate.
    """
    click.echo(
        "warning: they go out after what came later; `replay --dry-run` tells what the destinations"
        " make of that",
        err=True,
    )
    return _change(config, wanted, "queued again", dry_run, lambda queue: queue.revive)


@command.command(epilog="Example: destinations dead drop customerio.yaml --destination customerio")
@config_argument
@letters.numbers
@letters.filters
@click.option("--dry-run", is_flag=True, help="Say how many, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(config: Path, dry_run: bool, yes: bool, **wanted: Any) -> int:
    """Delete dead letters for good: those with these NUMBERs, or all that the options choose."""
    ask = None if yes else _ask
    return _change(config, wanted, "dropped", dry_run, lambda queue: queue.drop, ask)


def _ask(many: int) -> None:
    """Ask whether to delete so many; ends the command when that is not wanted."""
    click.echo(f"{counted(many, 'dead letter')} would be dropped")
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; say --yes to delete them for good")
    if not click.confirm("Delete for good?"):
        raise click.exceptions.Exit(PROBLEMS)


@command.command(epilog="Example: destinations dead export customerio.yaml > dead.ndjson")
@config_argument
@letters.numbers
@letters.filters
def export(config: Path, **wanted: Any) -> int:
    """Write the events of dead letters as NDJSON, each with where it failed; `send` takes them."""

    async def write() -> None:
        service = outline(config)
        queue = letters.looking(service)
        await _check_destination(service, queue, wanted)
        left_out = 0
        async for one in letters.matching(queue, wanted):
            event = letters.event(one)
            mark = {
                "destination": one.destination,
                "subscription": one.subscription,
                "action": one.action,
                "code": one.code,
                "reason": one.reason,
            }
            if isinstance(event, dict):
                click.echo(orjson.dumps({**event, "_delivery": mark}))
            else:
                left_out += 1
        if left_out:
            click.echo(f"left out: {counted(left_out, 'dead letter')}: damaged", err=True)

    asyncio.run(write())
    return OK


def _change(
    config: Path,
    wanted: letters.Filters,
    done: str,
    dry_run: bool,
    chosen: "Callable[[SqliteQueue], Callable[[Sequence[int]], Awaitable[int]]]",
    ask: Callable[[int], None] | None = None,
) -> int:
    """Do it to those that there are now; ``ask`` is told how many, and no others are added."""
    from destination_core.runner.replay import Pace

    async def change() -> tuple[int, list[int]]:
        service = outline(config)
        beside = letters.looking(service)
        await _check_destination(service, beside, wanted)
        ids = [one.id async for one in letters.matching(beside, wanted)]
        missing = sorted({*wanted["numbers"]}.difference(ids))
        if dry_run:
            return len(ids), missing
        if ask is not None and ids:
            ask(len(ids))
        async with letters.opened(service) as queue:
            parts = [await chosen(queue)(part) async for part in Pace(None).portions(ids)]
            return sum(parts), missing

    many, missing = asyncio.run(change())
    would = " would be" if dry_run else ""
    click.echo(f"{counted(many, 'dead letter')}{would} {done}")
    for number in missing:
        click.echo(f"there is no such dead letter as {number}", err=True)
    return PROBLEMS if missing else OK


async def _check_destination(
    service: "Outline", queue: "Onlooker", wanted: letters.Filters
) -> "Mapping[str, Counts]":
    """Refuse a destination that neither the configuration nor the queue has; return the counts."""
    counts = await queue.counts()
    known = [*counts, *(one for one in service.destinations if one not in counts)]
    letters.check_destination(wanted["destination"], known)
    return counts
