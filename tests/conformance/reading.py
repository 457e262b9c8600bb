"""Read vector files; a damaged line is a failure of its own, and no reason to stop."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.conformance.verdict import Vector, Verdict

KINDS: Final = ("fql", "mapping", "validation", "customerio", "request")
"""What vectors can be about; each has a module with a ``run``."""

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_JSON_TYPES: Final = {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}


def read(path: Path) -> Iterator[Vector | Verdict]:
    """Yield each vector of a file, gzipped or not, or the failure of a line that holds none.

    Lines end with LF only. A file that cannot be read to its end gives what was read of it, then a
    failure. Raises ``OSError`` when the file cannot be opened.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        number = 0
        try:
            for number, line in enumerate(lines, 1):
                text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
                if text.strip():
                    yield _vector(text, f"{path.name} line {number}")
        except (OSError, EOFError, zlib.error) as error:
            reason = f"the file cannot be read further: {error}"
            yield _failure(f"{path.name} line {number + 1}", reason, None)


def vectors(path: Path) -> Iterator[Vector]:
    """Yield the vectors of a file in which nothing may be damaged; raises ``ValueError``."""
    for one in read(path):
        if isinstance(one, Verdict):
            raise ValueError(f"{one.vector}: {one.reason}")  # noqa: TRY004  it is no wrong type
        yield one


def _vector(line: bytes, place: str) -> Vector | Verdict:
    """Return the vector of a line; one without an id is called by its place."""
    try:
        text = line.decode()
        found: Any = json.loads(text)
    except UnicodeDecodeError as error:
        wrong = line[error.start : error.end]
        return _failure(place, f"byte {error.start + 1} is not UTF-8: {wrong!r}", line)
    except (ValueError, RecursionError) as error:
        return _failure(place, f"is no JSON: {error}", line)
    reason = _fault(found)
    if reason:
        return _failure(place, reason, line)
    return {**found, "id": str(found.get("id", place)), "feature": str(found.get("feature", ""))}


def _fault(found: Any) -> str:
    if not isinstance(found, dict):
        return f"must be an object, got {_JSON_TYPES.get(type(found), 'a number')}"
    if found.get("kind") not in KINDS:
        return f"kind must be one of {', '.join(KINDS)}, got {found.get('kind')!r}"
    if not isinstance(found.get("input"), dict):
        return f"input must be an object, got {found.get('input')!r}"
    if "error" not in found and "expect" not in found:
        return "has neither expect nor error"
    return ""


def _failure(place: str, reason: str, line: bytes | None) -> Verdict:
    got = None if line is None else line.decode("utf-8", "backslashreplace")
    return Verdict(place, "", "failed", wanted="a vector", got=got, reason=reason)
