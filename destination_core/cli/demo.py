"""`destinations demo`."""

import asyncio
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli.legible import legible
from destination_core.cli.loading import (
    counted,
    echo_json,
    heading,
    interactive,
    json_option,
    registry,
)
from destination_core.cli.main import OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.cli.reading import Line
    from destination_core.cli.report import Report
    from destination_core.relay import Relay

EXAMPLES = 5
"""Rejected events that are shown with their reasons."""


@click.command(epilog="Example: destinations demo")
@click.option("--plugin", "slug", help="The plugin to show; by default the first with a demo.")
@click.option(
    "--events",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Your own events (NDJSON) instead of the bundled ones.",
)
@json_option
def command(slug: str | None, events: Path | None, as_json: bool) -> int:
    """Deliver bundled events to a stand-in for the destination, on this machine only.

    Nothing leaves the machine and no account is needed.
    """
    relay = _chosen(slug)
    demo = relay.destination.demo
    if demo is None:
        raise click.UsageError(f"plugin {relay.destination.slug!r} has no demo")
    if not as_json:
        click.echo(heading(demo.title))
    report, summary, seconds = asyncio.run(_run(relay, events))
    if as_json:
        held = dict(summary)
        echo_json({**report.as_json(), "holds": held, "seconds": round(seconds, 3)})
    else:
        _show(relay, report, summary, seconds)
    return OK if report.outcomes["delivered"] else PROBLEMS


def _chosen(slug: str | None) -> "Relay[Any]":
    found = registry()
    if slug is not None:
        return found.relay(slug)
    for relay in found.relays.values():
        if relay.destination.demo is not None:
            return relay
    raise click.UsageError(
        "no installed plugin has a demo; install one: pip install destination-customerio"
    )


async def _run(
    relay: "Relay[Any]", events: Path | None
) -> "tuple[Report, list[tuple[str, int]], float]":
    from destination_core.attempts import Retry
    from destination_core.cli import reading, sending
    from destination_core.cli.progress import progress
    from destination_core.connection import Connection, Subscription

    demo = relay.destination.demo
    assert demo is not None  # noqa: S101  checked by the caller
    source = events or demo.events()
    with source.open("rb") as stream:
        read: list[Line] = list(reading.lines(source.name, stream))
    async with demo.target() as target:
        connection: Connection[Any] = Connection(
            relay.destination.slug,
            relay,
            settings=target.settings,
            subscriptions=[
                Subscription.from_preset(relay.destination, preset.name)
                for preset in relay.destination.presets
            ],
        )
        with progress("delivering", len(read)) as advance:
            # One request at a time: the figures are those of the events' order, at every run.
            sender = sending.Sender(
                [connection], concurrency=1, retry=Retry(attempts=3), advance=advance
            )
            started = time.monotonic()
            report = await sender.run(read)
            seconds = time.monotonic() - started
        return report, list(target.summary()), seconds


def _show(
    relay: "Relay[Any]", report: "Report", summary: list[tuple[str, int]], seconds: float
) -> None:
    title = relay.destination.title
    deliveries = sum(report.outcomes.values())
    noun = "delivery" if deliveries == 1 else "deliveries"
    click.echo(f"\n{counted(report.events, 'event')}, {deliveries:,} {noun}")
    for status, count in report.outcomes.most_common():
        click.echo(f"  {count:>7,}  {status}")
    if report.filtered:
        click.echo(f"  {report.filtered:>7,}  filtered: no subscription matches")
    if report.unreadable:
        click.echo(f"  {report.unreadable:>7,}  unreadable")
    click.echo(f"\n{title} would now hold")
    for label, count in summary:
        click.echo(f"  {count:>7,}  {label}")
    if report.reasons:
        click.echo("\nwhat was not delivered, and why")
        for why, count in report.reasons.most_common(EXAMPLES):
            whose = f"{why.subscription}: " if why.subscription else ""
            click.echo(f"  {count:>7,}  {legible(whose + why.reason.splitlines()[0][:100])}")
        if (more := len(report.reasons) - EXAMPLES) > 0:
            click.echo(f"           and {counted(more, 'other reason')}; --json shows all")
    if report.warnings:
        (warning, _), *_others = report.warnings.most_common(1)
        total = counted(sum(report.warnings.values()), "warning")
        click.echo(f"\n{total} about what was changed on the way, such as")
        click.echo(f"           {legible(warning[:100])}")
    rate = report.events / seconds if seconds else 0
    click.echo(f"\n{rate:,.0f} events per second, in {seconds:.2f} s")
    slug = relay.destination.slug
    arrow = "→" if interactive() else "next:"
    program = _typed()
    click.echo(f"\n{arrow} {program} describe {slug}")
    click.echo(f"{arrow} {program} init {slug} -o {slug}.yaml")


def _typed() -> str:
    """Return what starts this program: after `make demo` its environment is not on the path."""
    return "destinations" if shutil.which("destinations") else sys.argv[0]
