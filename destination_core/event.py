"""Events as they come in: JSON of strangers, read strictly and without fear.

Whatever is wrong with an event ends as one ``InvalidEvent`` that says what and where; nothing
here raises anything else, however hostile the input. Numbers are those of JSON and JavaScript:
NaN and infinities are refused, and so is a number beyond a double; a whole number beyond 64 bits
becomes a double, as it does in JavaScript.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import orjson

from destination_core.errors import InvalidEvent

Event = dict[str, Any]

#: Segment accepts events of 32 kB and batches of 500 kB; no event can be longer than a batch.
MAX_BYTES: Final = 512_000
MAX_DEPTH: Final = 100
#: A JSON array is held in memory while it is read; NDJSON has no limit.
MAX_ARRAY_BYTES: Final = 256 * 1024 * 1024

_NEWLINE: Final = b"\n"
_BOM: Final = b"\xef\xbb\xbf"
_IDS: Final = ("userId", "anonymousId", "groupId", "previousId")
_OBJECTS: Final = ("properties", "traits", "context", "integrations")
_MAX_SHOWN: Final = 60


def parse_event(
    line: bytes | str, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> Event:
    """Read one event from JSON text.

    Raises ``InvalidEvent`` for text that is too long, malformed or nested too deeply, for what
    :func:`check_event` refuses, and for identifiers or property bags of a wrong type, which no
    Segment source sends. Of duplicate keys the last one counts.
    """
    try:
        data = line.encode() if isinstance(line, str) else line
    except UnicodeEncodeError:
        raise InvalidEvent(f"event holds {_HALF}") from None
    if len(data) > max_bytes:
        raise InvalidEvent(f"event is {len(data):,} bytes long, the limit is {max_bytes:,}")
    try:
        event = orjson.loads(data[3:] if data[:3] == _BOM else data)
    except orjson.JSONDecodeError as error:
        raise InvalidEvent(_diagnosis(data, error, max_depth)) from None
    # Only text with that many brackets can be nested too deeply; most has not.
    if data.count(b"{") + data.count(b"[") > max_depth and is_deeper(event, max_depth):
        raise InvalidEvent(_too_deep(max_depth))
    try:
        check_event(event)
        _check_members(event)
    except InvalidEvent as error:
        error.event = event if isinstance(event, dict) else None
        raise
    checked: Event = event
    return checked


def check_event(event: object) -> None:
    """Raise ``InvalidEvent`` unless this is an object with a ``type``, as every event has.

    Members of unusual types are let through: mappings and schemas convert them or report them.
    """
    if not isinstance(event, dict):
        raise InvalidEvent(f"event must be an object, got {_shown(event)}")
    kind = event.get("type")
    if not isinstance(kind, str) or not kind:
        if "type" not in event:
            raise InvalidEvent("event has no 'type'; add one such as 'track' or 'identify'")
        raise InvalidEvent(f"event 'type' must be a string such as 'track', got {_shown(kind)}")


def parse_events(
    stream: BinaryIO, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH
) -> Iterator[tuple[int, Event | InvalidEvent]]:
    """Read events from a stream of NDJSON, or of one JSON array, and number them from 1.

    The number is that of the line, or of the item when the first character is a bracket. Blank
    lines are skipped, a byte order mark at the beginning too. What cannot be read is yielded as
    an ``InvalidEvent`` that names line and reason, and reading goes on behind it.
    """
    first = True
    for number, line in _lines(stream, max_bytes):
        if isinstance(line, int):
            reason = f"event is {line:,} bytes long, the limit is {max_bytes:,}"
            yield number, InvalidEvent(reason, place=f"line {number}")
            first = False
            continue
        text = line.removeprefix(_BOM) if number == 1 else line
        if not text.strip():
            continue
        if first and text.lstrip()[:1] == b"[":
            yield from _items(text + stream.read(MAX_ARRAY_BYTES + 1), number, max_bytes, max_depth)
            return
        first = False
        yield number, _read(text, f"line {number}", max_bytes, max_depth)


def _lines(stream: BinaryIO, max_bytes: int) -> Iterator[tuple[int, bytes | int]]:
    """Yield the lines by number; of one that is too long only its length, in bytes."""
    number = 0
    while line := stream.readline(max_bytes + 2):
        number += 1
        whole = line.endswith(b"\n") or len(line) < max_bytes + 2
        if whole or (number == 1 and line.removeprefix(_BOM).lstrip()[:1] == b"["):
            yield number, line
            continue
        length = len(line)
        while rest := stream.readline(max_bytes):
            length += len(rest)
            if rest.endswith(b"\n"):
                length -= 1
                break
        yield number, length


def _read(text: bytes, where: str, max_bytes: int, max_depth: int) -> Event | InvalidEvent:
    try:
        return parse_event(text.strip(), max_bytes=max_bytes, max_depth=max_depth)
    except InvalidEvent as error:
        return InvalidEvent(str(error), place=where, event=error.event)


# What lies between two characters of structure; strings are swallowed whole.
_WITHIN_ARRAY = re.compile(rb'(?:[^"\[\]{},]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_WITHIN_ITEM = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)


def _items(
    data: bytes, line: int, max_bytes: int, max_depth: int
) -> Iterator[tuple[int, Event | InvalidEvent]]:
    """Yield the items of an array by number; ``line`` is where the array begins."""
    if len(data) > MAX_ARRAY_BYTES:
        reason = f"the array is longer than {MAX_ARRAY_BYTES:,} bytes; use one line per event"
        yield 1, InvalidEvent(reason, place=f"line {line}")
        return
    start = data.index(b"[") + 1
    number = 1
    while True:
        end, stop = _item_end(data, start)
        text = data[start:end]
        if text.strip():
            blank = len(text) - len(text.lstrip())
            where = f"item {number} (line {line + text.count(_NEWLINE, 0, blank)})"
            yield number, _read(text, where, max_bytes, max_depth)
        elif number > 1 or stop == b",":
            yield number, InvalidEvent("there is no event", place=f"item {number} (line {line})")
        line += text.count(_NEWLINE)
        if stop != b",":
            break
        start, number = end + 1, number + 1
    if stop != b"]":
        reason = "the array is not closed; events may be lost"
        yield number + 1, InvalidEvent(reason, place=f"line {line}")
    elif data[end + 1 :].strip():
        yield number + 1, InvalidEvent("there is more behind the array", place=f"line {line}")


def _item_end(data: bytes, start: int) -> tuple[int, bytes]:
    """Return where an item ends, and the character that ends it: comma, bracket or nothing."""
    position, depth = start, 0
    while True:
        within = _WITHIN_ITEM if depth else _WITHIN_ARRAY
        found = within.match(data, position)
        position = found.end() if found else position
        stop = data[position : position + 1]
        if stop in {b"", b'"'}:  # a quotation mark without its other half swallows the rest
            return len(data), b""
        if stop in {b"{", b"["}:
            depth += 1
        elif depth == 0:
            return position, stop if stop != b"}" else b""
        elif stop in {b"}", b"]"}:
            depth -= 1
        position += 1


_HALF: Final = "half of a surrogate pair, which is not text"


def _diagnosis(data: bytes, error: orjson.JSONDecodeError, max_depth: int) -> str:
    if "depth limit" in error.msg:
        return _too_deep(max_depth)
    if not error.doc:
        try:
            data.decode()
        except UnicodeDecodeError as broken:
            return (
                f"event is not UTF-8: byte {data[broken.start]:#04x} at column {broken.start + 1}"
            )
    came = error.doc[error.pos : error.pos + 20]
    column = f"at column {error.pos + 1}"
    if "surrogate" in error.msg:
        return f"event holds {_HALF}, {column}"
    if "infinity" in error.msg:
        return f"event holds a number too large for a double, {column}: {came!r}"
    for name in ("NaN", "Infinity"):
        if came.startswith(name):
            return f"event holds {name}, which is not JSON, {column}; use null"
    return f"event is not JSON: {error.msg} {column}" + (f", got {came!r}" if came else "")


def _too_deep(max_depth: int) -> str:
    return f"event is nested more than {max_depth} levels deep"


def is_deeper(value: Any, limit: int) -> bool:
    """Tell whether containers lie in one another deeper than the limit, without recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _check_members(event: Event) -> None:
    for key in _IDS:
        value = event.get(key)
        if isinstance(value, dict | list):
            raise InvalidEvent(f"event {key!r} must be a string, got {_shown(value)}")
    for key in _OBJECTS:
        value = event.get(key)
        if value is not None and not isinstance(value, dict):
            raise InvalidEvent(f"event {key!r} must be an object, got {_shown(value)}")


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."
