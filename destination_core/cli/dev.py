"""`destinations dev`."""

import asyncio
import errno
import os
import signal
from typing import TYPE_CHECKING

import click

from destination_core.cli.main import OK

if TYPE_CHECKING:
    from destination_core.workbench import Bench, Source

PORT = 4242


@click.command(epilog="Example: ACME_API_KEY=... destinations dev acme")
@click.argument("plugin")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535))
@click.option("--to", metavar="URL", help="Send to this server instead, whatever the host.")
@click.option("--dry-run", is_flag=True, help="Send nothing: answer every request with 200 {}.")
def command(plugin: str, port: int, to: str | None, dry_run: bool) -> int:
    """Serve an installed PLUGIN (a slug) on 127.0.0.1, to try each of its actions by curl.

    Sends for real unless --to or --dry-run says otherwise. Every answer has the payload, the exact
    requests with their responses, and the outcome. Settings come with a request, or from the
    environment by the names that `destinations init` writes (ACME_API_KEY). A file of the plugin
    that has changed is read again before the next answer.
    """
    from destination_core.workbench import Bench, Source, Target

    if to is not None and dry_run:
        raise click.UsageError("--to and --dry-run exclude each other")
    if to is not None and not to.startswith(("http://", "https://")):
        raise click.UsageError(f"--to must be an address like http://127.0.0.1:8080, got {to!r}")
    source = Source(plugin)
    bench = Bench(Target(to or "", silent=dry_run), os.environ)
    try:
        asyncio.run(_serve(source, bench, port))
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        said = os.strerror(error.errno)
        raise click.UsageError(f"port {port}: {said}; choose another: --port") from None
    return OK


async def _serve(source: "Source", bench: "Bench", port: int) -> None:
    from destination_core.workbench import BenchServer, Broken, routes

    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with BenchServer(source, bench, port=port, tell=click.echo) as server:
        try:
            for line in routes(source.relay().destination):
                click.echo(line)
        except Broken as broken:
            click.echo(f"{broken.place or source.slug}: {broken}; mend it, then ask again")
        click.echo(f"requests are sent {bench.target}")
        click.echo(f"listening on http://{server.host}:{server.port}, until Ctrl-C")
        await stop.wait()
