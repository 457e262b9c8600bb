"""`destinations status`."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli import runners
from destination_core.cli.legible import legible
from destination_core.cli.loading import (
    NO_SUCH,
    NOBODY,
    check_queue,
    config_argument,
    counted,
    echo_json,
    json_option,
    outline,
    sums,
)
from destination_core.cli.main import OK, PROBLEMS
from destination_core.cli.moments import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from destination_core.queue import Counts


@click.command(epilog="Example: destinations status customerio.yaml --json")
@config_argument
@json_option
def command(config: Path, as_json: bool) -> int:
    """Show what is queued, delivered and dead, by destination; beside a running `serve` too.

    A running one also tells which destinations are paused, since when and why.
    """
    service = outline(config)
    path, known = service.queue_path, service.destinations
    check_queue(path)
    counts, damage, states = asyncio.run(_read(path))
    if as_json:
        told = {
            name or NOBODY: {**sums(one), "breaker": _breaker(states.get(name))}
            for name, one in counts.items()
        }
        duplicates = sum(one.duplicates for one in counts.values())
        echo_json({"destinations": told, "duplicates": duplicates, "damage": damage})
    else:
        _show(counts, states, known)
        for message in damage:
            click.echo(f"damage: {legible(message)}", err=True)
    lost = any(one.difference or one.damaged for one in counts.values())
    return PROBLEMS if damage or lost else OK


def _show(
    counts: "Mapping[str, Counts]",
    states: "Mapping[str, Mapping[str, Any]]",
    known: "Collection[str]",
) -> None:
    columns = ("accepted", "delivered", "queued", "dead", "filtered", "oldest")
    click.echo(f"{'':24}" + "".join(f"{column:>12}" for column in columns))
    for name, one in counts.items():
        age = "-" if one.oldest is None else f"{max(0.0, time.time() - one.oldest):,.0f} s"
        numbers = [one.accepted, one.delivered, one.queued, one.dead, one.filtered]
        shown = legible(name or "(no destination)")
        click.echo(f"{shown:24}" + "".join(f"{one:>12,}" for one in numbers) + f"{age:>12}")
    for name, one in counts.items():
        if one.queued and name not in known:
            click.echo(f"{legible(name)}: {counted(one.queued, 'event')} queued, {NO_SUCH}")
    for name, state in states.items():
        if state["state"] != "closed":
            click.echo(_paused(name, state))
    queued = sum(one.queued for one in counts.values())
    if queued and not states:
        click.echo("nobody delivers now; start `serve` or `run`")


def _breaker(state: "Mapping[str, Any] | None") -> "Mapping[str, Any] | None":
    """Return what a breaker tells; of a closed one there is nothing to wait for."""
    closed = state is not None and state["state"] == "closed"
    return {**state, "again": None} if state and closed else state


def _paused(name: str, state: "Mapping[str, Any]") -> str:
    """Say since when and why a destination is left alone, and when it is asked again."""
    since = shown(state["since"])
    left = state["again"] - time.time()
    again = f"asked again in {left:,.0f} s" if state["state"] == "open" else "being asked now"
    return legible(f"{name}: paused since {since}, {again}: {state['reason']}")


async def _read(path: Path) -> "tuple[Mapping[str, Counts], list[str], dict[str, dict[str, Any]]]":
    from destination_core.queue import Onlooker

    queue = Onlooker(path)
    counts = await queue.counts()
    damage = [one.message for one in await queue.damage()]
    damage += [
        f"{name or 'of no destination'}: {counted(one.damaged, 'event')} damaged or missing"
        for name, one in counts.items()
        if one.damaged
    ]
    return counts, damage, await runners.states(path)
