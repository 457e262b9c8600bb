"""When attempts are made: what stands before each, how long it may take, when the next one is."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, TypeVar

from destination_core.errors import ConfigurationError, DeliveryError, RetryableError

T = TypeVar("T")


class Gate(Protocol):
    """What stands before every attempt, an async context manager that many enter at once.

    May raise ``Paused`` when it is entered; nothing is sent then.
    """

    async def __aenter__(self) -> object:
        """Wait for a turn."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Give the turn back."""
        ...

    def check(self, first: bool = True) -> None:
        """Raise ``Paused`` if a request, the ``first`` of its attempt or not, is not to be sent."""
        ...

    def learn(self, errors: Sequence[DeliveryError | None], seconds: float) -> None:
        """Hear what an attempt brought: one error, or None, per payload that was in it.

        ``seconds`` is how long its requests took, without any waiting for a turn.
        """
        ...


class Turns(asyncio.Semaphore):
    """The gate of an engine that is asked to send, and sends: it only counts."""

    __aenter__ = asyncio.Semaphore.acquire  # type: ignore[assignment]  # a coroutine less

    def check(self, first: bool = True) -> None:
        """Let every request go."""

    def learn(self, errors: Sequence[DeliveryError | None], seconds: float) -> None:
        """Learn nothing."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often the engine tries again by itself, and how long it waits in between.

    Full jitter: a random time up to ``base`` doubled per attempt, at most ``cap`` seconds; never
    less than the destination asked for with ``Retry-After``. It does not wait where more than
    ``longest`` seconds are asked for: that ends as retryable. Segment's Node client waits as long.
    """

    attempts: int = 1
    base: float = 1.0
    cap: float = 300.0
    longest: float = 300.0

    def __post_init__(self) -> None:
        """Refuse what would never try at all."""
        if self.attempts < 1:
            raise ConfigurationError(f"Retry: attempts must be at least 1, got {self.attempts!r}")

    def is_due(self, error: RetryableError, number: int) -> bool:
        """Tell whether to try again after attempt ``number`` (from 1), which ended with this."""
        return number < self.attempts and (error.retry_after or 0.0) <= self.longest

    def delay(self, number: int, asked: float | None) -> float:
        """Return the seconds to wait after attempt ``number`` (from 1)."""
        longest = min(self.cap, self.base * 2.0 ** min(number - 1, 30))
        return max(random.uniform(0, longest), asked or 0.0)  # noqa: S311  jitter is no secret


async def within(
    seconds: float, call: Awaitable[T], is_broken_off: Callable[[], bool] = lambda: False
) -> T:
    """Await a handler for so long; one that swallows its cancellation has not delivered.

    Whatever it made of that, returned or raised: its time was up, or ``is_broken_off`` tells that
    whoever waits for it waits no longer.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            answer = await call
    except Exception:
        if limit.expired():
            raise TimeoutError from None
        if is_broken_off():
            raise asyncio.CancelledError from None
        _forget(task, before)
        raise
    if limit.expired():
        raise TimeoutError
    if is_broken_off():
        raise asyncio.CancelledError
    _forget(task, before)
    return answer


def _forget(task: "asyncio.Task[Any] | None", before: int) -> None:
    """Take back cancellations that are over: Python 3.11's and 3.12's task groups leave them."""
    while task is not None and task.cancelling() > before:
        task.uncancel()
