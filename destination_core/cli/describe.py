"""`destinations describe`."""

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
def command(slug: str, form: str, as_json: bool) -> int:
    """Describe an installed destination: settings, actions, fields, presets."""
    from destination_core.cli import catalogue

    destination = registry().relay(slug).destination
    if as_json or form == "json":
        echo_json(catalogue.catalogue(destination))
    elif form == "jsonschema":
        echo_json(catalogue.json_schemas(destination))
    elif form == "markdown":
        click.echo(catalogue.markdown(destination), nl=False)
    else:
        _text(destination)
    return OK


def _text(destination: "Destination[Any]") -> None:
    from destination_core.cli.catalogue import default_text
    from destination_core.schema import catalogue_fields

    click.echo(f"{heading(destination.title)}  {destination.slug}")
    if destination.description:
        click.echo(destination.description)
    click.echo(f"\n{heading('Settings')}")
    for key, field in catalogue_fields(destination.settings).items():
        required = " (required)" if field.get("required") is True else ""
        click.echo(f"  {key}{required}: {field.get('description', '')}")
    for action in destination.actions:
        click.echo(f"\n{heading(action.title)}  {action.slug}")
        click.echo(f"  {action.description}")
        if action.subscribe:
            click.echo(f"  when {action.subscribe}")
        for key, field in action.schema.fields.items():
            required = " (required)" if field.get("required") is True else ""
            shown = default_text(field.get("default"))
            click.echo(f"    {key}{required}" + (f" ← {shown}" if shown else ""))
    if destination.presets:
        click.echo(f"\n{heading('Presets')}")
        for preset in destination.presets:
            star = " (Quick Setup)" if preset.quick_setup else ""
            click.echo(f"  {preset.name}{star}: {preset.subscribe}")
