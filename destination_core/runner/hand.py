"""What a worker has in hand: claimed and not yet settled; its leases are renewed meanwhile."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from destination_core.queue import Job, Queue, Settlement

log: Final = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 1.0
"""Between two tries to write what became of jobs."""

GATHER_SECONDS: Final = 0.002
"""For which a batch that was answered waits for others, to be written with them."""


@dataclass(slots=True, eq=False)
class Claim:
    """Jobs that were claimed together: they are ours until then, in Unix seconds.

    Once that has passed, and this process did not renew it in time (it was stopped), somebody else
    may have them.
    """

    jobs: list[Job]
    until: float


@dataclass(slots=True, eq=False)
class _Gathering:
    """Settlements that are to be written together."""

    settlements: list[Settlement] = field(default_factory=list)
    writing: asyncio.Task[None] | None = None


IN_HAND: Final[ContextVar[Claim | None]] = ContextVar("IN_HAND", default=None)
"""The claim that the current task delivers."""


class Hand:
    """The jobs of one destination that this process has in hand; ``lease`` is in seconds.

    However long a delivery takes (a slow destination, a low rate), its jobs stay ours while the
    process lives; whoever is stopped for longer than the lease loses them. ``clock`` is that of the
    queue.
    """

    def __init__(
        self, name: str, queue: Queue, lease: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._name = name
        self._queue = queue
        self._lease = lease
        self._clock = clock
        self._claims: set[Claim] = set()
        self._jobs: dict[int, Claim] = {}
        self._gathering = _Gathering()
        self._one = asyncio.Lock()

    async def claim(self, limit: int, to: Claim | None = None) -> tuple[Claim, bool]:
        """Claim jobs that are not in hand already, or more of them; tell whether there are others.

        A job in hand whose lease has ended, for the process was stopped, is ours again.
        """
        claim = Claim([], self._clock() + self._lease) if to is None else to
        found = await self._queue.claim(self._name, limit, self._lease)
        jobs = [job for job in found if job.sequence not in self._jobs]
        if jobs:
            claim.jobs += jobs
            self._claims.add(claim)
            self._jobs.update((job.sequence, claim) for job in jobs)
        return claim, len(found) == limit

    def is_ours(self) -> bool:
        """Tell whether what the current task delivers is certainly nobody else's."""
        claim = IN_HAND.get()
        return claim is None or self._clock() < claim.until

    def put_down(self, jobs: Iterable[Job]) -> None:
        """Let go of jobs that are settled, or that nobody knows what has become of."""
        for job in jobs:
            self._jobs.pop(job.sequence, None)

    def done(self, claim: Claim) -> None:
        """Let go of everything that was claimed together."""
        self.put_down(claim.jobs)
        self._claims.discard(claim)

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Say what became of jobs, until that is written: a full disk will have room again.

        While some are on their way to the disk, others gather: each transaction has its price.
        """
        gathering = self._gathering
        gathering.settlements += settlements
        if gathering.writing is None:
            gathering.writing = asyncio.create_task(self._write(gathering))
        await asyncio.shield(gathering.writing)

    async def _write(self, gathered: "_Gathering") -> None:
        await asyncio.sleep(GATHER_SECONDS)
        async with self._one:
            self._gathering = _Gathering()
            settlements = gathered.settlements
            ours = await self._written(settlements)
            # at once: what is to be tried again may be claimed by whoever asks next
            self.put_down(one.job for one in settlements)
        if ours < len(settlements):
            log.warning(
                "%s: %d of %d leases had been lost to another runner",
                self._name, len(settlements) - ours, len(settlements),
            )  # fmt: skip

    async def _written(self, settlements: Sequence[Settlement]) -> int:
        told = False
        while True:
            try:
                return await self._queue.settle(settlements)
            except Exception as error:  # noqa: BLE001  whatever keeps it from being written
                if not told:
                    log.error(  # noqa: TRY400
                        "%s: what became of %d events cannot be written yet: %s",
                        self._name, len(settlements), error,
                    )  # fmt: skip
                told = True
                await asyncio.sleep(AGAIN_SECONDS)

    async def keep(self) -> None:
        """Renew the leases of what is in hand, three times within each; never returns."""
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                for claim in list(self._claims):
                    await self.renew(claim)
            except Exception:
                log.exception("%s: leases cannot be renewed; trying again", self._name)

    async def renew(self, claim: Claim) -> None:
        """Renew one; what had ended before, or is not all ours any more, stays ended."""
        now = self._clock()
        ours = await self._queue.renew(self._left(claim), self._lease)
        if now < claim.until and ours >= len(self._left(claim)):
            claim.until = now + self._lease
        else:
            claim.until = min(claim.until, now)

    def _left(self, claim: Claim) -> list[Job]:
        return [job for job in claim.jobs if self._jobs.get(job.sequence) is claim]
