"""The group of commands, and what becomes of errors."""

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from threading import current_thread, main_thread
from typing import Final, NoReturn

import click

OK: Final = 0
PROBLEMS: Final = 1
USAGE: Final = 2
CONFIGURATION: Final = 3
AUTHENTICATION: Final = 4
DELIVERY: Final = 5
INTERRUPTED: Final = 130
"""The exit codes; 2 is click's own."""

COMMANDS: Final = {
    "check": "Check a configuration; with --live, the credentials too.",
    "choices": "List the values that a field may have at the destination.",
    "completion": "Print the completion script of a shell.",
    "dead": "List, show, retry, drop or export dead letters.",
    "demo": "Deliver bundled events to a stand-in on this machine.",
    "describe": "Describe an installed destination.",
    "dev": "Serve a plugin on this machine, to try its actions by curl.",
    "explain": "Show what would become of an event, and send nothing.",
    "find": "Show where a user's events, or one event, are in the queue.",
    "init": "Write a configuration to start from.",
    "lint": "Check the definition of an installed plugin.",
    "new": "Make a project of a new plugin, or add an action to one.",
    "plugins": "List the plugins that are installed.",
    "run": "Deliver what is queued, and events from files, durably.",
    "save": "Make what mappings and audiences need, and write its ids into the configuration.",
    "schema": "Print the JSON Schema of a configuration, for editors.",
    "send": "Deliver events from files.",
    "serve": "Accept events over HTTP as Segment does, and deliver them.",
    "replay": "Deliver dead letters, or the events of an archive, again.",
    "status": "Show what is queued, delivered and dead, by destination.",
    "tail": "Show what becomes of events, live.",
}
"""The commands and their short help: known without importing them."""

RELOADING: Final = ("run", "serve")
"""Those that read their configuration again on SIGHUP."""


@contextmanager
def quietly_interrupted() -> Iterator[None]:
    """Let Ctrl-C end the process at once while modules are imported.

    As an exception it may come up in class definitions and callbacks of C code, which print it
    with a traceback of their own, or swallow it.
    """
    given = signal.getsignal(signal.SIGINT)
    if given is not signal.default_int_handler or current_thread() is not main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, given)


@contextmanager
def starting() -> Iterator[None]:
    """Make what stays as long as the process, without the garbage collector looking at it.

    Modules, classes and connections are a hundred thousand objects and more, none of them garbage:
    looking at them took a seventh of the time of a start.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


HELP: Final = ("-h", "--help")

LIGHT: Final = ("completion", "new")
"""Commands that need neither plugins nor configurations."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called.

    What is slow to import (pydantic, aiohttp) is not waited for by who only asks for help.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's
        """List the commands in alphabetical order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        with quietly_interrupted(), starting():
            command = import_module(f"destination_core.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """Write the short help without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, and what it works with; a typing error is met with the nearest one."""
        if args and args[0] not in COMMANDS:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        if args[0] in RELOADING and current_thread() is main_thread():
            # one that comes too early would end what it is to renew; it is about to be read anyway
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if not (ctx.resilient_parsing or args[0] in LIGHT or any(one in HELP for one in args)):
            from destination_core.cli.certificates import read_later  # imports ssl

            with quietly_interrupted(), starting(), read_later():
                import_module("destination_core.connection")
        return super().resolve_command(ctx, args)


def _show_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import version
    from importlib.util import find_spec

    compiled = is_compiled(find_spec("destination_core.plan"))
    click.echo(version("destination-core") + (" (compiled)" if compiled else ""))
    ctx.exit()


def is_compiled(spec: "ModuleSpec | None") -> bool:
    """Tell whether a module is made of C: the others that every event passes are, then, too."""
    return spec is not None and isinstance(spec.loader, ExtensionFileLoader)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": list(HELP), "max_content_width": 100},
    epilog="Try it: destinations demo",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version, and whether the modules are compiled, and exit.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def group(debug: bool) -> None:
    """Deliver customer events to destinations, as Segment's Actions do."""


def main() -> NoReturn:
    """Run the command line; every error becomes a message and an exit code."""
    debug = "--debug" in sys.argv[1:]
    try:
        code = group.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(OK)
    except OSError as error:
        if debug or error.strerror is None:
            raise
        if error.filename is None:  # an open file, such as what is printed to
            click.echo(f"error: {error.strerror}", err=True)
            sys.stdout = None  # what it still holds would be tried again at the end
            sys.exit(PROBLEMS)
        click.echo(f"error: {error.filename}: {error.strerror}", err=True)
        sys.exit(USAGE)
    except Exception as error:
        from destination_core.errors import DestinationError, SetupError

        if debug or not isinstance(error, DestinationError):
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(AUTHENTICATION if isinstance(error, SetupError) else CONFIGURATION)
    sys.exit(code if isinstance(code, int) else OK)
