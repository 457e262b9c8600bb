"""The time by which things are due: nobody who sets the machine's clock moves it."""

import sys
import time
from typing import Final

if sys.platform == "linux":
    _COUNTER: Final[int] = time.CLOCK_BOOTTIME  # goes on while the machine is suspended
else:
    _COUNTER: Final[int] = time.CLOCK_MONOTONIC


class SteadyClock:
    """Unix seconds, as the machine had them when this was made and counted on from there.

    When its clock is set, leases and waits last as long as they were meant to: nothing is due at
    once, and nothing a day late. Dates that it gives are off by as much until the next start.
    """

    def __init__(self) -> None:
        self._began = time.time() - time.clock_gettime(_COUNTER)

    def __call__(self) -> float:
        """Return the time now."""
        return self._began + time.clock_gettime(_COUNTER)
