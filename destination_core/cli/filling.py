"""Put events into the queue of a runner, also when that takes a while."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from destination_core.errors import DestinationError

if TYPE_CHECKING:
    from destination_core.runner import Runner

log: Final = logging.getLogger("destinations")

FULL_SECONDS: Final = 1.0
"""Between two tries when the queue is full."""

LOOKS: Final = 3
"""So often in a row nothing must be queued before it is said that nothing can make room."""

AGAIN_SECONDS: Final = 60.0
"""Between two messages that it still waits."""


class NoRoom(DestinationError):
    """The queue takes nothing, and nothing is left in it whose delivery could change that."""


class Filling:
    """Puts what comes from files; while the queue is full, waits for delivery to make room.

    An ``endless`` one goes on waiting where only people can make room.
    """

    def __init__(self, runner: "Runner", *, endless: bool) -> None:
        self._runner = runner
        self._endless = endless
        self._told = -AGAIN_SECONDS

    async def put(self, events: Sequence[dict[str, Any]]) -> None:
        """Put events; raises ``NoRoom``."""
        from destination_core.queue import QueueFull

        looks = 0
        while events:
            try:
                await self._runner.put("file", events)
            except QueueFull as full:
                why = self._runner.queue.room()  # "" when it was something that passes by itself
                self._tell(why or str(full))
                looks = looks + 1 if why and not await self._is_delivering() else 0
                if looks >= LOOKS and not self._endless:
                    raise NoRoom(
                        f"{why}, and nothing is queued whose delivery would make room"
                    ) from None
                await asyncio.sleep(FULL_SECONDS)
            else:
                return

    def _tell(self, why: str) -> None:
        now = time.monotonic()
        if now >= self._told + AGAIN_SECONDS:
            self._told = now
            log.warning("waiting: %s", why)

    async def _is_delivering(self) -> bool:
        counts = await self._runner.queue.counts()
        return any(one.queued and name in self._runner.workers for name, one in counts.items())
