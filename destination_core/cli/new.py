"""`destinations new`."""

import sys
from pathlib import Path
from typing import Any

import click

from destination_core.cli.main import OK

AUTHENTICATION = ("api-key", "basic", "bearer", "oauth2")


@click.command(epilog="Example: destinations new acme --auth bearer --batch")
@click.argument("name")
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
    name: str, action: str | None, output: Path | None, defaults: bool, **given: Any
) -> int:
    r"""Make a project of a new plugin; or, inside one, add to it.

    \b
    destinations new acme                  makes the project destination-acme
    destinations new action "Delete User"  adds an action to the project in this folder
    destinations new update                takes over what is new in the template

    Needs git and the extra: pip install "destination-core[new]".
    """
    from destination_core.scaffold import ScaffoldError

    try:
        if name == "action":
            return _action(action)
        if action is not None:
            raise click.UsageError(f"unexpected {action!r}; did you mean: new action {action!r}")
        return _update() if name == "update" else _create(name, output, given, ask=not defaults)
    except ScaffoldError as error:
        raise click.UsageError(str(error)) from error


def _create(name: str, output: Path | None, given: dict[str, Any], *, ask: bool) -> int:
    from destination_core.scaffold import create, is_slug

    slug = name.removeprefix("destination-")
    if not is_slug(slug):
        raise click.UsageError(f"{name!r} is no slug; use lower-case letters, digits and hyphens")
    answers = {"slug": slug, "authentication": given.pop("auth"), **given}
    known = {key: value for key, value in answers.items() if value is not None}
    folder = create(output or Path(f"destination-{slug}"), known, ask=ask and sys.stdin.isatty())
    click.echo(f"wrote {folder}; next:")
    click.echo(f"  cd {folder} && git init")
    click.echo("  pip install -e . --group dev && pytest")
    click.echo(f"  destinations describe {slug}")
    return OK


def _action(text: str | None) -> int:
    from destination_core.scaffold import ActionNames, add_action

    if text is None:
        raise click.UsageError('an action needs a name: destinations new action "Delete User"')
    names = ActionNames.of(text)
    if names is None:
        raise click.UsageError(f"{text!r} cannot be a name in Python; use words of letters")
    made = add_action(Path(), names)
    click.echo(f"wrote {made}; when it does what it should:")
    click.echo("  pytest --update-requests")
    click.echo("  destinations describe SLUG --into README.md")
    return OK


def _update() -> int:
    from destination_core.scaffold import update

    before, after = update(Path())
    click.echo(f"from template {before} to {after}; read the difference: git diff")
    return OK
