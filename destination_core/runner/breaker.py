"""Leave a destination alone that takes nothing, and ask it now and then with a single event."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

FAILURES: Final = 5
"""Attempts in a row that fail before the breaker opens."""

SHORTEST: Final = 5.0
LONGEST: Final = 300.0
"""Seconds between two probes: doubled from the first to the second."""


class State(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Breaker:
    """Counts failures of attempts; ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._wait = SHORTEST
        self._until = 0.0
        self.state = State.CLOSED
        self.reason = ""

    def wait(self) -> float:
        """Return the seconds until the next attempt may be made; 0 when it may be made now."""
        if self.state is not State.OPEN:
            return 0.0
        left = self._until - self._clock()
        if left > 0:
            return left
        self.state = State.PROBING
        return 0.0

    def succeeded(self) -> None:
        """Close: the destination takes events."""
        self.state = State.CLOSED
        self.reason = ""
        self._failures = 0
        self._wait = SHORTEST

    def asked_to_wait(self, seconds: float, reason: str) -> None:
        """Open for as long as the destination asked for."""
        self.state = State.OPEN
        self.reason = reason
        self._until = max(self._until, self._clock() + seconds)

    def failed(self, reason: str, *, at_once: bool = False) -> None:
        """Count a failure; ``at_once`` opens without waiting for more (wrong credentials)."""
        self._failures += 1
        self.reason = reason
        if self.state is State.PROBING:
            self._wait = min(LONGEST, self._wait * 2)
        elif not at_once and self._failures < FAILURES:
            return
        self.state = State.OPEN
        self._until = self._clock() + self._wait
