"""`destinations save`."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli.loading import (
    config_argument,
    connections,
    counted,
    echo_json,
    json_option,
)
from destination_core.cli.main import DELIVERY, OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.connection import Connection
    from destination_core.connection.editing import Editor
    from destination_core.engine import Engine


@click.command(epilog="Example: destinations save hubspot.yaml")
@config_argument
@click.option("--again", is_flag=True, help="Also what has been saved and has not changed.")
@json_option
def command(config: Path, again: bool, as_json: bool) -> int:
    """Make at the destinations what mappings and audiences need, and write its ids into CONFIG.

    Audiences without `external_id` are made, others looked for. Subscriptions with
    `on_mapping_save` whose inputs are new get their outputs. Comments stay.
    """
    from destination_core.connection.editing import Editor

    opened = connections(config)
    editor = Editor(config)
    done: list[dict[str, str]] = []

    def tell(where: str, what: str, error: str = "") -> None:
        done.append({"where": where, "what": what, **({"error": error} if error else {})})
        if not as_json:
            click.echo(f"{where}: {error or what}", err=bool(error))

    asyncio.run(_save(opened, editor, tell, again=again))
    failed = [one for one in done if one["what"] == "failed"]
    gone = [one for one in done if one["what"] == "gone"]
    if as_json:
        echo_json(done)
    elif not done:
        click.echo("nothing to save")
    if failed:
        click.echo(f"{counted(len(failed), 'thing')} could not be saved", err=True)
        return DELIVERY
    return PROBLEMS if gone else OK


async def _save(
    opened: "list[Connection[Any]]",
    editor: "Editor",
    tell: Callable[..., None],
    *,
    again: bool,
) -> None:
    from destination_core.engine import Engine

    async with Engine(opened) as engine:
        for one in opened:
            async for outcome in _audiences(engine, one, editor):
                tell(*outcome)
            async for outcome in _mappings(engine, one, editor, again=again):
                tell(*outcome)


async def _audiences(
    engine: "Engine", connection: "Connection[Any]", editor: "Editor"
) -> AsyncIterator[tuple[str, ...]]:
    """Make the audiences that are not there yet; look for the others."""
    from destination_core.errors import DestinationError

    relay = connection.relay
    for key, audience in connection.audiences.items():
        where = f"{connection.name}, audience {key}"
        hook = relay.create_audience if audience.external_id is None else relay.get_audience
        try:
            found = await engine.ask(connection.name, partial(hook, audience=audience))
        except DestinationError as error:
            yield where, "failed", str(error)
            continue
        if audience.external_id is not None:
            if found is None:
                yield (
                    where,
                    "gone",
                    f"{audience.external_id} is not there; take external_id out to make it anew",
                )
            else:
                yield where, f"is there: {found}"
        elif found is None:
            yield where, "made when its first member comes"
        else:
            location = ("destinations", connection.name, "audiences", key, "external_id")
            editor.set(location, found)
            yield where, f"made: {found}"


async def _mappings(
    engine: "Engine", connection: "Connection[Any]", editor: "Editor", *, again: bool
) -> AsyncIterator[tuple[str, ...]]:
    """Save the mappings whose inputs are new."""
    from destination_core.connection import digest_of
    from destination_core.connection.editing import name_of
    from destination_core.errors import DestinationError
    from destination_core.saving import save_mapping

    written = [name_of(one) for one in editor.subscriptions(connection.name)]
    for one in connection.subscriptions:
        saved = one.saved
        if saved is None or one.action.saving is None:
            continue
        digest = digest_of(saved.inputs)
        if saved.outputs is not None and saved.digest in (digest, "") and not again:
            continue
        where = f"{connection.name}, {one.name}"
        try:
            outputs = await save_mapping(engine, connection, one)
        except DestinationError as error:
            yield where, "failed", str(error)
            continue
        here = ("destinations", connection.name, "subscriptions", written.index(one.name))
        editor.set((*here, "on_mapping_save", "outputs"), outputs)
        editor.set((*here, "on_mapping_save", "digest"), digest)
        yield where, f"saved: {', '.join(f'{key} {value}' for key, value in outputs.items())}"
