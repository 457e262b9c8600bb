"""`destinations new`."""

import sys
from pathlib import Path
from typing import Any

import click

from destination_core.cli.loading import counted
from destination_core.cli.main import OK, PROBLEMS

AUTHENTICATION = ("api-key", "basic", "bearer", "oauth2")

HELP = """Make a project of a new plugin; or, inside one, add to it.

\b
destinations new acme                  makes the project destination-acme
destinations new action "Delete User"  adds an action to the project in this folder
destinations new update                takes over what is new in the template

Asks for what the options do not say. Needs git and the extra:
pip install "destination-core[new]".
"""


@click.command(help=HELP, epilog="Example: destinations new acme --auth bearer --batch")
@click.argument("name", required=False)
@click.argument("action", required=False)
@click.option("--title", help="What people call it.")
@click.option("--auth", type=click.Choice(AUTHENTICATION), help="How requests are authenticated.")
@click.option("--batch/--no-batch", default=None, help="Many records in one request, or not.")
@click.option("--base-url", help="What every path is appended to.")
@click.option("--author", help="Whose copyright it is.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where to, if not destination-NAME.",
)
@click.option("--defaults", is_flag=True, help="Ask nothing.")
def command(
    name: str | None, action: str | None, output: Path | None, defaults: bool, **given: Any
) -> int:
    """Make a project of a new plugin; or, inside one, add to it."""
    from destination_core.scaffold import ScaffoldError

    asks = not defaults and sys.stdin.isatty()
    if name is None:
        if not asks:
            raise click.UsageError("NAME is missing: the slug of the destination, as in acme-crm")
        name = click.prompt("The slug of the destination, as it stands in configurations")
    try:
        if name == "action":
            return _action(action)
        if action is not None:
            raise click.UsageError(f"unexpected {action!r}; did you mean: new action {action!r}")
        return _update() if name == "update" else _create(str(name), output, given, ask=asks)
    except ScaffoldError as error:
        raise click.UsageError(str(error)) from error


def _create(name: str, output: Path | None, given: dict[str, Any], *, ask: bool) -> int:
    from destination_core.scaffold import create, slug_fault

    slug = name.removeprefix("destination-")
    if fault := slug_fault(slug):
        raise click.UsageError(fault)
    answers = {"slug": slug, "authentication": given.pop("auth"), **given}
    known = {key: value for key, value in answers.items() if value is not None}
    folder = create(output or Path(f"destination-{slug}"), known, ask=ask)
    click.echo(f"wrote {folder}; next:")
    click.echo(f"  cd {folder} && git init")
    click.echo('  pip install -e ".[dev]" && pytest')
    click.echo(f"  destinations describe {slug}")
    return OK


def _action(text: str | None) -> int:
    from destination_core.scaffold import ActionNames, add_action

    if text is None:
        raise click.UsageError('an action needs a name: destinations new action "Delete User"')
    names = ActionNames.of(text)
    if names is None:
        raise click.UsageError(f"{text!r} cannot be a name in Python; use a few words of letters")
    made, slug = add_action(Path(), names)
    click.echo(f"wrote {made}; when it does what it should:")
    click.echo("  pytest --update-requests -k golden")
    click.echo(f"  destinations describe {slug} --into README.md")
    return OK


def _update() -> int:
    from destination_core.scaffold import update

    done = update(Path())
    click.echo(f"from template {done.before} to {done.after}; read the difference: git diff")
    for path in done.conflicts:
        click.echo(f"  {path}: you and the template changed the same lines; search for <<<<<<<")
    if done.conflicts:
        click.echo(f"{counted(len(done.conflicts), 'file')} to mend", err=True)
    return PROBLEMS if done.conflicts else OK
