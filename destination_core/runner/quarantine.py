"""Find out which event ends the process: what was in hand at a crash goes apart from the rest.

Whoever is in hand at a crash may have caused it. So that the innocent are not in hand again when
the culprit strikes again, suspects are delivered with nothing else in hand, in the whole process:
a few at a time after one crash, each by itself after two. The third crash then has one author.

For a while after a crash there is also little in hand of all the others, so that the next one, if
it comes soon, makes few suspects and repeats few requests.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from destination_core.connection import CRASHES
from destination_core.queue import Job, Retry

PATIENCE: Final = 5.0
"""Seconds that suspects wait for the others, and the others for them: nobody stalls for long."""

FEW: Final = 20
"""Suspects that are delivered together after one crash; and others for a while after it."""

CAREFUL_SECONDS: Final = 5.0
"""How long there is little in hand after the start that follows a crash, or after a suspect."""

TWICE: Final = 2
"""Crashes after which a suspect is delivered by itself."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Claimed jobs: what is to be delivered, what is poison, and what is given back.

    ``next`` is how many suspects to claim next: to claim one is to have it in hand. 0 for none.
    """

    group: Sequence[Job]
    poison: Sequence[Job]
    back: Sequence[Retry]
    next: int


def sort_out(jobs: Sequence[Job], *, alone: bool) -> Sorted:
    """Keep suspects and others apart; with ``alone`` it is the suspects' turn.

    Suspects that are given back are due before anything else.
    """
    poison = [job for job in jobs if job.crashes >= CRASHES]
    suspects = [job for job in jobs if 0 < job.crashes < CRASHES]
    twice = [job for job in suspects if job.crashes >= TWICE]
    group: Sequence[Job] = [job for job in jobs if not job.crashes]
    if alone and suspects:
        group = twice[:1] or suspects
    elif alone or suspects or poison:
        group = group[:FEW]
    kept = {job.sequence for job in (*group, *poison)}
    back = [
        Retry.unused(job, 0.0 if job.crashes else job.received)
        for job in jobs
        if job.sequence not in kept
    ]
    return Sorted(group, poison, back, (1 if twice else FEW) if suspects or poison else 0)


class Quarantine:
    """Either any number of chunks are in hand, or suspects alone; who waits for that goes first."""

    def __init__(
        self, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._careful_until = -math.inf
        self._in_hand = 0
        self._empty = asyncio.Event()
        self._empty.set()
        self._open = asyncio.Event()
        self._open.set()
        self._one = asyncio.Lock()

    @property
    def is_careful(self) -> bool:
        """Whether there was a crash not long ago."""
        return self._clock() < self._careful_until

    def crash_seen(self) -> None:
        """Be careful for a while."""
        self._careful_until = self._clock() + CAREFUL_SECONDS

    async def enter(self) -> None:
        """Take something in hand, once no suspect is."""
        await self._open.wait()
        self._in_hand += 1
        self._empty.clear()

    def leave(self) -> None:
        """Put it down."""
        self._in_hand -= 1
        if not self._in_hand:
            self._empty.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait for the others to put down what they have, and keep them from taking more."""
        async with self._one:
            self._open.clear()
            try:
                async with asyncio.timeout(self._patience):
                    await self._empty.wait()
            except TimeoutError:
                pass  # somebody hangs: going on is better than proof
            try:
                yield
            finally:
                self._open.set()
