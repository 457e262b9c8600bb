"""Leave a destination alone that takes nothing, and ask it now and then with a single attempt."""

import math
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

FAILURES: Final = 5
"""Attempts in a row that fail before the breaker opens, each begun after the last success."""

RECENT: Final = 20
"""Attempts of which more than half failed: then it opens, too, whatever came in between."""

SHORTEST: Final = 5.0
LONGEST: Final = 300.0
"""Seconds between two probes: doubled from the first to the second."""

PROBE_SECONDS: Final = 120.0
"""After which another probe may be made, should the last have come to no end."""

SOON: Final = 1.0
"""Seconds after which to ask again while a probe is under way."""


class State(StrEnum):
    """What the breaker lets through."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Breaker:
    """Counts failures of attempts; ``clock`` is monotonic, in seconds.

    While it is open, nothing but time matters: attempts that were under way when it opened say
    nothing new, and none of them ends a pause that was asked for.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._succeeded = -math.inf
        self._wait = SHORTEST
        self._until = 0.0
        self._state = State.CLOSED
        self.since = clock()
        self.reason = ""

    @property
    def state(self) -> State:
        """What it lets through; ``since`` is when it was last closed or opened, by its clock."""
        return self._state

    def told(self, now: float) -> dict[str, Any]:
        """Return ``state``, ``reason``, ``since``, and ``again``: when the next may be made.

        In Unix seconds, as ``now`` is.
        """
        since = now - (self._clock() - self.since)
        again = now + self.wait()
        return {"state": self.state, "reason": self.reason, "since": since, "again": again}

    def _turn(self, state: State) -> None:
        if State.CLOSED in (state, self._state) and state is not self._state:
            self.since = self._clock()
        self._state = state

    def wait(self) -> float:
        """Return the seconds until the next attempt may be made; 0 when it may be made now."""
        if self.state is State.CLOSED:
            return 0.0
        return max(0.0, self._until - self._clock())

    def admit(self) -> float:
        """Return 0 to let an attempt through, or the seconds after which to ask again.

        The first to be let through after a pause is the probe, and the only one until it has ended.
        """
        if self.state is State.CLOSED:
            return 0.0
        left = self.wait()
        if left > 0:
            return left if self.state is State.OPEN else SOON
        self._turn(State.PROBING)
        self._until = self._clock() + PROBE_SECONDS
        return 0.0

    def succeeded(self) -> None:
        """Close: the destination takes events."""
        self._succeeded = self._clock()
        if self.state is State.OPEN:
            return
        if self.state is State.PROBING:
            self._recent.clear()  # it is well again, whatever was before
        self._recent.append(False)
        self._turn(State.CLOSED)
        self.reason = ""
        self._failures = 0
        self._wait = SHORTEST

    def asked_to_wait(self, seconds: float, reason: str) -> None:
        """Open for as long as the destination asked for; the longest of several wishes counts."""
        until = self._clock() + seconds
        self._until = max(self._until, until) if self.state is State.OPEN else until
        self._turn(State.OPEN)
        self.reason = reason

    def failed(self, reason: str, *, at_once: bool = False, seconds: float = 0.0) -> None:
        """Count a failure; ``at_once`` opens without waiting for more (wrong credentials).

        ``seconds`` is how long the attempt took: of those that were under way together, failures
        may all come after successes, and are no row for that.
        """
        if self.state is State.OPEN:
            return
        self._recent.append(True)
        began = self._clock() - seconds
        is_in_row = self.state is not State.CLOSED or at_once or began > self._succeeded
        if not is_in_row and not self._mostly_fails():
            return
        self._failures += is_in_row
        self.reason = reason
        if self.state is State.PROBING:
            self._wait = min(LONGEST, self._wait * 2)
        elif not (at_once or self._failures >= FAILURES or self._mostly_fails()):
            return
        self._turn(State.OPEN)
        self._until = self._clock() + self._wait

    def _mostly_fails(self) -> bool:
        return len(self._recent) == RECENT and sum(self._recent) > RECENT // 2
