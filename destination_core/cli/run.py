"""`destinations run`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from destination_core.cli.loading import config_argument, counted, echo_json, json_option, registry
from destination_core.cli.main import DELIVERY, OK, PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from destination_core.queue import Counts
    from destination_core.runner import Runner

CHUNK = 500
"""Events that are put together."""

FULL_SECONDS = 1.0
"""Between two tries when the queue is full."""


@click.command(epilog="Example: destinations run customerio.yaml events.ndjson.gz")
@config_argument
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option("--log-json", is_flag=True, help="Write logs as JSON, one object per line.")
@json_option
def command(config: Path, files: tuple[str, ...], log_json: bool, as_json: bool) -> int:
    """Queue the events of FILEs (NDJSON or a JSON array, gzipped or not; - for stdin), deliver all.

    Ends when nothing is queued any more; what was interrupted goes on with the next run. Events
    that were read before (by messageId) are not delivered again.
    """
    from destination_core.cli import logs
    from destination_core.connection import load_service
    from destination_core.service import run_until_stopped

    for name in files:
        if name != "-" and not Path(name).is_file():
            raise click.UsageError(f"{name}: no such file")
    logs.configure(as_json=log_json)
    found = registry()
    found.require_sound()
    service = load_service(config, found, os.environ)
    unreadable: list[str] = []

    async def feed(runner: "Runner") -> None:
        await _feed(runner, files, unreadable)

    counts = asyncio.run(run_until_stopped(service, feed=feed))
    if as_json:
        echo_json({"unreadable": unreadable, "destinations": _as_json(counts)})
    else:
        for message in unreadable[:10]:
            click.echo(f"unreadable: {message}", err=True)
        if len(unreadable) > 10:  # noqa: PLR2004  as many as fit a screen
            click.echo(f"and {counted(len(unreadable) - 10, 'other')}", err=True)
        for name, one in counts.items():
            if name:
                click.echo(
                    f"{name}: {one.delivered:,} delivered, {one.dead:,} dead, {one.queued:,} queued"
                )
    if any(one.dead for one in counts.values()):
        return DELIVERY
    return PROBLEMS if unreadable else OK


async def _feed(runner: "Runner", files: tuple[str, ...], unreadable: list[str]) -> None:
    from destination_core.cli import sending
    from destination_core.errors import InvalidEvent

    chunk = []
    for line in sending.files(files, sys.stdin.buffer):
        if isinstance(line.event, InvalidEvent):
            unreadable.append(f"{line.file}: {line.event}")
            continue
        chunk.append(line.event)
        if len(chunk) >= CHUNK:
            await _put(runner, chunk)
            chunk = []
    if chunk:
        await _put(runner, chunk)


async def _put(runner: "Runner", events: list[dict[str, object]]) -> None:
    """Put events; while the queue is full, wait for delivery to make room."""
    from destination_core.queue import QueueFull

    while True:
        try:
            await runner.put("file", events)
        except QueueFull:
            await asyncio.sleep(FULL_SECONDS)
        else:
            return


def _as_json(counts: "Mapping[str, Counts]") -> dict[str, object]:
    from dataclasses import asdict

    return {name or "(none)": asdict(one) for name, one in counts.items()}
