"""What a worker has in hand: claimed and not yet settled; its leases are renewed meanwhile."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final

from destination_core.queue import Job, Queue, Settlement

log: Final = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 1.0
"""Between two tries to write what became of jobs."""


class Hand:
    """The jobs of one destination that this process has in hand; ``lease`` is in seconds.

    However long a delivery takes (a slow destination, a low rate), its jobs stay ours while the
    process lives; whoever is stopped for longer than the lease loses them.
    """

    def __init__(self, name: str, queue: Queue, lease: float) -> None:
        self._name = name
        self._queue = queue
        self._lease = lease
        self._jobs: dict[int, Job] = {}

    async def claim(self, limit: int) -> tuple[list[Job], bool]:
        """Claim jobs; return those that were not in hand already, and whether there are more.

        A job in hand whose lease has ended, for the process was stopped, is ours again.
        """
        found = await self._queue.claim(self._name, limit, self._lease)
        jobs = [job for job in found if job.sequence not in self._jobs]
        self._jobs.update((job.sequence, job) for job in jobs)
        return jobs, len(found) == limit

    def put_down(self, jobs: Iterable[Job]) -> None:
        """Let go of jobs that are settled, or that nobody knows what has become of."""
        for job in jobs:
            self._jobs.pop(job.sequence, None)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Say what became of jobs, until that is written: a full disk will have room again."""
        told = False
        while True:
            try:
                ours = await self._queue.settle(settlements)
            except Exception as error:  # noqa: BLE001  whatever keeps it from being written
                if not told:
                    log.error(  # noqa: TRY400
                        "%s: what became of %d events cannot be written yet: %s",
                        self._name, len(settlements), error,
                    )  # fmt: skip
                told = True
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                break
        if ours < len(settlements):
            log.warning(
                "%s: %d of %d leases had been lost to another runner",
                self._name, len(settlements) - ours, len(settlements),
            )  # fmt: skip

    async def keep(self) -> None:
        """Renew the leases of what is in hand, three times within each; never returns."""
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                if self._jobs:
                    await self._queue.renew(list(self._jobs.values()), self._lease)
            except Exception:
                log.exception("%s: leases cannot be renewed; trying again", self._name)
