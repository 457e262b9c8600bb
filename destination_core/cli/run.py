"""`destinations run`."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from destination_core.cli import loading
from destination_core.cli.filling import Filling, NoRoom
from destination_core.cli.legible import legible
from destination_core.cli.loading import (
    FILTERED,
    NO_SUCH,
    NOBODY,
    config_argument,
    counted,
    echo_json,
    json_option,
    sums,
)
from destination_core.cli.main import DELIVERY, INTERRUPTED, OK, PROBLEMS, starting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from destination_core.cli.reading import Line
    from destination_core.connection import Service
    from destination_core.queue import Counts
    from destination_core.runner import Runner
    from destination_core.service import Running

CHUNK = 500
"""Events that are put together."""

SHOWN = 10
"""Unreadable lines that are shown; --json has them all."""

STATES = ("accepted", "delivered", "dead", "filtered", "queued")
"""What is told of each destination: what this run has added, and what is queued now."""

ADDED = ("accepted", "delivered", "dead", "filtered", "duplicates")


@click.command(epilog="Example: destinations run customerio.yaml events.ndjson.gz")
@config_argument
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option("--follow", is_flag=True, help="Wait for more at the end of the one FILE, for ever.")
@click.option("--stay", is_flag=True, help="Go on when nothing is queued, until SIGTERM.")
@click.option("--listen", metavar="HOST:PORT", help="Serve health and metrics there.")
@click.option("--log-json", is_flag=True, help="Write logs as JSON, one object per line.")
@json_option
def command(
    config: Path,
    files: tuple[str, ...],
    follow: bool,
    stay: bool,
    listen: str | None,
    log_json: bool,
    as_json: bool,
) -> int:
    """Queue the events of FILEs (NDJSON or a JSON array, gzipped or not; - for stdin), deliver all.

    Ends when nothing is queued any more, or on SIGTERM; what was interrupted goes on with the next
    run. Events that were read before are not delivered again: they are known by messageId, or,
    without one, by file, line and content. While the queue is full it waits for delivery to make
    room, and ends when nothing is left to deliver. With --stay it delivers what others queue, such
    as `serve --no-delivery`.
    """
    with starting():
        from destination_core.cli import logs
        from destination_core.ending import Ending
        from destination_core.service import abandoned, run, run_until_stopped

    if follow and (len(files) != 1 or files[0] == "-"):
        raise click.UsageError("--follow needs exactly one FILE")
    if not follow:  # which waits for the file to come
        loading.check_files(files)
    redaction = logs.configure(as_json=log_json)

    def load() -> "Service":
        return replace(loading.service(config, redaction), sources={})  # nobody sends to it

    with starting():
        service = load()
    fed = _Fed()

    async def feed(runner: "Runner") -> None:
        fed.before = dict(await runner.queue.counts())
        filling = Filling(runner, endless=follow or stay)
        try:
            async for lines in _lines(files, follow=follow):
                await filling.put(_events(lines, fed.unreadable))
        except NoRoom as error:
            fed.stuck = str(error)
            return
        fed.is_complete = True
        if stay:
            await asyncio.Event().wait()

    with loading.tracing() as tracing, Ending(INTERRUPTED, abandoned) as ending:
        counts = run(
            run_until_stopped(
                service,
                ending=ending,
                again=load,
                listen=loading.address(listen) if listen else None,
                feed=feed,
                started=_started,
                tracing=tracing,
            )
        )
    if as_json:
        echo_json(_as_json(fed, counts))
    else:
        _show(fed, counts, {*counts}.difference(one.name for one in service.connections))
    return _end(config, fed, counts, follow=follow)


@dataclass
class _Fed:
    """What was read of the files, what the queue had been through before, and what was in the way.

    ``stuck`` says why the rest could not be queued, if it could not.
    """

    before: "Mapping[str, Counts]" = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    is_complete: bool = False
    stuck: str = ""

    def done(self, now: "Mapping[str, Counts]") -> dict[str, dict[str, int]]:
        """Return what this run has added to each count, by destination, and what is queued now."""
        from destination_core.queue import Counts

        done = {}
        for name, one in now.items():
            was = self.before.get(name, Counts())
            done[name] = {state: getattr(one, state) - getattr(was, state) for state in ADDED}
            done[name]["queued"] = one.queued
        return done

    def code(self, now: "Mapping[str, Counts]") -> int:
        """Return the exit code that it stands for."""
        died = sum(one["dead"] for one in self.done(now).values())
        if died > 0 or self.stuck:
            return DELIVERY
        return PROBLEMS if self.unreadable else OK


def _end(config: Path, fed: _Fed, now: "Mapping[str, Counts]", *, follow: bool) -> int:
    """Say what was not read, if anything; return the exit code."""
    if fed.stuck:
        bounds = f"free some, or change the bounds under `queue` in {config}"
        click.echo(f"error: {fed.stuck}; {bounds}: the same command goes on", err=True)
    elif not (fed.is_complete or follow):
        click.echo("stopped before all was read: the same command goes on", err=True)
        return INTERRUPTED
    return fed.code(now)


def _started(running: "Running") -> None:
    if running.server is not None:
        where = (running.server.host, running.server.port)
        logging.getLogger("destinations").info("health and metrics at http://%s:%d", *where)


def _show(fed: _Fed, now: "Mapping[str, Counts]", strays: "Collection[str]") -> None:
    """Say what this run did; `status` has the sums of the queue."""
    for message in fed.unreadable[:SHOWN]:
        click.echo(f"unreadable: {legible(message)}", err=True)
    if len(fed.unreadable) > SHOWN:
        click.echo(f"and {counted(len(fed.unreadable) - SHOWN, 'other')}", err=True)
    done = fed.done(now)
    for name, one in done.items():
        if name:
            said = ", ".join(f"{one[state]:,} {state}" for state in ("delivered", "dead", "queued"))
            stray = f" ({NO_SUCH})" if name in strays and one["queued"] else ""
            click.echo(f"{legible(name)}: {said}{stray}")
        elif one["filtered"] > 0:
            click.echo(f"{one['filtered']:,} {FILTERED}")
    known = sum(one["duplicates"] for one in done.values())
    if known:
        click.echo(f"{counted(known, 'event')} had been queued before")


async def _lines(files: tuple[str, ...], *, follow: bool) -> "AsyncIterator[list[Line]]":
    """Yield lines as they come; files are read in a thread, for a pipe may let one wait."""
    from destination_core.cli import following, reading
    from destination_core.cli.stdin import StandardInput

    if follow:
        async for lines in following.follow(Path(files[0])):
            yield lines
        return
    with StandardInput() as stdin:
        source = reading.files(files, stdin.stream)
        try:
            while lines := await asyncio.to_thread(lambda: list(islice(source, CHUNK))):
                yield lines
        finally:
            stdin.end()


def _events(lines: "Sequence[Line]", unreadable: list[str]) -> list[dict[str, Any]]:
    """Return the events of lines, each with a messageId; write down what is unreadable."""
    from destination_core.errors import InvalidEvent

    events = []
    for line in lines:
        if isinstance(line.event, InvalidEvent):
            unreadable.append(f"{line.file}: {line.event}")
        elif line.event.get("messageId"):
            events.append(line.event)
        else:
            content = orjson.dumps([line.file, line.number, line.event])
            digest = hashlib.blake2b(content, digest_size=16).hexdigest()
            events.append({**line.event, "messageId": f"file-{digest}"})
    return events


def _as_json(fed: _Fed, now: "Mapping[str, Counts]") -> dict[str, object]:
    """Return what this run did, and under ``queue`` the sums of the queue since it was made."""
    done = fed.done(now)
    unnamed = done.get("", {})
    return {
        "unreadable": fed.unreadable,
        "filtered": unnamed.get("filtered", 0),
        "duplicates": sum(one["duplicates"] for one in done.values()),
        "destinations": {
            name: {state: one[state] for state in STATES} for name, one in done.items() if name
        },
        "queue": {name or NOBODY: sums(one) for name, one in now.items()},
    }
