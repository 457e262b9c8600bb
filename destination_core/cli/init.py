"""`destinations init`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from destination_core.cli.loading import registry
from destination_core.cli.main import OK

SOURCES: Final = """\

# Who may send events to `destinations serve`; `send` and `run` need nobody.
# sources:
#   website:
#     write_keys: ["${env:WEBSITE_WRITE_KEY}"]  # the SDK's write key, of your choice
"""

AUDIENCES: Final = (
    "    # audiences:",
    "    #   KEY:  # what events call it: context.personas.computation_key",
    "    #     name: What people call it",
)

if TYPE_CHECKING:
    from destination_core.actions import Action
    from destination_core.destination import Destination


@click.command(epilog="Example: destinations init customerio -o customerio.yaml")
@click.argument("slug")
@click.option("--empty", is_flag=True, help="Customized Setup: no subscriptions to start from.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file (.yaml) instead of standard output; it must not exist.",
)
def command(slug: str, empty: bool, output: Path | None) -> int:
    """Write a commented configuration to start from (Quick Setup: with the presets), in YAML."""
    destination = registry().relay(slug).destination
    text = configuration(destination, empty=empty)
    if output is None:
        click.echo(text, nl=False)
        return OK
    if output.suffix not in {".yaml", ".yml"}:
        raise click.UsageError(f"{output}: what is written is YAML; name it {output.stem}.yaml")
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(
            f"{output} exists already; remove it or choose another name"
        ) from None
    click.echo(f"wrote {output}; next: destinations check {output}")
    return OK


def configuration(destination: "Destination[Any]", *, empty: bool) -> str:
    """Return a configuration file in YAML for one destination."""
    lines = [
        f"# {destination.title}, written by `destinations init {destination.slug}`.",
        "# What is wrong with it: destinations check FILE",
        "destinations:",
        f"  {destination.slug}:  # a name of your choice",
        f"    plugin: {destination.slug}",
        "    settings:",
        *_settings(destination),
    ]
    if empty:
        first = destination.actions[0].slug if destination.actions else "action"
        lines += [
            "    subscriptions: []",
            f"    # - name: My subscription   # actions: destinations describe {destination.slug}",
            f"    #   action: {first}",
            "    #   trigger: 'type = \"track\"'",
            "    #   mapping: {}             # leave it out for the default mapping",
        ]
        return "\n".join(lines) + "\n" + SOURCES
    lines += AUDIENCES if destination.audiences is not None else ()
    lines.append("    subscriptions:")
    for preset in destination.presets:
        mark = "" if preset.quick_setup else "# "
        lines.append(f"      {mark}- preset: {preset.name}  # when {preset.subscribe}")
        lines += _options(destination.action(preset.action), mark)
    if not destination.presets:
        for action in destination.actions:
            lines.append(f"      - action: {action.slug}  # when {action.subscribe}")
            lines += _options(action, "")
    return "\n".join(lines) + "\n" + SOURCES


def _options(action: "Action[Any, Any] | None", mark: str) -> list[str]:
    """Write, as comments, what a subscription may say beside its trigger."""
    found: list[str] = []
    if action is not None and action.sync_modes is not None:
        modes = action.sync_modes
        chosen = modes.default or modes.choices[0]
        others = ", ".join(mode for mode in modes.choices if mode != chosen)
        found.append(f"sync_mode: {chosen}" + (f"  # or {others}" if others else ""))
    if action is not None and action.saving is not None:
        found += ["on_mapping_save:  # then: destinations save FILE", "  inputs:"]
        found += [
            f"    {key}:  # {field.get('description', '')}".rstrip(" #")
            for key, field in action.saving.input.fields.items()
        ]
    # where the subscription is a comment itself, its lines become one when the marks are taken off
    place = "      #   " if mark else "        # "
    return [place + line for line in found]


def _settings(destination: "Destination[Any]") -> list[str]:
    from destination_core.connection import variable_of
    from destination_core.schema import catalogue_fields

    fields = catalogue_fields(destination.settings)
    names = {info.alias or name: name for name, info in destination.settings.model_fields.items()}
    lines = []
    for key, field in fields.items():
        name = names.get(key, key)
        if field.get("description"):
            lines.append(f"      # {field['description']}")
        if field.get("type") == "password":
            variable = variable_of(destination.slug, name)
            mark = "" if field.get("required") is True else "# "
            lines.append(f'      {mark}{name}: "${{env:{variable}}}"')
        elif field.get("required") is True:
            lines.append(f"      {name}:  # required")
        else:
            default = field.get("default")
            shown = (
                "null"
                if default is None
                else str(default).lower()
                if isinstance(default, bool)
                else default
            )
            lines.append(f"      # {name}: {shown}")
    return lines or ["      {}"]
