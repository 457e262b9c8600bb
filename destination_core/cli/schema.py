"""`destinations schema`."""

import click

from destination_core.cli.loading import echo_json, registry
from destination_core.cli.main import OK


@click.command(epilog="Example: destinations schema > destinations.schema.json")
def command() -> int:
    """Print the JSON Schema of a configuration, with what is installed filled in.

    In YAML, name it in the first line: # yaml-language-server: $schema=destinations.schema.json
    """
    from destination_core.connection import config_schema

    echo_json(config_schema(registry()))
    return OK
