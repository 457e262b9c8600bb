"""Play the destinations: take what comes, write it down, and answer as told."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.faults.event import digest, number_of


@dataclass(frozen=True)
class Behaviour:
    """How a destination answers: ``share`` of the requests get it, the others a 200.

    Events are taken when the status is 2xx. ``delay`` is in seconds. ``tell`` False takes them, and
    cuts the connection instead of saying so.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = "{}"
    delay: float = 0.0
    share: float = 1.0
    tell: bool = True


USUAL = Behaviour()


@dataclass
class Seen:
    """What one destination saw.

    ``receipts``: number, time, whether it was confirmed. ``digests`` of bodies by number.
    """

    receipts: list[tuple[int, float, bool]] = field(default_factory=list)
    arrivals: list[tuple[float, int, int]] = field(default_factory=list)
    digests: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    strangers: list[str] = field(default_factory=list)
    confirmed: set[int] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Receiver:
    """A server for all destinations: `POST /<name>` with a list of entries."""

    def __init__(self, token: str) -> None:
        self.url = ""
        self.seen: dict[str, Seen] = defaultdict(Seen)
        self.behaviours: dict[str, Behaviour] = {}
        self._authorization = f"Bearer {token}"
        self._runner: web.ServerRunner | None = None
        self._chance = random.Random(7)

    async def start(self) -> None:
        """Listen on a free port."""
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name = request.path.strip("/")
        entries = orjson.loads(await request.read())
        seen = self.seen[name]
        behaviour = self.behaviours.get(name, USUAL)
        if behaviour.share < 1 and self._chance.random() >= behaviour.share:
            behaviour = USUAL
        if request.headers.get("Authorization") != self._authorization:
            behaviour = Behaviour(status=401)
        seen.arrivals.append((time.time(), len(entries), behaviour.status))
        seen.changed.set()
        if behaviour.delay:
            await asyncio.sleep(behaviour.delay)
        if 200 <= behaviour.status < 300:
            self._take(seen, entries, behaviour.tell)
        if not behaviour.tell and request.transport is not None:
            request.transport.abort()
        return web.Response(status=behaviour.status, text=behaviour.body, headers=behaviour.headers)

    def _take(self, seen: Seen, entries: list[dict[str, Any]], confirmed: bool) -> None:
        now = time.time()
        for entry in entries:
            number = number_of(str(entry["id"]))
            if number is None:
                seen.strangers.append(str(entry["id"]))
                continue
            seen.receipts.append((number, now, confirmed))
            seen.digests[number].add(digest(entry["body"]))
            if confirmed:
                seen.confirmed.add(number)
        seen.changed.set()
