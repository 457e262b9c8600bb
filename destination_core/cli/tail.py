"""`destinations tail`."""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from destination_core.cli import runners
from destination_core.cli.legible import legible, legible_json
from destination_core.cli.letters import check_destination
from destination_core.cli.loading import config_argument, json_option, outline
from destination_core.cli.main import OK

LOOK_SECONDS = 0.5
"""Between two looks for runners that have started meanwhile."""

STATUSES = (
    *("delivered", "rejected", "refused", "retryable", "setup_error"),
    *("filtered", "poison"),  # of what had been queued and was not tried
)

COLOURS = {"delivered": "green", "retryable": "yellow", "filtered": "bright_black"}


@click.command(epilog="Example: destinations tail customerio.yaml --user u123")
@config_argument
@click.option("--destination", help="Of this destination only.")
@click.option("--status", type=click.Choice(STATUSES), help="With this status only.")
@click.option("--user", help="Of the user with this userId or anonymousId only.")
@click.option("--message", help="Of the event with this messageId only.")
@click.option("--event", help="Of events with this name, or of this type, only.")
@click.option("-n", "--lines", type=click.IntRange(1), help="End after so many.")
@json_option
def command(config: Path, lines: int | None, as_json: bool, **wanted: str | None) -> int:
    """Show what becomes of events while `serve` or `run` delivers them, until Ctrl-C.

    What does not come is no delivery: events that no subscription wants or whose `integrations`
    exclude it (`explain` tells, `status` counts them as filtered), and events that `serve`
    discarded (its log has the code).
    """
    service = outline(config)
    check_destination(wanted["destination"], service.destinations)
    try:
        asyncio.run(_Tail(service.queue_path, wanted, lines, as_json=as_json).run())
    except KeyboardInterrupt:
        return OK
    return OK


class _Tail:
    """Reads from every runner of a queue, those included that start later."""

    def __init__(
        self, queue: Path, wanted: Mapping[str, str | None], lines: int | None, *, as_json: bool
    ) -> None:
        self._queue, self._wanted, self._left, self._as_json = queue, wanted, lines, as_json
        self._read: dict[Path, asyncio.Task[None]] = {}
        self._done = asyncio.Event()

    async def run(self) -> None:
        is_told = False
        while not self._done.is_set():
            for path in runners.sockets(self._queue):
                if path not in self._read or self._read[path].done():
                    self._read[path] = asyncio.create_task(self._listen(path))
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._done.wait()
            except TimeoutError:
                if not is_told and all(one.done() for one in self._read.values()):
                    click.echo(f"waiting for a `serve` or `run` of {self._queue.name}", err=True)
                    is_told = True
        for task in self._read.values():
            task.cancel()
        await asyncio.gather(*self._read.values(), return_exceptions=True)

    async def _listen(self, path: Path) -> None:
        try:
            async with runners.listening(path) as stream:
                while line := await stream.readline():
                    self._show(orjson.loads(line))
        except OSError:  # of a process that is gone
            return

    def _show(self, told: dict[str, Any]) -> None:
        if "destinations" in told:  # how things are, before what happens
            return
        if "missed" in told:
            click.echo(f"too fast to show: {told['missed']:,} outcomes left out", err=True)
            return
        if self._done.is_set() or not _is_wanted(told, self._wanted):
            return
        click.echo(legible_json(told, indented=False) if self._as_json else line(told))
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._done.set()


def _is_wanted(told: Mapping[str, Any], wanted: Mapping[str, str | None]) -> bool:
    keys = {
        "destination": ("destination",),
        "status": ("status",),
        "user": ("userId", "anonymousId"),
        "message": ("messageId",),
        "event": ("event", "type"),
    }
    return all(
        value is None or value in [told.get(key) for key in keys[name]]
        for name, value in wanted.items()
    )


def line(told: Mapping[str, Any]) -> str:
    """Return an outcome in one line."""
    when = time.strftime("%H:%M:%SZ", time.gmtime(told["at"]))
    status = str(told["status"])
    shown = status
    if not os.environ.get("NO_COLOR"):
        shown = click.style(status, fg=COLOURS.get(status, "red"))
    parts = [
        when,
        legible(told["destination"]),
        legible(told.get("action") or "-"),
        legible(told.get("event") or told.get("type") or "-"),
        legible(told.get("userId") or told.get("anonymousId") or "-"),
        legible(told.get("messageId") or "-"),
        shown,
        f"{told['seconds']:.3g} s",
    ]
    if told.get("code"):
        parts.append(legible(f"{told['code']}: {told['reason']}"))
    parts += [f"warning: {legible(one)}" for one in told.get("warnings", ())]
    if told["next"] == "retry":
        at = time.strftime("%H:%M:%SZ", time.gmtime(told["retryAt"]))
        parts.append(f"again at {at} (attempt {told['attempts']} failed)")
    if told["next"] == "dead":
        parts.append("dead letter")
    return "  ".join(parts)
