"""`destinations check`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli.loading import (
    config_argument,
    configured,
    counted,
    echo_json,
    json_option,
)
from destination_core.cli.main import AUTHENTICATION, CONFIGURATION, DELIVERY, OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.connection import Connection
    from destination_core.errors import DeliveryError


@click.command(epilog="Example: destinations check customerio.yaml --live")
@config_argument
@click.option("--live", is_flag=True, help="Ask each destination about the credentials.")
@json_option
def command(config: Path, live: bool, as_json: bool) -> int:
    """Check a configuration: every mistake with its place; with --live, the credentials too."""
    from destination_core.connection import InvalidConfiguration
    from destination_core.errors import ConfigurationError, SetupError

    try:
        service = configured(config)
    except ConfigurationError as error:
        found = error.problems if isinstance(error, InvalidConfiguration) else (str(error),)
        if as_json:
            echo_json({"problems": found})
        else:
            click.echo("\n".join(found), err=True)
            click.echo(counted(len(found), "problem"), err=True)
        return CONFIGURATION
    opened = service.connections
    answers = asyncio.run(_ask(opened)) if live else {}
    warnings = [f"{one.name}: {warning}" for one in opened for warning in one.warnings]
    warnings += service.warnings
    failed = {name: error for name, error in answers.items() if error is not None}
    if as_json:
        echo_json({"problems": [], "warnings": warnings, "authentication": answers})
    else:
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
        for one in opened:
            title = one.relay.destination.title
            said = f"; {_said(failed.get(one.name))}" if live else ""
            many = counted(len(one.subscriptions), "subscription")
            hint = "" if one.subscriptions else ": every event is filtered"
            click.echo(f"{one.name}: {title}, {many}{hint}{said}")
        for name in service.disabled:
            click.echo(f"{name}: disabled")
        for name, answer in failed.items():
            click.echo(f"{name}: {answer}", err=True)
    if any(isinstance(one, SetupError) for one in failed.values()):
        return AUTHENTICATION
    if failed:
        return DELIVERY
    return PROBLEMS if warnings else OK


def _said(error: "DeliveryError | None") -> str:
    """Say what an answer tells of the credentials: one that did not come tells nothing."""
    from destination_core.errors import SetupError

    if error is None:
        return "credentials are good"
    return "refused" if isinstance(error, SetupError) else "credentials could not be tried"


async def _ask(opened: "Sequence[Connection[Any]]") -> "dict[str, DeliveryError | None]":
    from destination_core.engine import Engine

    async with Engine(opened) as engine:
        return await engine.test_authentication()
