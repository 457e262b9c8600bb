"""Read a file that grows, as `tail -F` does."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from destination_core.cli.reading import Line
from destination_core.errors import InvalidEvent
from destination_core.event import MAX_BYTES, parse_event

POLL_SECONDS: Final = 0.25
READ_BYTES: Final = 1_048_576


async def follow(path: Path) -> AsyncIterator[list[Line]]:
    """Yield the events of a file as they are written, in lists; it never ends by itself.

    A file that is replaced (rotated) is read to its end, and then its successor from the
    beginning; one that is cut is read from the beginning again. A line counts once its end is
    there.
    """
    while True:
        stream = _opened(path)
        if stream is None:
            await asyncio.sleep(POLL_SECONDS)
            continue
        with stream:
            reader = _Reader(path.name, stream)
            while True:
                lines = reader.read()
                if lines:
                    yield lines
                elif _is_replaced(path, stream):
                    break
                else:
                    await asyncio.sleep(POLL_SECONDS)


class _Reader:
    """Cuts what was read into lines; the last, unfinished one waits for its end."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self._name, self._stream = name, stream
        self._rest = b""
        self._number = 0

    def read(self) -> list[Line]:
        data = self._stream.read(READ_BYTES)
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = []
        for text in whole:
            self._number += 1
            if text.strip():
                lines.append(Line(self._name, self._number, self._event(text.strip())))
        if len(self._rest) > MAX_BYTES:
            self._number += 1
            reason = f"line {self._number}: event is over {MAX_BYTES:,} bytes long"
            lines.append(Line(self._name, self._number, InvalidEvent(reason)))
            self._rest = b""
        return lines

    def _event(self, text: bytes) -> dict[str, object] | InvalidEvent:
        try:
            return parse_event(text)
        except InvalidEvent as error:
            return InvalidEvent(str(error), place=f"line {self._number}")


def _opened(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _is_replaced(path: Path, stream: BinaryIO) -> bool:
    """Tell whether the name stands for another file now, or for less than was read of it."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False  # its successor is about to come
    mine = os.fstat(stream.fileno())
    return (now.st_ino, now.st_dev) != (mine.st_ino, mine.st_dev) or now.st_size < stream.tell()
