"""`destinations completion`."""

import click
from click.shell_completion import get_completion_class

from destination_core.cli.main import OK, group


@click.command(epilog='Example: eval "$(destinations completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of a shell."""
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  the choice is click's own
    click.echo(kind(group, {}, "destinations", "_DESTINATIONS_COMPLETE").source())
    return OK
