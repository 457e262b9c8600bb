"""Tell whoever asks, while it happens, what becomes of events: NDJSON over a socket."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from destination_core.queue import Dead, Filtered, Retry, Settlement
from destination_core.work import Delivery

log: Final = logging.getLogger(__name__)

BEHIND: Final = 1_048_576
"""Bytes that a reader may be behind; beyond them outcomes are left out, and counted."""


class Tail:
    """A socket that only the owner of the file may open; an async context manager.

    One object per delivery: ``at`` (Unix seconds), ``destination``, ``subscription``, ``action``,
    ``status``, ``code``, ``reason``, ``warnings`` (what was changed on the way), ``type``,
    ``event``, ``messageId``, ``userId``, ``anonymousId``, ``attempts``, ``seconds`` since receipt,
    and ``next``: "retry" with ``retryAt``, "dead", or "" when that was the end. What is queued for
    nobody is no delivery. Without readers it costs nothing. Before all others comes one with
    ``destinations``: what ``states`` returns, which are paused and why.
    """

    def __init__(
        self,
        path: Path,
        *,
        states: Callable[[], Mapping[str, Any]] = dict,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._states = states
        self._clock = clock
        self._readers: dict[asyncio.StreamWriter, int] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        _sweep(self._path)
        opened = socket.socket(socket.AF_UNIX)
        try:
            os.fchmod(opened.fileno(), 0o600)  # of the file that bind makes
            opened.bind(str(self._path))
        except OSError as error:  # the path is too long for a socket; macOS has no such modes
            opened.close()
            log.warning("no `destinations tail`: %s: %s", self._path, error)
            return self
        self._server = await asyncio.start_unix_server(self._serve, sock=opened)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is None:
            return
        self._server.close()
        for reader in list(self._readers):
            reader.close()
        self._server = None
        self._path.unlink(missing_ok=True)

    async def _serve(self, asked: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        answer.write(orjson.dumps({"at": self._clock(), "destinations": self._states()}) + b"\n")
        self._readers[answer] = 0
        try:
            await asked.read()  # until the reader goes away
        except OSError:
            log.debug("a reader of outcomes broke off")
        finally:
            self._readers.pop(answer, None)
            answer.close()

    def watch(
        self,
        name: str,
        settlements: Sequence[Settlement],
        results: Sequence[Sequence[Delivery]],
    ) -> None:
        """Pass on what was settled; a watcher of the runner."""
        if not self._readers:
            return
        now = self._clock()
        told = [
            orjson.dumps(record)
            for one, deliveries in zip(settlements, results, strict=True)
            for record in _records(name, one, deliveries, now)
        ]
        if not told:
            return
        for writer, missed in self._readers.items():
            if writer.transport.get_write_buffer_size() > BEHIND:
                self._readers[writer] = missed + len(told)
                continue
            if missed:
                writer.write(orjson.dumps({"at": now, "missed": missed}) + b"\n")
                self._readers[writer] = 0
            writer.write(b"\n".join(told) + b"\n")


def _sweep(path: Path) -> None:
    """Remove the sockets of processes that were killed."""
    for other in path.parent.glob(f"{path.name.rpartition('-')[0]}-*"):
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(other))
            except ConnectionRefusedError:
                other.unlink(missing_ok=True)
            except OSError:
                continue


def _records(
    name: str, settled: Settlement, deliveries: Sequence[Delivery], now: float
) -> list[dict[str, Any]]:
    job = settled.job
    shared: dict[str, Any] = {
        "at": now,
        "destination": name,
        "attempts": job.attempts + 1,
        "seconds": round(max(0.0, now - job.received), 6),
        "next": "",
    }
    if isinstance(settled, Retry):
        shared.update(next="retry", retryAt=settled.due)
    if isinstance(settled, Dead):
        shared["next"] = "dead"
    if not deliveries:
        if isinstance(settled, Retry):
            return []  # a deletion that waits for what came before it: nothing became of it yet
        told = {"status": "filtered"} if isinstance(settled, Filtered) else {"status": "poison"}
        if isinstance(settled, Dead):
            told |= {"code": settled.code, "reason": settled.reason}
        return [shared | told | _event(orjson.loads(job.body))]
    return [
        shared
        | {
            "subscription": one.subscription,
            "action": one.action,
            "status": str(one.status),
            "code": one.error.code if one.error is not None else "",
            "reason": one.reason,
            "warnings": one.warnings,
        }
        | _event(one.event)
        for one in deliveries
    ]


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an event is recognised by."""
    told = {name: event.get(name) for name in ("type", "messageId", "userId", "anonymousId")}
    return told | {"event": event.get("event") or event.get("name")}
