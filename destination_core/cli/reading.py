"""Read events from files: what `send`, `run`, `replay` and `demo` have in common."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from destination_core.errors import InvalidEvent
from destination_core.event import parse_events

TYPES: Final = ("track", "identify", "page", "screen", "group", "alias", "delete")
"""Types of Segment's events; subscriptions may ask for others, most that come are mistakes."""

MARK: Final = "_delivery"
"""The member under which a failed event carries where it failed; `send` takes it off again."""

STDIN: Final = "(stdin)"

GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a file, or why there is none; ``mark`` tells where a failed event failed."""

    file: str
    number: int
    event: dict[str, Any] | InvalidEvent
    mark: Mapping[str, Any] | None = None


def lines(name: str, stream: IO[bytes], *, first: int = 1) -> Iterator[Line]:
    """Read the events of a file from line ``first`` on; gzip is recognised by its first bytes.

    A damaged gzip stream or a failing disk ends the file with one line that says so.
    """
    number = 0
    try:
        for number, event in parse_events(_opened(stream)):
            if number >= first:
                yield Line(name, number, event, _mark(event))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield Line(name, number + 1, InvalidEvent(f"gzip stream is damaged: {error}"))
    except OSError as error:
        yield Line(name, number + 1, InvalidEvent(f"file cannot be read: {error.strerror}"))


def _mark(event: dict[str, Any] | InvalidEvent) -> Mapping[str, Any] | None:
    """Take off an event where it failed before."""
    found = event.event if isinstance(event, InvalidEvent) else event
    if found is None or not isinstance(found.get(MARK), Mapping):
        return None
    mark: Mapping[str, Any] = found.pop(MARK)
    return mark


def _opened(stream: IO[bytes]) -> BinaryIO:
    head = stream.peek(2)[:2] if hasattr(stream, "peek") else b""
    opened = gzip.GzipFile(fileobj=stream) if head == GZIP_MAGIC else stream
    return cast("BinaryIO", opened)


def files(names: Iterable[str], stdin: IO[bytes], *, first: int = 1) -> Iterator[Line]:
    """Read the events of many files, of the first one from line ``first`` on; ``-`` is ``stdin``.

    A file that cannot be opened has one line that says so.
    """
    for name in names:
        if name == "-":
            yield from lines(STDIN, stdin, first=first)
        else:
            try:
                stream = Path(name).open("rb")  # noqa: SIM115  closed below, its reader has errors of its own
            except OSError as error:
                yield Line(name, 1, InvalidEvent(f"file cannot be read: {error.strerror}"))
                continue
            with stream:
                yield from lines(name, stream, first=first)
        first = 1
