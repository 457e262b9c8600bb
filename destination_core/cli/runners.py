"""The processes that deliver from a queue, as whoever runs a command beside them sees them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson

LONGEST_LINE: Final = 1_048_576
"""Bytes of what a runner tells at once."""

PATIENCE_SECONDS: Final = 2.0
"""How long a runner may take to tell: one that a plugin blocks tells nothing."""


def sockets(queue: Path) -> Iterable[Path]:
    """Return where the runners of a queue tell what they do."""
    return sorted(queue.parent.glob(f"{queue.name}-tail-*"))


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[asyncio.StreamReader]:
    """Listen to a runner; raises ``OSError`` when it is gone."""
    stream, writer = await asyncio.open_unix_connection(str(path), limit=LONGEST_LINE)
    try:
        yield stream
    finally:
        writer.close()


async def states(queue: Path) -> dict[str, dict[str, Any]]:
    """Return what each destination's breaker tells, by name: nothing where nobody delivers.

    Where several processes deliver to one, that which is paused counts.
    """
    found: dict[str, dict[str, Any]] = {}
    for told in await asyncio.gather(*[_told(path) for path in sockets(queue)]):
        for name, one in told.items():
            if name not in found or found[name]["state"] == "closed":
                found[name] = one
    return found


async def _told(path: Path) -> dict[str, dict[str, Any]]:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), listening(path) as stream:
            line = await stream.readline()
    except (OSError, TimeoutError, ValueError):  # gone, blocked, or of another version
        return {}
    told = orjson.loads(line) if line else {}
    destinations: dict[str, dict[str, Any]] = told.get("destinations", {})
    return destinations
