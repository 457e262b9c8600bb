"""Deliver events from files: what `send` and `demo` have in common."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import IO, Any, Final, cast

import orjson

from destination_core.attempts import Retry, Turns
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


class Sender:
    """Deliver lines through engines, and write down what became of them.

    A line goes to every destination that its ``integrations`` allow; one with a route to that
    subscription of that destination only. Each destination has an engine, so that its rate holds
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
        self._failures = failures
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
            elif line.route is not None and not self._known(*line.route):
                self._lost(line, *line.route)
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
        """Return where a line goes."""
        targets = [(name, "") for name in self._connections] if line.route is None else [line.route]
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

    def _known(self, destination: str, subscription: str) -> bool:
        one = self._connections.get(destination)
        return one is not None and (
            not subscription or any(it.name == subscription for it in one.subscriptions)
        )

    def _lost(self, line: Line, destination: str, subscription: str) -> None:
        """Say that a failed event cannot go again where it failed: that would drop it."""
        where = f"subscription {subscription!r} of {destination!r}"
        reason = f"it failed at {where}, which the configuration does not have; name it as it was"
        self._unreadable(line, InvalidEvent(reason))

    def _unreadable(self, line: Line, error: InvalidEvent) -> None:
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
                self._write(line, delivery)

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
