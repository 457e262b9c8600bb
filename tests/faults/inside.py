"""F17: URLs that lead inside: no connection is made, however the address is written."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage

URLS = (
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://127.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://127\u30020\u30020\u30021:{port}/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/",
    "http://user:password@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://168.63.129.16/",
    "http://10.0.0.1:{port}/",
    "http://172.16.0.1:{port}/",
    "http://192.168.0.1:{port}/",
    "http://inside.test:{port}/",
    "http://both.test:{port}/",
    "http://127.0.0.2:{redirect}/302",
    "http://127.0.0.2:{redirect}/307",
    "http://rebound.test:{redirect}/503",
)
OUTSIDE = "127.0.0.2/32"
"""Plays the public server that redirects, or whose name leads elsewhere the next time."""

CACHED_SECONDS = 11
"""For which an answer of the resolver is used again, and one more."""


async def run(size: Size, folder: Path) -> Result:
    """Aim a destination at each URL; count who connects to what must not be reached."""
    many = 20 if size is Size.LONG else 3
    result = Result()
    async with (
        Stage(
            folder, "allowed", delivery=QUICK, plugins={"guarded": "tests.faults.guarded"}
        ) as stage,
        _listener() as (port, connections),
        _redirecting(port, CACHED_SECONDS if size is Size.LONG else 1) as (redirect, answered),
    ):
        destinations = stage.configuration["destinations"]
        allowed = destinations["allowed"] = {
            **destinations["allowed"], "plugin": "guarded", "allowed_networks": ["127.0.0.1/32"],
        }  # fmt: skip
        names = {}
        for number, url in enumerate(URLS):
            names[f"url-{number}"] = url
            made = url.format(port=port, redirect=redirect)
            settings = {**allowed["settings"], "url": made}
            inside = {**allowed, "settings": settings, "allowed_networks": [OUTSIDE]}
            destinations[f"url-{number}"] = inside
        stage.write()
        service = await stage.serve()
        await stage.oracle.issue(many)
        arrived = await stage.oracle.until("allowed", many, 60)
        result.demand("what the operator allows is reached", arrived, arrived)
        silent = await _paused(stage, names)
        result.demand("each destination says why it is paused", not silent, silent)
        if size is Size.LONG:
            await asyncio.sleep(CACHED_SECONDS + 10)
        fresh = await stage.oracle.fresh(["allowed"])
        result.demand("a fresh event flows", fresh is not None, fresh)
        code = await service.end()
        result.demand("SIGTERM ends it with 0", code == 0, code)
        counts = await stage.verdict(result, drained=False)
        kept = [name for name in names if counts[name]["queued"] != many + 1]
        result.demand("their events are kept", not kept, [names[one] for one in kept])
        result.demand("no connection is made", not connections, len(connections))
        result.demand("those that redirect were asked", len(set(answered)) == 3, sorted(answered))
    result.figures |= {"URLs": len(URLS), "connections": len(connections)}
    return result


async def _paused(stage: Stage, names: dict[str, str], seconds: float = 30) -> list[str]:
    """Wait until each has said that it is paused; return the URLs of those that have not."""
    waited = 0.0
    while silent := [name for name in names if f"{name}: paused" not in stage.logs()]:
        if silent == [f"url-{URLS.index(URLS[-1])}"]:  # it is told to wait, and waits
            return []
        if waited > seconds:
            break
        await asyncio.sleep(0.1)
        waited += 0.1
    return [names[one] for one in silent]


@contextlib.asynccontextmanager
async def _listener() -> AsyncIterator[tuple[int, list[object]]]:
    """Listen on loopback, IPv4 and, where there is one, IPv6; yield port and who connected."""
    connections: list[object] = []

    async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    servers = [server]
    with contextlib.suppress(OSError):
        servers.append(await asyncio.start_server(connected, "::1", port))
    try:
        yield port, connections
    finally:
        for one in servers:
            one.close()


@contextlib.asynccontextmanager
async def _redirecting(port: int, wait: int) -> AsyncIterator[tuple[int, list[str]]]:
    """Redirect to the listener, or ask to wait until the name leads elsewhere."""
    answered: list[str] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            status = head.split(b" ")[1].decode().strip("/")
            answered.append(status)
            location = f"Location: http://127.0.0.1:{port}/\r\nRetry-After: {wait}\r\n"
            end = "Connection: close\r\nContent-Length: 0\r\n\r\n"
            writer.write(f"HTTP/1.1 {status} Elsewhere\r\n{location}{end}".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.2", 0)
    try:
        yield server.sockets[0].getsockname()[1], answered
    finally:
        server.close()


FAULT = Fault(
    "F17",
    "URLs that lead inside (SSRF)",
    "0 connections to what is not public: literals in all spellings, names, redirects, rebinding;"
    " what the operator allows is reached",
    run,
)
