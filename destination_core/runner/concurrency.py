"""How many attempts are in flight: more while all goes well, half as many when it does not."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final

NOTICEABLE: Final = 0.05
"""Seconds that an attempt may take longer without meaning anything: our own machine is busy too."""

SHARE: Final = 0.1
"""How much the last round counts in what is usual."""


class Adaptive:
    """A semaphore whose size adapts: additive increase, multiplicative decrease (AIMD).

    An async context manager that any number of tasks enter at once; ``most`` is the upper bound.
    It learns from 429, from time-outs, and from attempts that take longer than they usually do.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._usual = 0.0
        self._round: list[float] = []
        self._halved = -math.inf
        self.size = float(most)
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self.in_flight < int(self.size) and not self._waiting:
            self.in_flight += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.in_flight < int(self.size):
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def turn_away(self, make: Callable[[], Exception]) -> None:
        """Let nobody wait any longer: who does has an error raised, each one of its own."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(make())

    def went_well(self, seconds: float) -> None:
        """Allow a little more, unless attempts take much longer than they usually do.

        One more per round (as many attempts as may be in flight); a tenth less after a round whose
        mean is twice the usual one and ``NOTICEABLE`` seconds above it.
        """
        self._round.append(seconds)
        if len(self._round) >= int(self.size):
            mean = sum(self._round) / len(self._round)
            self._round.clear()
            usual = self._usual or mean
            self._usual = usual + (mean - usual) * SHARE
            if mean > 2 * usual and mean > usual + NOTICEABLE:
                self.size = max(1.0, self.size * 0.9)
                return
        self.size = min(self.most, self.size + 1 / self.size)
        self._admit()

    def was_too_much(self) -> None:
        """Allow half as many; once for all that were in flight together."""
        now = self._clock()
        if now < self._halved + self._usual:
            return
        self._halved = now
        self.size = max(1.0, self.size / 2)
