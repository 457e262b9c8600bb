"""`destinations lint`."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from destination_core.cli.loading import counted, echo_json, json_option
from destination_core.cli.main import OK, PROBLEMS

if TYPE_CHECKING:
    from destination_core.lint import Finding


@click.command(epilog="Example: destinations lint customerio")
@click.argument("plugin")
@click.option("--strict", is_flag=True, help="Warnings are problems, too.")
@json_option
def command(plugin: str, strict: bool, as_json: bool) -> int:
    """Check the definition of an installed PLUGIN (a slug): every fault with its place.

    Texts, triggers, required fields, default mappings, secrets, batch keys, presets and slugs.
    Exits with 1 when there is an error, and with 3 when there is no such plugin.
    """
    found = _findings(plugin)
    errors = sum(one.level == "error" for one in found)
    if as_json:
        echo_json({"plugin": plugin, "errors": errors, "findings": [asdict(one) for one in found]})
    else:
        for one in found:
            click.echo(str(one))
        said = f"{counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}"
        click.echo(f"{plugin}: {said if found else 'nothing to find fault with'}")
    return PROBLEMS if errors or (strict and found) else OK


def _findings(plugin: str) -> "list[Finding]":
    from destination_core.lint import Finding, Place, lint
    from destination_core.plugins import Registry

    registry = Registry.discover()
    for failure in registry.failures:
        if failure.origin.name == plugin:
            file, _, line = failure.place.rpartition(":")
            place = Place(file, int(line)) if file else None
            return [Finding("plugin", str(failure), place=place)]
    found = lint(registry.relay(plugin).destination)
    return sorted(found, key=lambda one: (one.place.file, one.place.line) if one.place else ("", 0))
