"""Read events from files and deliver them: what `send` and `demo` have in common."""

import asyncio
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, NamedTuple, TypeVar, cast

import orjson

from destination_core.attempts import Retry
from destination_core.connection import Connection
from destination_core.engine import Engine
from destination_core.errors import InvalidEvent
from destination_core.event import parse_events
from destination_core.http import Transport
from destination_core.work import Delivery

T = TypeVar("T")

CHUNK: Final = 500
"""Events that are planned and batched together."""

AHEAD: Final = 4
"""Chunks in flight; more would only hold memory."""

TYPES: Final = ("track", "identify", "page", "screen", "group", "alias", "delete")
"""Types of Segment's events; subscriptions may ask for others, most that come are mistakes."""

MARK: Final = "_delivery"
"""The member under which a failed event carries where it failed; `send` takes it off again."""

PLACES: Final = 100
"""Places that are kept of each reason."""

REASONS: Final = 5_000
"""Different reasons, and warnings, that are kept: some name a value, each time another."""

OTHERS: Final = "one of too many different reasons to list"
"""What those beyond them are counted as."""

STDIN: Final = "(stdin)"

GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a file, or why there is none; ``route`` is where a failed event goes again."""

    file: str
    number: int
    event: dict[str, Any] | InvalidEvent
    route: tuple[str, str] | None = None


class Reason(NamedTuple):
    """Why events did not arrive, and at whom; nobody is named where no subscription had them."""

    status: str
    reason: str
    destination: str = ""
    subscription: str = ""


@dataclass(slots=True)
class Report:
    """What became of everything that was read."""

    events: int = 0
    unreadable: int = 0
    filtered: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    places: dict[Reason, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "events": self.events,
            "unreadable": self.unreadable,
            "filtered": self.filtered,
            "outcomes": dict(self.outcomes),
            "reasons": [
                {**why._asdict(), "count": count, "places": self.places[why]}
                for why, count in self.reasons.most_common()
            ],
            "warnings": dict(self.warnings.most_common(50)),
        }


def lines(name: str, stream: IO[bytes], *, first: int = 1) -> Iterator[Line]:
    """Read the events of a file from line ``first`` on; gzip is recognised by its first bytes.

    A damaged gzip stream or a failing disk ends the file with one line that says so.
    """
    number = 0
    try:
        for number, event in parse_events(_opened(stream)):
            if number < first:
                continue
            route = None
            if isinstance(event, dict) and isinstance(event.get(MARK), Mapping):
                mark = event.pop(MARK)
                route = (str(mark.get("destination", "")), str(mark.get("subscription", "")))
            yield Line(name, number, event, route)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield Line(name, number + 1, InvalidEvent(f"gzip stream is damaged: {error}"))
    except OSError as error:
        yield Line(name, number + 1, InvalidEvent(f"file cannot be read: {error.strerror}"))


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


def _deletes(line: Line) -> bool:
    return isinstance(line.event, dict) and line.event["type"] == "delete"


class Sender:
    """Deliver lines through engines, and write down what became of them.

    A line with a route goes to that subscription of that destination only. ``stop`` ends reading;
    what was read is delivered. ``unsettled`` are the first lines of what is in flight, in order.
    """

    def __init__(
        self,
        connections: Iterable[Connection[Any]],
        *,
        batch: bool = True,
        concurrency: int = 50,
        retry: Retry | None = None,
        transport: Transport | None = None,
        failures: IO[bytes] | None = None,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.report = Report()
        self.stopped = False
        self.last: Line | None = None
        self.unsettled: list[Line] = []
        self._connections = list(connections)
        self._batch = batch
        self._options = {"concurrency": concurrency, "retry": retry, "transport": transport}
        self._failures = failures
        self._advance = advance
        self._engines: dict[tuple[str, str] | None, Engine] = {}

    def stop(self) -> None:
        """Read no further; finish what was read."""
        self.stopped = True

    async def run(self, source: Iterable[Line]) -> Report:
        """Deliver everything that the source yields."""
        running: set[asyncio.Task[None]] = set()
        try:
            chunks = self._chunks(source)
            # In a thread: a slow pipe must not keep what is in flight from being answered.
            while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
                if _deletes(chunk[0]):  # it is about what came before, and not what comes after
                    await asyncio.gather(*running)
                    running = set()
                    await self._deliver(chunk)
                    continue
                running.add(asyncio.create_task(self._deliver(chunk)))
                if len(running) >= AHEAD:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            await asyncio.gather(*running)
        finally:
            for engine in self._engines.values():
                await engine.__aexit__(None, None, None)
        return self.report

    def _chunks(self, source: Iterable[Line]) -> Iterator[list[Line]]:
        chunk: list[Line] = []
        for line in source:
            if self.stopped:  # what came after is not read, or was cut short
                break
            if chunk and _deletes(line) != _deletes(chunk[0]):
                yield chunk
                chunk = []
            if not chunk:
                self.unsettled.append(line)
            chunk.append(line)
            self.last = line
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    async def _deliver(self, chunk: list[Line]) -> None:
        groups: dict[tuple[str, str] | None, list[Line]] = {}
        for line in chunk:
            if isinstance(line.event, InvalidEvent):
                self._unreadable(line, line.event)
            else:
                groups.setdefault(line.route, []).append(line)
        for route, group in groups.items():
            if route is not None and not self._known(*route):
                self._lost(group, *route)
                continue
            engine = await self._engine(route)
            for line, deliveries in zip(group, await self._send(engine, group), strict=True):
                self._settled(line, deliveries)
        self._advance(len(chunk))
        self.unsettled.remove(chunk[0])

    async def _send(self, engine: Engine, group: list[Line]) -> list[list[Delivery]]:
        events: list[Any] = [line.event for line in group]
        if _deletes(group[0]):
            return [await engine.delete(event) for event in events]
        if self._batch:
            return await engine.send_batch(events)
        return list(await asyncio.gather(*[engine.send(event) for event in events]))

    async def _engine(self, route: tuple[str, str] | None) -> Engine:
        if route not in self._engines:
            chosen = self._connections if route is None else self._routed(*route)
            engine = Engine(chosen, **self._options)  # type: ignore[arg-type]
            self._engines[route] = await engine.__aenter__()
        return self._engines[route]

    def _routed(self, destination: str, subscription: str) -> list[Connection[Any]]:
        """Return the connection narrowed to one subscription (all of them for a deletion)."""
        chosen = [one for one in self._connections if one.name == destination]
        return [one.narrowed(subscription) if subscription else one for one in chosen]

    def _known(self, destination: str, subscription: str) -> bool:
        return any(
            one.name == destination
            and (not subscription or any(it.name == subscription for it in one.subscriptions))
            for one in self._connections
        )

    def _lost(self, group: list[Line], destination: str, subscription: str) -> None:
        """Say that failed events cannot go again where they failed: that would drop them."""
        where = f"subscription {subscription!r} of {destination!r}"
        reason = f"it failed at {where}, which the configuration does not have; name it as it was"
        for line in group:
            self._unreadable(line, InvalidEvent(reason))

    def _unreadable(self, line: Line, error: InvalidEvent) -> None:
        self.report.events += 1
        self.report.unreadable += 1
        at_line = error.place in ("", f"line {line.number}")
        place = f"{line.file}:{line.number}" if at_line else f"{line.file}: {error.place}"
        self._reason(place, Reason("unreadable", error.reason))

    def _settled(self, line: Line, deliveries: list[Delivery]) -> None:
        self.report.events += 1
        self.report.filtered += not deliveries
        place = f"{line.file}:{line.number}"
        kind = line.event["type"] if isinstance(line.event, dict) else ""
        if not deliveries and kind not in TYPES:
            known = ", ".join(TYPES)
            self._reason(place, Reason("filtered", f"type {kind!r} is none of {known}"))
        for delivery in deliveries:
            status = str(delivery.status)
            self.report.outcomes[status] += 1
            for warning in delivery.warnings:
                self.report.warnings[_listed(warning, self.report.warnings, OTHERS)] += 1
            if not delivery.ok:
                where = (delivery.connection, delivery.subscription)
                self._reason(place, Reason(status, delivery.reason, *where))
                self._write(line, delivery)

    def _reason(self, place: str, why: Reason) -> None:
        why = _listed(why, self.report.reasons, Reason(why.status, OTHERS))
        self.report.reasons[why] += 1
        places = self.report.places.setdefault(why, [])
        if len(places) < PLACES:
            places.append(place)

    def _write(self, line: Line, delivery: Delivery) -> None:
        if self._failures is None:
            return
        error = delivery.error
        mark = {
            "destination": delivery.connection,
            "subscription": delivery.subscription,
            "action": delivery.action,
            "status": str(delivery.status),
            "code": error.code if error else "",
            "reason": delivery.reason,
            "detail": (error.detail or "") if error else "",
            "file": line.file,
            "line": line.number,
        }
        record = {**cast("dict[str, Any]", line.event), MARK: mark}
        try:
            self._failures.write(orjson.dumps(record) + b"\n")
            self._failures.flush()
        except OSError as error:
            broken, self._failures = self._failures, None
            with suppress(OSError):  # it says the same again of what it still holds
                broken.close()
            raise OSError(error.errno, error.strerror, broken.name) from error


def _listed(one: T, counted: Counter[T], otherwise: T) -> T:
    """Return what one is counted as: itself, while there are not too many."""
    return one if one in counted or len(counted) < REASONS else otherwise
