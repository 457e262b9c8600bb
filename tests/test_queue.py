"""The contract of a queue, over the implementation that comes with the package."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from destination_core.queue import Queue, SqliteQueue
from destination_core.testing import QueueSuite


class TestSqliteQueue(QueueSuite):
    """One file; two that are open at once are as two processes."""

    def open(
        self, folder: Path, clock: Callable[[], float], **options: Any
    ) -> AbstractAsyncContextManager[Queue]:
        return SqliteQueue(folder / "queue.db", clock=clock, min_free_bytes=0, **options)
