"""Standard input that can be ended from here: who waits for a pipe must still hear a Ctrl-C."""

import io
import os
import select
import sys
from types import TracebackType
from typing import IO, Self


class StandardInput:
    """Standard input as a stream of bytes that ``end`` brings to its end, even while it is read."""

    def __init__(self) -> None:
        self._told, self._tell = os.pipe()
        self.stream: IO[bytes]
        try:
            self.stream = io.BufferedReader(_Waiting(sys.stdin.fileno(), self._told))
        except OSError:  # replaced by something in memory, which keeps nobody waiting
            self.stream = sys.stdin.buffer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._tell)
        os.close(self._told)

    def end(self) -> None:
        """Let every read from now on, and the one that waits, find the end."""
        os.write(self._tell, b"\0")


class _Waiting(io.RawIOBase):
    """Read a descriptor, or find the end as soon as there is something to read from another."""

    def __init__(self, descriptor: int, told: int) -> None:
        self._descriptor = descriptor
        self._told = told

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io's own is a Buffer
        ready, _, _ = select.select([self._descriptor, self._told], [], [])
        if self._told in ready:
            return 0
        return os.readv(self._descriptor, [buffer])
