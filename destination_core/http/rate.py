"""How many requests a second a connection may send."""

import asyncio
from typing import Final

from aiolimiter import AsyncLimiter

BURST_SECONDS: Final = 0.1
"""Requests of so long a time may go at once; a second's worth would be twice the rate, briefly."""


class Rate:
    """Turns of the requests of one connection: after a pause, no herd goes at once."""

    def __init__(self, requests_per_second: float) -> None:
        burst = max(requests_per_second * BURST_SECONDS, 1.0)
        self._limiter = AsyncLimiter(burst, burst / requests_per_second)
        self._waiting: set[asyncio.Future[None]] = set()
        self._is_closed = False

    async def turn(self, *, first: bool) -> None:
        """Wait for a turn; the ``first`` of an attempt waits no longer once it is closed."""
        if not first or self._limiter.has_capacity():
            await self._limiter.acquire()
            return
        if self._is_closed:
            return
        turn = asyncio.ensure_future(self._limiter.acquire())
        self._waiting.add(turn)
        try:
            await asyncio.wait([turn])
        finally:
            self._waiting.discard(turn)
            turn.cancel()  # of one who was cancelled

    def close(self) -> None:
        """Let nobody wait any longer whose attempt has sent nothing yet: it will not be sent."""
        self._is_closed = True
        for turn in self._waiting:
            turn.cancel()
