"""Send events to the service, and write down which were acknowledged."""

import asyncio
import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.event import USERS, event

PAUSE = 0.02
"""Seconds between two tries of a call."""

CALL = aiohttp.ClientTimeout(total=30)


class Issuer:
    """``issued`` is how many numbers were given, ``acked`` those that got a 2xx.

    ``sent`` is when each was sent first, in Unix seconds.
    """

    def __init__(self, folder: Path, write_key: str) -> None:
        self.url = ""
        self.issued = 0
        self.acked: set[int] = set()
        self.sent: dict[int, float] = {}
        self.statuses: Counter[str] = Counter()
        self._write_key = write_key
        self._descriptor = os.open(folder / "acked", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def issue(
        self,
        many: int,
        *,
        batch: int = 10,
        clients: int = 4,
        users: int = USERS,
        again: bool = True,
        rate: float | None = None,
        first: int | None = None,
        beside: str = "",
    ) -> dict[str, Any]:
        """Send so many events, new ones unless ``first`` is given."""
        first = self.issued if first is None else first
        self.issued = max(self.issued, first + many)
        began = time.monotonic()
        statuses: Counter[str] = Counter()
        chunks = iter(
            [
                range(start, min(start + batch, first + many))
                for start in range(first, first + many, batch)
            ]
        )
        paces = itertools.repeat(0.0) if rate is None else _pace(batch / rate)

        async def client() -> None:
            for chunk in chunks:
                wait = next(paces) - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                now = time.time()
                for number in chunk:
                    self.sent.setdefault(number, now)
                body = self._body([event(number, users) for number in chunk], beside)
                while True:
                    status = await self._post(session, body)
                    statuses[status] += 1
                    if status.startswith("2"):
                        await self._acknowledged(chunk)
                        break
                    if not again:
                        break
                    await asyncio.sleep(PAUSE)

        async with aiohttp.ClientSession(timeout=CALL) as session:
            await asyncio.gather(*(client() for _ in range(clients)))
        self.statuses += statuses
        seconds = time.monotonic() - began
        return {
            "first": first,
            "last": first + many - 1,
            "seconds": seconds,
            "statuses": dict(statuses),
        }

    def _body(self, events: list[Any], beside: str) -> bytes:
        """Write a call; ``beside`` is JSON, or what pretends to be, in the midst of the events."""
        items = [json.dumps(one) for one in events]
        if beside:
            items.insert(len(items) // 2, beside)
        key = json.dumps(self._write_key)
        return f'{{"writeKey": {key}, "batch": [{", ".join(items)}]}}'.encode()

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> str:
        """Make a call; return its status, "none" when there was no answer."""
        headers = {"Content-Type": "application/json"}
        try:
            async with session.post(f"{self.url}/v1/batch", data=body, headers=headers) as answer:
                await answer.read()
                return str(answer.status)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return "none"

    async def _acknowledged(self, chunk: range) -> None:
        """Write down what is promised now; it is an obligation from here on."""
        await asyncio.to_thread(self._write, chunk)
        self.acked.update(chunk)

    def _write(self, chunk: range) -> None:
        os.write(self._descriptor, "".join(f"{number}\n" for number in chunk).encode())
        os.fsync(self._descriptor)


def _pace(seconds: float) -> Iterator[float]:
    began = time.monotonic()
    for turn in itertools.count():
        yield began + turn * seconds
