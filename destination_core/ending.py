"""End the process when it does not end by itself."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

log: Final = logging.getLogger(__name__)

TOLD_SECONDS: Final = 5.0
"""How long the end may take from when a signal asks for it a second time."""


class Ending:
    """A context manager around all that has to end, which ``begin`` gives some seconds for that.

    A plugin may swallow its cancellation, or keep a thread busy: nothing of Python's brings such a
    process to its end, so it ends with ``code``, whatever is under way. ``last`` is called before.
    """

    def __init__(self, code: int, last: Callable[[], object]) -> None:
        self._code = code
        self._last = last
        self._signals = 0
        self._timers: list[threading.Timer] = []
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over = True
        for timer in self._timers:
            timer.cancel()

    def begin(self, seconds: float) -> None:
        """End the process in so many seconds, unless the block has ended by then."""
        if not self._is_over:
            timer = threading.Timer(seconds, self._end)
            timer.daemon = True
            self._timers.append(timer)
            timer.start()

    def hear(self, *_: object) -> None:
        """Count a signal, as a handler of Python's own: it is called while a plugin blocks, too."""
        self._signals += 1
        if self._signals == 2:  # noqa: PLR2004  as its constant says
            self.begin(TOLD_SECONDS)

    def _end(self) -> None:
        with suppress(Exception):
            self._last()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(self._code)
