"""`destinations plugins`."""

import sys
from typing import Any

import click

from destination_core.cli.loading import counted, echo_json, heading, json_option
from destination_core.cli.main import OK, PROBLEMS


@click.command(epilog="Example: destinations plugins --json")
@json_option
def command(as_json: bool) -> int:
    """List the plugins that are installed; exits with 1 when any cannot be used."""
    from destination_core.plugins import Registry

    registry = Registry.discover()
    found: list[dict[str, Any]] = [
        {
            "slug": slug,
            "title": relay.destination.title,
            "distribution": relay.origin.distribution,
            "version": relay.origin.version,
            "actions": [action.slug for action in relay.destination.actions],
        }
        for slug, relay in registry.relays.items()
    ]
    ambient = [
        {"name": origin.name, "distribution": origin.distribution, "version": origin.version}
        for origin, _ in registry.ambient
    ]
    broken = [
        {
            "name": failure.origin.name,
            "distribution": failure.origin.distribution,
            "version": failure.origin.version,
            "reason": failure.reason,
        }
        for failure in registry.failures
    ]
    if as_json:
        echo_json({"plugins": found, "ambient": ambient, "broken": broken})
        return PROBLEMS if broken else OK
    if not found and not broken:
        click.echo("no plugin is installed; install one: pip install destination-customerio")
    for one in found:
        click.echo(f"{heading(one['slug'])}  {one['title']}")
        click.echo(
            f"  {one['distribution']} {one['version']}, {counted(len(one['actions']), 'action')}"
        )
        click.echo(f"  {', '.join(one['actions'])}")
    for one in ambient:
        click.echo(f"{heading(one['name'])}  observes ({one['distribution']} {one['version']})")
    for failure in registry.failures:
        click.echo(f"broken: {failure}", file=sys.stderr)
    return PROBLEMS if broken else OK
