"""The file of events that failed: each with where and why, so that `send` takes it again."""

from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Final, cast

import orjson

from destination_core.cli.reading import MARK, Line
from destination_core.errors import InvalidEvent
from destination_core.work import Delivery

EVERYWHERE: Final = {"destination": "", "subscription": "", "action": ""}
"""Where an event failed that is wrong in itself: it is for every destination again."""


class Failures:
    """Writes events that failed to a file, if there is one; ``left_out`` counts what is no JSON."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file
        self.left_out = 0

    def add(self, line: Line, delivery: Delivery) -> None:
        """Write an event that a destination did not get; raises ``OSError`` with the file."""
        error = delivery.error
        where = {
            "destination": delivery.connection,
            "subscription": delivery.subscription,
            "action": delivery.action,
        }
        why = {
            "status": str(delivery.status),
            "code": error.code if error else "",
            "reason": delivery.reason,
            "detail": (error.detail or "") if error else "",
        }
        self._write(cast("dict[str, Any]", line.event), where | why | _place(line))

    def add_lost(self, line: Line) -> None:
        """Write an event again that cannot go where it failed: as it was."""
        self._write(cast("dict[str, Any]", line.event), line.mark or {})

    def add_unreadable(self, line: Line, error: InvalidEvent) -> None:
        """Write a line that is an object and no event; what is no object has no place for why."""
        if error.event is None:
            self.left_out += self._file is not None
            return
        why = {"status": "unreadable", "code": error.code, "reason": error.reason, "detail": ""}
        self._write(error.event, EVERYWHERE | dict(line.mark or {}) | why | _place(line))

    def _write(self, event: Mapping[str, Any], mark: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        try:
            self._file.write(orjson.dumps({**event, MARK: mark}) + b"\n")
            self._file.flush()
        except OSError as error:
            broken, self._file = self._file, None
            with suppress(OSError):  # it says the same again of what it still holds
                broken.close()
            raise OSError(error.errno, error.strerror, broken.name) from error


def _place(line: Line) -> dict[str, Any]:
    return {"file": line.file, "line": line.number}
