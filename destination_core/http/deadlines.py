"""Time-outs of many requests, kept by one timer.

A timer per request costs a tenth of a request (8 µs of 80, aiohttp 3.14 on loopback), so one
timer looks at all that are open, twenty times a second and only while there are any. A time-out
is therefore up to ``TICK`` late, never early.
"""

import asyncio
from types import TracebackType
from typing import Final

TICK: Final = 0.05
"""Seconds between two looks."""


class Deadlines:
    """The open time-outs of one event loop."""

    __slots__ = ("_open", "_timer")

    def __init__(self) -> None:
        self._open: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Deadline":
        """Return a context manager whose body has this long; then it raises ``TimeoutError``."""
        return Deadline(self, seconds)

    def add(self, deadline: "Deadline", loop: asyncio.AbstractEventLoop) -> None:
        """Watch a deadline."""
        self._open.add(deadline)
        if self._timer is None:
            self._timer = loop.call_later(TICK, self._look, loop)

    def remove(self, deadline: "Deadline") -> None:
        """Stop watching a deadline."""
        self._open.discard(deadline)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for passed in [one for one in self._open if one.at <= now]:
            self._open.discard(passed)
            passed.expire()
        self._timer = loop.call_later(TICK, self._look, loop) if self._open else None


class Deadline:
    """One time-out; see ``Deadlines.within``. What asyncio.timeout does, without its timer."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_seconds", "_task", "at")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._expired = False
        self.at = 0.0

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time-out needs a task to cancel; run it in one")
        self._task = task
        self._cancelling = task.cancelling()
        loop = task.get_loop()
        self.at = loop.time() + self._seconds
        self._deadlines.add(self, loop)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._deadlines.remove(self)
        # a cancellation that came from elsewhere stays one
        if (
            self._expired
            and self._task.uncancel() <= self._cancelling
            and kind is asyncio.CancelledError
        ):
            raise TimeoutError from None

    def expire(self) -> None:
        """Cancel the task: the time has passed."""
        self._expired = True
        self._task.cancel()
