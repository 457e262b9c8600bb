"""Deliver events from files: what `send` and `demo` have in common."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import IO, Any, Final

from destination_core.attempts import Retry, Turns
from destination_core.cli.failures import Failures
from destination_core.cli.reading import MARK, TYPES, Line
from destination_core.cli.report import Reason, Report
from destination_core.connection import Connection
from destination_core.engine import Engine
from destination_core.errors import InvalidEvent
from destination_core.http import AiohttpTransport, Transport
from destination_core.mapping import copied
from destination_core.runner.intake import allowed
from destination_core.work import Delivery

CHUNK: Final = 500
"""Events that are planned and batched together."""

AHEAD: Final = 4
"""Chunks in flight; more would only hold memory."""

Target = tuple[str, str]
"""A destination, and the one of its subscriptions that is meant, "" for all."""

Part = tuple[Target, list[tuple[int, Any]]]
"""What goes to a target together: events, each with its place in the chunk."""


def _deletes(line: Line) -> bool:
    return isinstance(line.event, dict) and line.event["type"] == "delete"


def _target(mark: Mapping[str, Any]) -> Target | None:
    """Return where an event failed; None when it was wrong in itself, and so is for all."""
    destination = str(mark.get("destination", ""))
    return (destination, str(mark.get("subscription", ""))) if destination else None


class Sender:
    """Deliver lines through engines, and write down what became of them.

    A line goes to every destination that its ``integrations`` allow; one that failed before only
    to where it failed. Each destination has an engine, so that its rate holds
    whoever else gets an event; turns and connections they share. ``stop`` ends reading; what was
    read is delivered. ``unsettled`` are the first lines of what is in flight, in order.
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
        self._connections = {one.name: one for one in connections}
        self._batch = batch
        self._turns = Turns(concurrency)
        self._retry = retry
        self._transport = transport
        self.failures = Failures(failures)
        self._advance = advance
        self._engines: dict[Target, Engine] = {}
        self._stack = AsyncExitStack()

    def stop(self) -> None:
        """Read no further; finish what was read."""
        self.stopped = True

    async def run(self, source: Iterable[Line]) -> Report:
        """Deliver everything that the source yields."""
        running: set[asyncio.Task[None]] = set()
        async with self._stack:
            if self._transport is None:
                self._transport = await self._stack.enter_async_context(AiohttpTransport())
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
        wanted: dict[int, list[Target]] = {}
        for row, line in enumerate(chunk):
            if isinstance(line.event, InvalidEvent):
                self._unreadable(line, line.event)
            elif line.mark is not None and (lost := self._lost(line.mark)):
                self._count_unreadable(line, InvalidEvent(lost))
                self.failures.add_lost(line)
            else:
                wanted[row] = self._targets(line, line.event)
        parts = self._parts(chunk, wanted)
        sent = await asyncio.gather(*[self._send(*part) for part in parts])
        found: dict[int, list[Delivery]] = {row: [] for row in wanted}
        for (_, events), results in zip(parts, sent, strict=True):
            for (row, _), deliveries in zip(events, results, strict=True):
                # what is wrong with an event itself is said once, not by each engine
                found[row] += [one for one in deliveries if one.connection or not found[row]]
        for row, deliveries in found.items():
            self._settled(chunk[row], deliveries)
        self._advance(len(chunk))
        self.unsettled.remove(chunk[0])

    def _targets(self, line: Line, event: Mapping[str, Any]) -> list[Target]:
        """Return where a line goes: where it failed, which may be everywhere."""
        target = None if line.mark is None else _target(line.mark)
        targets = [target] if target else [(name, "") for name in self._connections]
        integrations = event.get("integrations")
        if not integrations:
            return targets
        return [one for one in targets if allowed(self._connections[one[0]], integrations)]

    def _parts(
        self, chunk: Sequence[Line], wanted: Mapping[int, Sequence[Target]]
    ) -> Sequence[Part]:
        """Return what goes out together, in the order of the events."""
        alone: list[Part] = []
        together: dict[Target, list[tuple[int, Any]]] = {}
        for row, targets in wanted.items():
            for number, target in enumerate(targets):
                event = chunk[row].event
                # no two destinations share what a handler could change
                one = (row, copied(event) if number else event)
                alone.append((target, [one]))
                together.setdefault(target, []).append(one)
        return list(together.items()) if self._batch or _deletes(chunk[0]) else alone

    async def _send(
        self, target: Target, events: Sequence[tuple[int, Any]]
    ) -> Sequence[list[Delivery]]:
        engine = await self._engine(target)
        bare = [event for _, event in events]
        if bare[0]["type"] == "delete":
            return [await engine.delete(event) for event in bare]
        if self._batch:
            return await engine.send_batch(bare)
        return [await engine.send(event) for event in bare]

    async def _engine(self, target: Target) -> Engine:
        if target not in self._engines:
            destination, subscription = target
            chosen = self._connections[destination]
            engine = Engine(
                [chosen.narrowed(subscription) if subscription else chosen],
                transport=self._transport,
                gate=self._turns,
                retry=self._retry,
            )
            self._engines[target] = engine
            await self._stack.enter_async_context(engine)
        return self._engines[target]

    def _lost(self, mark: Mapping[str, Any]) -> str:
        """Return why an event cannot go again where it failed, which would drop it; or ""."""
        target = _target(mark)
        if target is None:
            return (
                "" if "destination" in mark else f"its {MARK!r} names no destination, not even ''"
            )
        destination, subscription = target
        one = self._connections.get(destination)
        names = [it.name for it in one.subscriptions] if one else []
        if one is not None and (not subscription or subscription in names):
            return ""
        where = f"subscription {subscription!r} of {destination!r}"
        return f"it failed at {where}, which the configuration does not have; name it as it was"

    def _unreadable(self, line: Line, error: InvalidEvent) -> None:
        self._count_unreadable(line, error)
        self.failures.add_unreadable(line, error)

    def _count_unreadable(self, line: Line, error: InvalidEvent) -> None:
        self.report.events += 1
        self.report.unreadable += 1
        at_line = error.place in ("", f"line {line.number}")
        place = f"{line.file}:{line.number}" if at_line else f"{line.file}: {error.place}"
        self.report.blame(place, Reason("unreadable", error.reason))

    def _settled(self, line: Line, deliveries: list[Delivery]) -> None:
        self.report.events += 1
        self.report.filtered += not deliveries
        place = f"{line.file}:{line.number}"
        kind = line.event["type"] if isinstance(line.event, dict) else ""
        if not deliveries and kind not in TYPES:
            known = ", ".join(TYPES)
            self.report.blame(place, Reason("filtered", f"type {kind!r} is none of {known}"))
        for delivery in deliveries:
            status = str(delivery.status)
            self.report.outcomes[status] += 1
            self.report.warn(delivery.warnings)
            if not delivery.ok:
                where = (delivery.connection, delivery.subscription)
                self.report.blame(place, Reason(status, delivery.reason, *where))
                self.failures.add(line, delivery)
