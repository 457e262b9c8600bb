"""`destinations send`."""

import asyncio
import os
import signal
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from destination_core.cli.legible import legible
from destination_core.cli.loading import (
    FILTERED,
    check_files,
    config_argument,
    connections,
    counted,
    echo_json,
    heading,
    json_option,
)
from destination_core.cli.main import AUTHENTICATION, DELIVERY, INTERRUPTED, OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.cli.report import Report
    from destination_core.cli.sending import Sender
    from destination_core.ending import Ending

SIGNALS = (signal.SIGINT, signal.SIGTERM)

PRIVATE = partial(os.open, mode=0o600)
"""Opens a file for its owner alone: it holds events of people."""

SHOWN = 10
"""Reasons that are shown; --json has them all."""


@click.command(
    epilog="Example: destinations send customerio.yaml events.ndjson.gz --failures failed.ndjson"
)
@config_argument
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--batch/--no-batch", default=True, help="Send in batches where actions can.")
@click.option(
    "--concurrency",
    default=50,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="Requests in flight at once; with 1 and --no-batch they go in the order of the events,"
    " but for what is tried again.",
)
@click.option(
    "--retries",
    default=3,
    show_default=True,
    type=click.IntRange(0, 20),
    help="Try again this often when a destination cannot take it now; one that asks for more than"
    " five minutes' wait is not waited for.",
)
@click.option(
    "--failures",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write what failed to this file (with --from-line, behind what it holds);"
    " `send` accepts it again, and sends it where it failed. What is no JSON object is left out.",
)
@click.option(
    "--from-line", default=1, type=click.IntRange(1), help="Start the first FILE at this line."
)
@click.option("--dry-run", is_flag=True, help="Plan, validate and batch, but send nothing.")
@json_option
def command(
    config: Path,
    files: tuple[str, ...],
    batch: bool,
    concurrency: int,
    retries: int,
    failures: Path | None,
    from_line: int,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Deliver the events of FILEs (NDJSON or a JSON array, gzipped or not; - for stdin).

    One Ctrl-C finishes what was read and says where to go on; a second one gives up what is in
    flight, and says so too.
    """
    from destination_core.attempts import Retry
    from destination_core.cli import sending
    from destination_core.cli.capture import SilentTransport
    from destination_core.cli.progress import progress
    from destination_core.ending import Ending

    check_files(files)
    if failures is not None:
        _check_failures(failures, files, from_line)
    opened = connections(config)
    with ExitStack() as stack:
        # what goes on where an earlier run was stopped keeps what failed in that one
        mode = "ab" if from_line > 1 else "wb"
        out = stack.enter_context(open(failures, mode, opener=PRIVATE)) if failures else None
        advance = stack.enter_context(progress("sending", None))
        sender = sending.Sender(
            opened,
            batch=batch,
            concurrency=concurrency,
            retry=Retry(attempts=retries + 1),
            transport=SilentTransport() if dry_run else None,
            failures=out,
            advance=advance,
        )

        def abandoned() -> None:
            stack.close()  # the bar, which hides the cursor
            click.echo(f"{_where_it_broke_off(sender, files)}\ninterrupted", err=True)

        started = time.monotonic()
        try:
            with Ending(INTERRUPTED, abandoned) as ending:
                report = asyncio.run(_run(sender, files, from_line, ending))
        except KeyboardInterrupt:
            click.echo(_where_it_broke_off(sender, files), err=True)
            raise
        seconds = time.monotonic() - started
    left_out = sender.failures.left_out
    if as_json:
        more = {"seconds": round(seconds, 3), "dry_run": dry_run, "left_out": left_out}
        echo_json({**report.as_json(), **more})
    else:
        show(report, seconds)
        if dry_run:
            click.echo('dry run: nothing was sent; "delivered" is what would have gone out')
        if failures is not None and failures.stat().st_size:
            click.echo(
                f"{failures} has what failed; once mended: destinations send {config} {failures}"
            )
        if left_out:
            which = "line is" if left_out == 1 else "lines are"
            click.echo(
                f"{left_out:,} unreadable {which} not in {failures}: mend them where they are"
            )
    if sender.stopped:
        click.echo(_where_to_go_on(sender, files), err=True)
        # never 0: `send … && rm FILE` must not remove what was not read
        return exit_code(report) or INTERRUPTED
    return exit_code(report)


def _check_failures(failures: Path, files: tuple[str, ...], first: int) -> None:
    """Refuse to overwrite what is read, or what an earlier run could not deliver."""
    for name in files:
        if name != "-" and failures.exists() and Path(name).samefile(failures):
            raise click.UsageError(f"{name} would be read and written at once")
    if first == 1 and failures.is_file() and failures.stat().st_size:
        raise click.UsageError(
            f"{failures} holds what failed before; `send` it again, remove it, or name another file"
        )


async def _run(sender: "Sender", files: tuple[str, ...], first: int, ending: "Ending") -> "Report":
    from destination_core.cli import reading
    from destination_core.cli.stdin import StandardInput
    from destination_core.collector import relax_collector
    from destination_core.ending import TOLD_SECONDS

    loop = asyncio.get_running_loop()

    def give_up(number: int, frame: FrameType | None) -> None:
        ending.begin(TOLD_SECONDS)
        signal.default_int_handler(number, frame)

    with StandardInput() as stdin:

        def stop() -> None:
            _deafen(loop)
            signal.signal(signal.SIGINT, give_up)
            click.echo("finishing what was read; Ctrl-C again gives up", err=True)
            sender.stop()
            stdin.end()

        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
        relax_collector()
        try:
            return await sender.run(reading.files(files, stdin.stream, first=first))
        finally:
            _deafen(loop)


def _deafen(loop: asyncio.AbstractEventLoop) -> None:
    for number in SIGNALS:
        loop.remove_signal_handler(number)


def _where_to_go_on(sender: "Sender", files: tuple[str, ...]) -> str:
    last = sender.last
    if last is None:
        return "stopped: nothing was read"
    done = f"{last.file} is done up to line {last.number}"
    return f"stopped: {done}; go on with {_from(last.file, last.number + 1, files)}"


def _where_it_broke_off(sender: "Sender", files: tuple[str, ...]) -> str:
    if not sender.unsettled:
        return _where_to_go_on(sender, files)
    first = sender.unsettled[0]
    begin = _from(first.file, first.number, files)
    return f"gave up with events in flight; go on with {begin}, which sends some of them twice"


def _from(file: str, number: int, files: tuple[str, ...]) -> str:
    """Return the arguments that go on at a line."""
    from destination_core.cli.reading import STDIN

    left = files[files.index("-" if file == STDIN else file) :]
    which = f" and {' '.join(left)}" if len(files) > 1 else ""
    return f"--from-line {number}{which}"


def show(report: "Report", seconds: float) -> None:
    """Print a report for a reader."""
    rate = report.events / seconds if seconds else 0
    click.echo(
        f"{heading(counted(report.events, 'event'))} in {seconds:.1f} s ({rate:,.0f} per second)"
    )
    rows = [(status, report.outcomes[status]) for status in sorted(report.outcomes)]
    rows += [(FILTERED, report.filtered)]
    rows += [("unreadable", report.unreadable)]
    for label, count in rows:
        if count:
            click.echo(f"  {count:>9,}  {label}")
    if report.reasons:
        click.echo("\nwhat went wrong:")
        for why, count in report.reasons.most_common(SHOWN):
            whose = ", ".join(filter(None, (why.destination, why.subscription)))
            where = f"{whose}; " if whose else ""
            where += f"first at {report.places[why][0]}"
            click.echo(f"  {count:>9,}  {legible(f'{why.status}: {why.reason} ({where})')}")
        more = len(report.reasons) - SHOWN
        if more > 0:
            click.echo(f"             and {counted(more, 'other reason')}; --json shows all")
    if report.warnings:
        total = sum(report.warnings.values())
        click.echo(f"\n{counted(total, 'warning')}, the most frequent:")
        for warning, count in report.warnings.most_common(3):
            click.echo(f"  {count:>9,}  {legible(warning)}")


def exit_code(report: "Report") -> int:
    """Return the exit code that a report stands for; the most serious decides."""
    outcomes = report.outcomes
    if outcomes["setup_error"]:
        return AUTHENTICATION
    if outcomes["refused"] or outcomes["retryable"]:
        return DELIVERY
    return PROBLEMS if outcomes["rejected"] or report.unreadable else OK
