"""`destinations serve`."""

import contextlib
import logging
import resource
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from destination_core.cli import loading
from destination_core.cli.loading import config_argument
from destination_core.cli.main import OK, starting

if TYPE_CHECKING:
    from destination_core.cli.logs import Redaction
    from destination_core.connection import Service
    from destination_core.service import Running


@click.command(epilog="Example: destinations serve customerio.yaml --listen 127.0.0.1:8080")
@config_argument
@click.option("--listen", default="127.0.0.1:8080", show_default=True, metavar="HOST:PORT")
@click.option("--no-delivery", is_flag=True, help="Only accept; `run --stay` beside it delivers.")
@click.option("--log-json", is_flag=True, help="Write logs as JSON, one object per line.")
def command(config: Path, listen: str, no_delivery: bool, log_json: bool) -> int:
    """Accept events over HTTP as Segment does, and deliver them; durable, until SIGTERM.

    Point a Segment SDK's `host` here. Answers 200 once events are on the disk. Health is at
    /livez and /readyz, metrics at /metrics. One process uses one core: to use two, accept with
    `serve --no-delivery` and deliver with `run --stay`; they share the queue.
    """
    with starting():
        from destination_core.cli import logs
        from destination_core.ending import Ending
        from destination_core.service import abandoned, run, run_until_stopped

        address = loading.address(listen)
        _allow_files()
        redaction = logs.configure(as_json=log_json)
        load = partial(_load, config, redaction)
        service = load()

    def started(running: "Running") -> None:
        port = running.server.port if running.server else 0
        names = ", ".join(running.runner.workers) or "nobody"
        logging.getLogger("destinations").info(
            "listening on http://%s:%d, delivering to %s", address[0], port, names
        )

    with loading.tracing() as tracing, Ending(OK, abandoned) as ending:
        run(
            run_until_stopped(
                service,
                ending=ending,
                again=load,
                listen=address,
                started=started,
                deliver=not no_delivery,
                tracing=tracing,
            )
        )
    return OK


def _load(config: Path, redaction: "Redaction") -> "Service":
    """Read the configuration, at the start and on SIGHUP, and refuse one that nobody can use."""
    service = loading.service(config, redaction)
    if not service.sources:
        raise click.UsageError(
            f"{config} has no `sources`: nobody could send. Add one, such as"
            ' sources: {website: {write_keys: ["${env:WRITE_KEY}"]}}'
        )
    return service


def _allow_files() -> None:
    """Use as many files as the system allows: the usual limit, 1,024, is for `select`."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS has a limit that it does not tell
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
