"""What commands have in common: plugins, configurations, JSON output.

What is slow to import is imported where it is used: `--help` of every command waits for this.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from destination_core.cli.legible import legible_json
from destination_core.cli.main import USAGE, quietly_interrupted

if TYPE_CHECKING:
    from destination_core.cli.logs import Redaction
    from destination_core.connection import Connection, Outline, Service
    from destination_core.plugins import PluginFailure, Registry
    from destination_core.queue import Counts
    from destination_core.tracing import Tracing

COLLECTOR: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables that name a collector of traces."""

FILTERED: Final = "filtered (no subscription matches, or `integrations` excludes it)"
"""What nobody gets, as people are told."""

MOST_PORTS: Final = 65_535

NOBODY: Final = "(none)"
"""What JSON has in the place of a destination's name for what no destination wanted."""

NO_SUCH: Final = "the configuration has no such destination"
"""What is said beside what is queued for one."""

F = TypeVar("F", bound=Callable[..., Any])

json_option: Callable[[F], F] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of text."
)
config_argument: Callable[[F], F] = click.argument(
    "config", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)


def registry() -> "Registry":
    """Load the installed plugins; broken ones are named on standard error."""
    with quietly_interrupted():
        from destination_core.plugins import Registry

        found = Registry.discover()
        _tell(found.failures)
    return found


def connections(config: Path) -> "list[Connection[Any]]":
    """Open the connections of a configuration file; destinations that it lacks are not loaded."""
    with quietly_interrupted():
        from destination_core.connection import load_connections
        from destination_core.plugins import Registry

        found = Registry.discover()
        _tell(found.failed)
        return load_connections(config, found, os.environ)


def configured(config: Path) -> "Service":
    """Read all of a configuration file, also what only the runner needs."""
    with quietly_interrupted():
        from destination_core.connection import load_service
        from destination_core.plugins import Registry

        found = Registry.discover()
        _tell(found.failed)
        return load_service(config, found, os.environ)


def outline(config: Path) -> "Outline":
    """Read what looking into a queue needs: who looks need not have the service's secrets."""
    from destination_core.connection import load_outline

    return load_outline(config)


def service(config: Path, redaction: "Redaction") -> "Service":
    """Read a configuration to run it; its secrets are not logged from here on."""
    with quietly_interrupted():
        from destination_core.cli.certificates import begin_reading
        from destination_core.connection import load_service
        from destination_core.plugins import Registry

        found = Registry.discover()
        found.require_sound()
        read = load_service(config, found, os.environ)
    redaction.conceal(read.secrets)
    begin_reading(one.options.base_url for one in read.connections)
    return read


def _tell(failures: "Iterable[PluginFailure]") -> None:
    for failure in failures:
        click.echo(f"warning: {failure}", err=True)


@contextmanager
def tracing() -> "Iterator[Tracing | None]":
    """Trace when OpenTelemetry's variables name a collector; None when they do not.

    Raises ``ConfigurationError`` when the extra is not installed.
    """
    named = [name for name in COLLECTOR if os.environ.get(name)]
    if not named or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield None
        return
    try:
        from destination_core.tracing import Tracing

        made = Tracing.to_collector(os.environ.get("OTEL_SERVICE_NAME") or "destinations")
    except ImportError as error:
        from destination_core.errors import ConfigurationError

        raise ConfigurationError(
            f"{named[0]} is set, but OpenTelemetry is not installed ({error.name});"
            f" pip install 'destination-core[otel]', or unset it"
        ) from None
    try:
        yield made
    finally:
        made.close()


def check_files(names: Iterable[str]) -> None:
    """Refuse what cannot be read before anything is; ``-`` is standard input."""
    for name in names:
        if name != "-" and Path(name).is_dir():
            raise click.UsageError(f"{name}: is a folder; name its files")
        if name != "-" and not Path(name).exists():
            raise click.UsageError(f"{name}: no such file")


class NoQueue(click.ClickException):
    """There is nothing to look into; the command was right, so its usage is not shown."""

    exit_code = USAGE


def check_queue(path: Path) -> None:
    """Refuse to look into a queue that nobody has made yet."""
    if not path.exists():
        raise NoQueue(f"{path} does not exist: nothing was queued yet; `serve` and `run` make it")


def address(listen: str) -> tuple[str, int]:
    """Read HOST:PORT."""
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or not host or int(port) > MOST_PORTS:
        raise click.UsageError(f"--listen must be HOST:PORT, a port up to 65535, got {listen!r}")
    return host.strip("[]"), int(port)


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(legible_json(value))


def sums(one: "Counts") -> dict[str, Any]:
    """Return the counts of a destination since its queue was made, for JSON."""
    from dataclasses import asdict

    told = {**asdict(one), "difference": one.difference}
    del told["duplicates"]  # an event is one before it is anybody's
    return told


def interactive() -> bool:
    """Tell whether somebody watches standard error, where progress is shown."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def heading(text: str) -> str:
    """Return a heading, bold unless NO_COLOR is set; click takes it off where nobody watches."""
    return text if os.environ.get("NO_COLOR") else click.style(text, bold=True)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 event", "2,000 events"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
