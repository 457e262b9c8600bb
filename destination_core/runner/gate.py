"""What stands before every attempt at one destination: concurrency and breaker, which learn."""

import logging
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from destination_core.connection import LONGEST_WAIT
from destination_core.errors import DeliveryError, Paused, RetryableError, SetupError
from destination_core.runner.breaker import Breaker, State
from destination_core.runner.concurrency import Adaptive

log: Final = logging.getLogger(__name__)

TOO_MUCH: Final = frozenset({"REQUEST_TIMEOUT", "TOO_MANY_REQUESTS"})
"""Codes that say that a destination is asked too often."""


class Gate:
    """An async context manager around each attempt; raises ``Paused`` while the breaker is open.

    It does, too, when the events may be another runner's by now (``is_ours`` tells), and once it is
    closed: what has been sent in part is sent to its end, nothing else begins.
    """

    def __init__(
        self,
        name: str,
        breaker: Breaker,
        concurrency: Adaptive,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> None:
        self._name = name
        self._breaker = breaker
        self._concurrency = concurrency
        self._is_ours = is_ours
        self._is_closed = False
        self._said_paused = False

    def close(self) -> None:
        """Let nothing begin any more; who waits for a turn waits no longer."""
        self._is_closed = True
        self._concurrency.turn_away(self._closed)

    async def __aenter__(self) -> None:
        if self._is_closed:
            raise self._closed()
        await self._concurrency.__aenter__()
        try:
            self._require_ours()
            wait = self._breaker.admit()
            if wait > 0:
                raise self._paused(wait)
        except Paused:
            await self._concurrency.__aexit__(None, None, None)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._concurrency.__aexit__(kind, error, traceback)

    def check(self, first: bool = True) -> None:
        """Raise ``Paused`` if breaker or claim let nothing more go since the attempt began.

        Or if the gate has been closed since, and nothing of the attempt has been sent.
        """
        self._require_ours()
        if first and self._is_closed:
            raise self._closed()
        if self._breaker.state is State.OPEN:
            raise self._paused(self._breaker.wait())

    def _closed(self) -> Paused:
        return Paused(f"{self._name}: deliveries stop, this one had not begun", retry_after=0.0)

    def _require_ours(self) -> None:
        if not self._is_ours():
            told = f"{self._name}: the claim has ended, for this process was stopped"
            raise Paused(told, retry_after=0.0)

    def _paused(self, seconds: float) -> Paused:
        why = self._breaker.reason or "a probe is under way"
        return Paused(f"{self._name} is left alone for now: {why}", retry_after=seconds)

    def learn(self, errors: Sequence[DeliveryError | None], seconds: float) -> None:
        """Adapt to what an attempt brought, and how long it took; see ``attempts.Gate``."""
        errors = [one for one in errors if not isinstance(one, Paused)]
        if not errors:
            return
        if any(error is not None and error.code in TOO_MUCH for error in errors):
            self._concurrency.was_too_much()
        waits = [one for one in errors if isinstance(one, RetryableError) and one.retry_after]
        if waits:
            longest = max(waits, key=_asked)
            self._breaker.asked_to_wait(min(_asked(longest), LONGEST_WAIT), str(longest))
            return
        refusing = [one for one in errors if isinstance(one, RetryableError | SetupError)]
        if len(refusing) < len(errors):
            self._breaker.succeeded()
            self._concurrency.went_well(seconds)
            if self._said_paused and self._breaker.state is State.CLOSED:
                self._said_paused = False
                log.warning("%s: answers again, its events go on", self._name)
            return
        before = self._breaker.state
        setup = isinstance(refusing[0], SetupError)
        self._breaker.failed(str(refusing[0]), at_once=setup, seconds=seconds)
        if self._breaker.state is not State.OPEN:
            return
        if before is State.CLOSED:
            self._said_paused = True
            log.error("%s: paused, its events are kept: %s", self._name, refusing[0])
        elif before is State.PROBING and setup:  # nobody but the operator can mend it
            wait = self._breaker.wait()
            log.error(
                "%s: still paused, its events are kept, asked again in %.0f s: %s",
                self._name, wait, refusing[0],
            )  # fmt: skip


def _asked(error: RetryableError) -> float:
    return error.retry_after or 0.0
