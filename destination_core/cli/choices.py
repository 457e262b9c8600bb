"""`destinations choices`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli.legible import legible
from destination_core.cli.loading import config_argument, connections, echo_json, json_option
from destination_core.cli.main import DELIVERY, OK

if TYPE_CHECKING:
    from destination_core.actions import Action
    from destination_core.connection import Connection
    from destination_core.features import ChoiceQuery, Choices


@click.command(epilog="Example: destinations choices hubspot.yaml hubspot updateList list_id")
@config_argument
@click.argument("destination")
@click.argument("action")
@click.argument("field")
@click.option("--page", help="What the page before said is next.")
@click.option("--search", default="", help="Only what has this text in it, where that is possible.")
@click.option("--payload", default="{}", help="Values of other fields, as a JSON object.")
@json_option
def command(
    config: Path,
    destination: str,
    action: str,
    field: str,
    page: str | None,
    search: str,
    payload: str,
    as_json: bool,
) -> int:
    """List the values that a FIELD of an ACTION may have, as the DESTINATION knows them now."""
    from destination_core.errors import DeliveryError, SetupError
    from destination_core.features import ChoiceQuery

    opened = {one.name: one for one in connections(config)}
    connection = opened.get(destination)
    if connection is None:
        raise click.UsageError(f"{destination!r} is not configured; {_known(opened)}")
    found = connection.relay.destination.action(action)
    if found is None:
        slugs = [one.slug for one in connection.relay.destination.actions]
        raise click.UsageError(f"{destination} has no action {action!r}; {_known(slugs)}")
    query = ChoiceQuery(page, search, _object(payload))
    try:
        choices = asyncio.run(_ask(connection, found, field, query))
    except SetupError:
        raise
    except DeliveryError as error:
        click.echo(f"error: {error}", err=True)
        return DELIVERY
    if as_json:
        listed = [{"value": one.value, "label": one.label} for one in choices.choices]
        echo_json({"choices": listed, "nextPage": choices.next_page})
        return OK
    for one in choices.choices:
        click.echo(f"{legible(one.value)}  {legible(one.label)}")
    if choices.next_page is not None:
        click.echo(f"more: --page {choices.next_page}", err=True)
    return OK


async def _ask(
    connection: "Connection[Any]", action: "Action[Any, Any]", field: str, query: "ChoiceQuery"
) -> "Choices":
    from destination_core.engine import Engine

    async with Engine([connection]) as engine:
        return await engine.ask(
            connection.name,
            lambda ctx: connection.relay.dynamic_choices(ctx, action, field, query),
        )


def _known(names: Any) -> str:
    return f"known are {', '.join(names) or 'none'}"


def _object(text: str) -> dict[str, Any]:
    import json

    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise click.UsageError(f"--payload is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise click.UsageError("--payload must be a JSON object")
    return value
