"""A small Track API client for tests: what was answered, as (status, body)."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

from destination_customerio.simulator import Simulator


class TrackClient:
    """Send calls to one simulator over real sockets, without following redirects."""

    def __init__(self, session: aiohttp.ClientSession, simulator: Simulator) -> None:
        self.session = session
        self.simulator = simulator
        self.authorization = basic(simulator.site_id, simulator.api_key)

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Return (status, decoded body) of one call; ``body`` may be raw bytes."""
        status, _, decoded = await self.exchange(method, path, body, **options)
        return status, decoded

    async def exchange(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        authorization: str | None = None,
        host: str | None = None,
    ) -> Any:
        """Return (status, headers, decoded body) of one call."""
        data = body if isinstance(body, bytes) or body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"}
        sent = self.authorization if authorization is None else authorization
        if sent:
            headers["Authorization"] = sent
        url = (host or self.simulator.url) + path
        async with self.session.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as response:
            raw = await response.read()
            return response.status, dict(response.headers), orjson.loads(raw) if raw else None

    async def entity(self, **entity: Any) -> Any:
        """Send one v2 entity."""
        return await self.call("POST", "/api/v2/entity", entity)

    async def person(self, who: Any, action: str, **rest: Any) -> Any:
        """Send one person operation; ``who`` is the ID, or the identifiers."""
        identifiers = {"id": who} if isinstance(who, str) else who
        return await self.entity(type="person", identifiers=identifiers, action=action, **rest)

    async def object(self, object_id: str, action: str, **rest: Any) -> Any:
        """Send one operation on an object of type 1."""
        identifiers = {"object_type_id": "1", "object_id": object_id}
        return await self.entity(type="object", identifiers=identifiers, action=action, **rest)

    async def batch(self, *items: Any) -> Any:
        """Send a batch."""
        return await self.call("POST", "/api/v2/batch", {"batch": items})


def basic(user: str, password: str) -> str:
    """Return a Basic ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@asynccontextmanager
async def track_api(**options: Any) -> AsyncIterator[TrackClient]:
    """Run a simulator and give a client for it."""
    async with Simulator(**options) as simulator, aiohttp.ClientSession() as session:
        yield TrackClient(session, simulator)


class Clock:
    """A clock that tests turn by hand."""

    def __init__(self, now: float = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
