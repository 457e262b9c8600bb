"""What `/readyz` and `/version` say: can events be taken, and what runs here."""

import asyncio
import platform
import sqlite3
from typing import Any, Final

from aiohttp.web_response import Response

from destination_core.errors import DestinationError
from destination_core.http import core_version
from destination_core.queue import SqliteQueue
from destination_core.runner import Runner
from destination_core.server import document

PATIENCE_SECONDS: Final = 2.0
"""How long the disk may take to keep something before the service is not ready."""


class Health:
    """Looks at queue, disk, plugins and destinations.

    Only what keeps events from being taken makes the service not ready: a destination that is
    down does not, for its events are kept.
    """

    def __init__(self, queue: SqliteQueue, runner: Runner) -> None:
        self._queue = queue
        self._runner = runner

    async def ready(self) -> Response:
        """Answer `/readyz`: 200, or 503 with ``why``; ``checks`` has the details."""
        room = self._room()
        checks = {
            # on a full disk, what is left is for acknowledgements
            "queue": await self._writable() if room["ok"] else {"ok": True, "checked": False},
            "disk": room,
            "plugins": self._plugins(),
            "destinations": self._destinations(),
        }
        why = [f"{name}: {one['why']}" for name, one in checks.items() if not one["ok"]]
        told = {"status": "not ready" if why else "ready", "why": why, "checks": checks}
        return document(told, 503 if why else 200)

    async def alive(self) -> Response:
        """Answer `/livez`: 503 when only a restart helps."""
        ended = self._runner.ended
        told = {"status": "delivery has ended" if ended else "alive", "ended": ended}
        return document(told, 503 if ended else 200)

    async def version(self) -> Response:
        """Answer `/version`: the versions of core, Python and plugins."""
        origins = {one.relay.origin for one in self._runner.connections}
        plugins = {one.distribution or one.name: one.version for one in origins}
        told = {"version": core_version(), "python": platform.python_version(), "plugins": plugins}
        return document(told)

    async def _writable(self) -> dict[str, Any]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._queue.beat()
        except TimeoutError:
            return _no(f"nothing was written for {PATIENCE_SECONDS:g} s")
        except (DestinationError, sqlite3.Error, OSError) as error:
            return _no(f"cannot be written: {error}")
        damage = len(self._queue.damage)
        return {"ok": True, "damage": damage}

    def _room(self) -> dict[str, Any]:
        full = self._queue.room()
        return _no(full) if full else {"ok": True}

    def _plugins(self) -> dict[str, Any]:
        slugs = sorted({one.relay.destination.slug for one in self._runner.connections})
        return {"ok": True, "loaded": slugs}  # a broken one keeps the service from starting

    def _destinations(self) -> dict[str, Any]:
        breakers = {name: one.breaker for name, one in self._runner.workers.items()}
        paused = sorted(name for name, one in breakers.items() if one.state != "closed")
        return {"ok": True, "delivered_to": len(breakers), "paused": paused}


def _no(why: str) -> dict[str, Any]:
    return {"ok": False, "why": why}
