"""How many attempts are in flight: more while all goes well, half as many when it does not."""

import asyncio
from collections import deque
from types import TracebackType


class Adaptive:
    """A semaphore whose size adapts: additive increase, multiplicative decrease (AIMD).

    An async context manager that any number of tasks enter at once; ``most`` is the upper bound.
    """

    def __init__(self, most: int) -> None:
        self.most = most
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

    def went_well(self) -> None:
        """Allow a little more."""
        self.size = min(self.most, self.size + 1)
        self._admit()

    def was_too_much(self) -> None:
        """Allow half as many."""
        self.size = max(1.0, self.size / 2)
