"""`destinations replay`."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli import letters
from destination_core.cli.loading import (
    check_files,
    config_argument,
    configured,
    counted,
    echo_json,
    json_option,
)
from destination_core.cli.main import OK, PROBLEMS
from destination_core.cli.moments import read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from destination_core.cli.reading import Line
    from destination_core.connection import Service
    from destination_core.queue import Intake, SqliteQueue
    from destination_core.runner.replay import Pace

CHUNK = 500
"""Events of an archive that are put together."""

FULL_SECONDS = 1.0
"""Between two tries when the queue is full."""

SHOWN = 10


@dataclass(slots=True)
class _Report:
    """What was replayed."""

    queued: int = 0
    deletions: int = 0  # left out, as they are of no action
    unreadable: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@click.command(epilog="Example: destinations replay customerio.yaml --since 2h --rate 50 --dry-run")
@config_argument
@click.argument("files", nargs=-1, metavar="[ARCHIVE...]")
@letters.filters
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Deliveries per second.")
@click.option("--dry-run", is_flag=True, help="Say how many, and do nothing.")
@json_option
def command(
    config: Path,
    files: tuple[str, ...],
    rate: float | None,
    dry_run: bool,
    as_json: bool,
    **wanted: Any,
) -> int:
    """Deliver again: dead letters, or the events of ARCHIVEs.

    An archive is NDJSON or a JSON array, gzipped or not; - is standard input.

    What is chosen is queued; a running `serve`, or the next `run`, delivers it. Deduplication does
    not stop it, and destinations get the ids they got before. Events of an archive go where their
    `integrations` let them, and deletions to all, but not with --action. --since and --until are
    about their `timestamp` there; --code and --reason are of dead letters only.
    """
    from destination_core.cli.progress import progress
    from destination_core.runner.replay import Pace

    check_files(files)
    if files and (wanted["code"] or wanted["reason"]):
        raise click.UsageError("--code and --reason choose dead letters; an archive has none")
    service = configured(config)
    letters.check_destination(wanted["destination"], [one.name for one in service.connections])
    chosen = [] if files else asyncio.run(_chosen(service, wanted))
    report = _Report(warnings=_warnings(service, wanted, None if files else chosen))
    if not as_json:
        for warning in report.warnings:
            click.echo(f"warning: {warning}", err=True)
    with progress("queueing", None) as advance:
        work = _Replay(service, wanted, Pace(rate), report, advance, dry_run=dry_run)
        asyncio.run(work.archives(files) if files else work.dead_letters(chosen))
    if as_json:
        echo_json(
            {
                "queued": report.queued,
                "dry_run": dry_run,
                "deletions_left_out": report.deletions,
                "unreadable": report.unreadable,
                "warnings": report.warnings,
            }
        )
    else:
        for message in report.unreadable[:SHOWN]:
            click.echo(f"unreadable: {message}", err=True)
        if report.deletions:
            click.echo(f"left out: {counted(report.deletions, 'deletion')}: of no action", err=True)
        would = " would be" if dry_run else ""
        many = "1 delivery" if report.queued == 1 else f"{report.queued:,} deliveries"
        click.echo(f"{many}{would} queued again")
    return PROBLEMS if report.unreadable else OK


async def _chosen(service: "Service", wanted: letters.Filters) -> "list[tuple[int, str]]":
    """Return number and destination of the dead letters that are meant."""
    queue = letters.looking(service)
    return [(one.id, one.destination) async for one in letters.matching(queue, wanted)]


def _warnings(
    service: "Service", wanted: letters.Filters, chosen: "Sequence[tuple[int, str]] | None"
) -> list[str]:
    """Return what the destinations of a replay say of it, each text once; None: of an archive."""
    involved = None if chosen is None else {name for _, name in chosen}
    found: dict[str, list[str]] = {}
    for one in service.connections:
        warning = one.relay.destination.replay_warning
        is_meant = wanted["destination"] in (None, one.name)
        if warning and is_meant and (involved is None or one.name in involved):
            found.setdefault(warning, []).append(one.name)
    return [f"{', '.join(names)}: {warning}" for warning, names in found.items()]


class _Replay:
    """Queues again what is wanted, so many deliveries a second."""

    def __init__(
        self,
        service: "Service",
        wanted: letters.Filters,
        pace: "Pace",
        report: _Report,
        advance: Callable[[int], None],
        *,
        dry_run: bool,
    ) -> None:
        self._service, self._wanted, self._pace = service, wanted, pace
        self._report, self._advance, self._dry_run = report, advance, dry_run

    async def dead_letters(self, chosen: "Sequence[tuple[int, str]]") -> None:
        ids = [number for number, _ in chosen]
        if self._dry_run:
            self._count(len(ids))
            return
        async with letters.opened(self._service) as queue:
            async for part in self._pace.portions(ids):
                self._count(await queue.revive(part))

    async def archives(self, files: tuple[str, ...]) -> None:
        if self._dry_run:
            for intakes in self._intakes(files):
                self._count(len(intakes))
            return
        async with letters.opened(self._service, new=True) as queue:
            for intakes in self._intakes(files):
                async for part in self._pace.portions(intakes):
                    await _put(queue, part)
                    self._count(len(part))

    def _intakes(self, files: tuple[str, ...]) -> "Iterator[list[Intake]]":
        """Read archives, a part at a time; leave out what is not wanted."""
        from destination_core.cli import reading
        from destination_core.runner import replay

        wanted = self._wanted["destination"]
        connections = [one for one in self._service.connections if wanted in (None, one.name)]
        policies = self._service.policies
        ordered = frozenset(name for name, one in policies.items() if one.order == "user")
        source = reading.files(files, sys.stdin.buffer)
        while lines := list(islice(source, CHUNK)):
            now = time.time()
            yield [
                intake
                for event in self._events(lines)
                for intake in replay.intakes(
                    event, connections, action=self._wanted["action"], ordered=ordered, now=now
                )
            ]

    def _events(self, lines: "Sequence[Line]") -> "Iterator[dict[str, Any]]":
        from destination_core.queue import finding
        from destination_core.runner.replay import is_deletion

        who, message = self._wanted["user"], self._wanted["message"]
        since, until = self._wanted["since"], self._wanted["until"]
        for line in lines:
            event = line.event
            if not isinstance(event, dict):
                self._report.unreadable.append(f"{line.file}: {event}")
                continue
            if not finding.is_of(event, who, message):
                continue
            if since is not None or until is not None:
                at = read(event.get("timestamp"))
                if at is None:
                    where = f"{line.file}: line {line.number}"
                    self._report.unreadable.append(f"{where}: has no `timestamp` to choose by")
                    continue
                if not (since or at) <= at <= (until or at):
                    continue
            self._report.deletions += self._wanted["action"] is not None and is_deletion(event)
            yield event

    def _count(self, many: int) -> None:
        self._report.queued += many
        self._advance(many)


async def _put(queue: "SqliteQueue", intakes: "Sequence[Intake]") -> None:
    """Put; while the queue is full, wait for a runner to make room, and say so once."""
    from destination_core.queue import QueueFull

    told = False
    while True:
        try:
            await queue.put(intakes)
        except QueueFull as full:
            if not told:
                click.echo(f"waiting for a runner to make room: {full}", err=True)
            told = True
            await asyncio.sleep(FULL_SECONDS)
        else:
            return
