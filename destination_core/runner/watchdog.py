"""End the process when a plugin blocks it: nobody else can, and nothing else would go on.

A handler that never gives way stops every destination, the server and the drain. The process then
ends, its supervisor starts it anew, and what was in hand counts one more crash: after the third,
the event that did it is a dead letter, and the others are delivered.
"""

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import Final, Self

log: Final = logging.getLogger(__name__)

EXIT_CODE: Final = 70
"""EX_SOFTWARE of sysexits.h."""


class Watchdog:
    """An async context manager; ends the process when the loop stands still for ``seconds``.

    They may be changed while it watches.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._beat = time.monotonic()
        self._stop = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._loop_thread = 0

    async def __aenter__(self) -> Self:
        self._loop_thread = threading.get_ident()
        self._task = asyncio.create_task(self._beating())
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._task is not None:
            self._task.cancel()

    async def _beating(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(self.seconds / 10)

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._stop.wait(self.seconds / 10):
            now = time.monotonic()
            if now - last > self.seconds / 2:  # the whole process was paused, not the loop alone
                self._beat = now
            last = now
            if now - self._beat > self.seconds:
                frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001  the way there is
                where = "".join(traceback.format_stack(frame)[-6:]) if frame else ""
                log.critical("blocked for %g s; ending the process, in:\n%s", self.seconds, where)
                os._exit(EXIT_CODE)
