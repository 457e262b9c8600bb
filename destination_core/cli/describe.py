"""`destinations describe`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from destination_core.cli.loading import echo_json, heading, registry
from destination_core.cli.main import OK

if TYPE_CHECKING:
    from destination_core.destination import Destination


@click.command(epilog="Example: destinations describe customerio --format markdown")
@click.argument("slug")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "jsonschema"]),
    default="text",
    show_default=True,
    help="json is the catalogue, jsonschema the schemas of settings and payloads.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Write the table of actions between <!-- actions --> and <!-- /actions --> of a page.",
)
def command(slug: str, form: str, as_json: bool, into: Path | None) -> int:
    """Describe an installed destination: settings, actions, fields, presets."""
    from destination_core import catalogue

    destination = registry().relay(slug).destination
    if into is not None:
        return _write(into, catalogue.with_action_table(into.read_text("utf-8"), destination))
    if as_json or form == "json":
        echo_json(catalogue.catalogue(destination))
    elif form == "jsonschema":
        echo_json(catalogue.json_schemas(destination))
    elif form == "markdown":
        click.echo(catalogue.markdown(destination), nl=False)
    else:
        _text(destination)
    return OK


def _write(page: Path, text: str | None) -> int:
    if text is None:
        raise click.UsageError(f"{page} has no <!-- actions --> with its <!-- /actions -->")
    page.write_text(text, "utf-8")
    click.echo(f"wrote {page}")
    return OK


def _text(destination: "Destination[Any]") -> None:
    from destination_core.catalogue import configured_fields, default_text, fields_of_action

    click.echo(f"{heading(destination.title)}  {destination.slug}")
    if destination.description:
        click.echo(destination.description)
    click.echo(f"\n{heading('Settings')}")
    for key, field in configured_fields(destination).items():
        required = " (required)" if field.get("required") is True else ""
        click.echo(f"  {key}{required}: {field.get('description', '')}")
    for action in destination.actions:
        click.echo(f"\n{heading(action.title)}  {action.slug}")
        click.echo(f"  {action.description}")
        if action.subscribe:
            click.echo(f"  when {action.subscribe}")
        if action.sync_modes is not None:
            click.echo(f"  sync modes {', '.join(action.sync_modes.choices)}")
        if action.saving is not None:
            click.echo(f"  saving asks for {', '.join(action.saving.input.fields)}")
        for key, field in fields_of_action(action).items():
            required = " (required)" if field.get("required") is True else ""
            shown = default_text(field.get("default"))
            asked = " (destinations choices)" if field.get("dynamic") else ""
            click.echo(f"    {key}{required}{asked}" + (f" ← {shown}" if shown else ""))
    if destination.presets:
        click.echo(f"\n{heading('Presets')}")
        for preset in destination.presets:
            star = " (Quick Setup)" if preset.quick_setup else ""
            click.echo(f"  {preset.name}{star}: {preset.subscribe}")
