"""Events in, deliveries out: plan, batch and deliver for every connection."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

from destination_core.attempts import Gate, Retry, Turns
from destination_core.batching import cut
from destination_core.connection import Connection
from destination_core.context import Context
from destination_core.delivery import Deliverer, Watch
from destination_core.errors import DeliveryError, InvalidEvent
from destination_core.event import check_event
from destination_core.http import AiohttpTransport, Session, Transport
from destination_core.plan import steps
from destination_core.work import Batch, Deletion, Delivery, Entry, Event, Plan, Rejection, Task

T = TypeVar("T")

Board = list[list[Delivery | None]]
"""One list per event, one place per matching subscription: None until it is settled."""

Ended = Callable[[Sequence[int]], Awaitable[None]]
"""Is awaited when a batch has ended, with the rows of its events."""

CONCURRENCY: Final = 50
"""Attempts in flight at once, over all connections: what aiohttp does best on one core."""


class Engine:
    """Deliver events to connections.

    An asynchronous context manager: it opens one HTTP session for all connections (or uses the
    ``transport`` it is given) and closes it at the end. ``concurrency`` bounds the attempts in
    flight (``gate`` takes its place where given); ``retry`` says how
    often to try again before a delivery is settled as retryable; ``deadline`` is how many seconds
    a handler may take for one attempt, by default as long as it likes; ``watch`` is told of every
    attempt; ``clock`` gives Unix seconds to actions that need the time.
    """

    def __init__(
        self,
        connections: Iterable[Connection[Any]],
        *,
        transport: Transport | None = None,
        concurrency: int = CONCURRENCY,
        gate: Gate | None = None,
        retry: Retry | None = None,
        deadline: float | None = None,
        watch: Watch | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.connections = tuple(connections)
        self._given = transport
        self._owned: AiohttpTransport | None = None
        self._gate = gate or Turns(concurrency)
        self._deadline = deadline
        self._watch = watch
        self._retry = retry or Retry()
        self._clock = clock
        self._deliverers: tuple[Deliverer[Any], ...] | None = None

    async def __aenter__(self) -> Self:
        transport = self._given
        if transport is None:
            transport = self._owned = await AiohttpTransport().__aenter__()
        self._deliverers = tuple(
            Deliverer(
                one,
                Session(transport, one.options, one.secrets),
                self._gate,
                self._retry,
                self._clock,
                deadline=self._deadline,
                watch=self._watch,
            )
            for one in self.connections
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        deliverers, self._deliverers = self._deliverers or (), None
        for one in deliverers:
            await one.close()
        if self._owned is not None:
            await self._owned.__aexit__(kind, error, traceback)
            self._owned = None

    def hold(self) -> None:
        """Let no attempt wait for a connection's rate any longer that has sent nothing yet.

        For whoever closes the ``gate``, which then lets none of them send anything.
        """
        for one in self._deliverers or ():
            one.hold()

    def break_off(self) -> None:
        """Say that attempts are about to be cancelled: one that swallows that has not delivered.

        For whoever gave the engine a ``deadline``, and cancels what still runs at the end.
        """
        for one in self._deliverers or ():
            one.break_off()

    async def send(self, event: Event) -> list[Delivery]:
        """Deliver one event; return what became of it, one delivery per matching subscription.

        An empty list means that no subscription matched. Nothing that an event, a mapping, a
        plugin or a destination does is raised: it is in ``Delivery.error``.
        """
        deliverers = self._open()
        try:
            check_event(event)
        except InvalidEvent as error:
            return [_unreadable(event, error)]
        apart = len(deliverers) > 1
        steps = [(one, step) for one in deliverers for step in _steps(one, event, apart=apart)]
        if len(steps) == 1:  # the usual case needs no task of asyncio's
            return [await _settle(*steps[0])]
        return list(await asyncio.gather(*[_settle(one, step) for one, step in steps]))

    async def send_batch(
        self,
        events: Sequence[Event],
        *,
        only: Sequence[Collection[str] | None] = (),
        board: Board | None = None,
        ended: Ended | None = None,
    ) -> list[list[Delivery]]:
        """Deliver many events, in batches where actions can; return one list per event, in place.

        Each event settles by itself, as in ``send``; its list has one delivery per matching
        subscription, in the order of connections and subscriptions. ``only`` names, per event, the
        subscriptions that are wanted, None for all. Whoever may break it off gives a ``board``, one
        empty list per event, and finds in it what had ended by then; whoever cannot wait for the
        others is told by ``ended`` of each batch.
        """
        deliverers = self._open()
        board = [[] for _ in events] if board is None else board
        batches = _batches(deliverers, events, board, only)
        if len(batches) == 1:  # as in `send`
            await _settle_batch(*batches[0], board, ended)
        else:
            await asyncio.gather(*[_settle_batch(one, made, board, ended) for one, made in batches])
        return cast("list[list[Delivery]]", board)  # every place has been filled by now

    async def delete(self, event: Event) -> list[Delivery]:
        """Ask every destination to forget the user of a ``delete`` event.

        One delivery per connection whose plugin has ``on_delete``. An event without ``userId``
        and ``anonymousId`` is rejected: whom it means cannot be guessed.
        """
        deliverers = self._open()
        user_id, anonymous_id = (_text(event.get(key)) for key in ("userId", "anonymousId"))
        if user_id is None and anonymous_id is None:
            error = InvalidEvent("delete event has neither userId nor anonymousId")
            return [_unreadable(event, error)]
        deletion = Deletion(user_id, anonymous_id, event)
        settled = await asyncio.gather(*[one.delete(deletion) for one in deliverers])
        return [
            _observed(one, delivery)
            for one, delivery in zip(deliverers, settled, strict=True)
            if delivery is not None
        ]

    async def test_authentication(self) -> dict[str, DeliveryError | None]:
        """Ask every destination about its credentials; the answers are by connection name.

        None means that they are good, or that the plugin has no way to ask.
        """
        answers: dict[str, DeliveryError | None] = {}
        for one in self._open():
            try:
                await one.test_authentication()
            except DeliveryError as error:
                answers[one.connection.name] = error
            else:
                answers[one.connection.name] = None
        return answers

    async def ask(self, connection: str, call: Callable[[Context[Any]], Awaitable[T]]) -> T:
        """Call the plugin of a connection for something that is no delivery.

        The context is that of an attempt: its client is ready, its access token good. Raises what
        the call raises; ``KeyError`` when there is no such connection.
        """
        found = {one.connection.name: one for one in self._open()}
        return await found[connection].consult("a call", call)

    def _open(self) -> tuple[Deliverer[Any], ...]:
        if self._deliverers is None:
            raise RuntimeError("engine is not open; use `async with Engine(...) as engine`")
        return self._deliverers


def _steps(deliverer: Deliverer[Any], event: Event, *, apart: bool) -> Sequence[Task | Rejection]:
    connection = deliverer.connection
    found = steps(event, connection, apart=apart)
    if connection.relay.watches_plans:
        connection.relay.event_planned(event, Plan(connection.name, found))
    return found


def _batches(
    deliverers: Sequence[Deliverer[Any]],
    events: Sequence[Event],
    board: Board,
    only: Sequence[Collection[str] | None],
) -> list[tuple[Deliverer[Any], Batch]]:
    """Plan events and cut them into batches; settle at once what never goes out.

    What is made on the way is gone before anything is waited for: the garbage collector looks again
    and again at whatever lives while requests are in flight.
    """
    readable: list[tuple[int, Event]] = []
    for row, event in enumerate(events):
        try:
            check_event(event)
        except InvalidEvent as error:
            board[row].append(_unreadable(event, error))
        else:
            readable.append((row, event))
    batches: list[tuple[Deliverer[Any], Batch]] = []
    for one in deliverers:
        entries = _enter(one, readable, board, only, apart=len(deliverers) > 1)
        cutting = cut(entries, one.connection.relay, one.context())
        for entry, refusal in cutting.rejected:
            delivery = one.rejection(entry.task, refusal)
            board[entry.row][entry.column] = _observed(one, delivery)
        batches += [(one, batch) for batch in cutting.batches]
    return batches


def _enter(
    deliverer: Deliverer[Any],
    readable: Sequence[tuple[int, Event]],
    board: Board,
    only: Sequence[Collection[str] | None],
    *,
    apart: bool,
) -> list[Entry]:
    """Plan events for one connection: settle the rejections, return the rest as entries."""
    entries: list[Entry] = []
    for row, event in readable:
        places = board[row]
        wanted = only[row] if only else None
        for step in _steps(deliverer, event, apart=apart):
            if wanted is not None and step.subscription not in wanted:
                continue
            if isinstance(step, Task):
                entries.append(Entry(step, row, len(places)))
                places.append(None)
            else:
                places.append(_observed(deliverer, _rejected(deliverer, step)))
    return entries


async def _settle(deliverer: Deliverer[Any], step: Task | Rejection) -> Delivery:
    if isinstance(step, Task):
        return _observed(deliverer, await deliverer.single(step))
    return _observed(deliverer, _rejected(deliverer, step))


async def _settle_batch(
    deliverer: Deliverer[Any], batch: Batch, board: Board, ended: Ended | None
) -> None:
    if batch.batching is None:
        entry = batch.entries[0]
        board[entry.row][entry.column] = await _settle(deliverer, entry.task)
    else:
        observed = deliverer.connection.relay.watches_deliveries
        await deliverer.batch(batch.entries)
        for entry in batch.entries:
            board[entry.row][entry.column] = entry.delivery
            if observed:
                _observed(deliverer, entry.delivery)
    if ended is not None:
        await ended([entry.row for entry in batch.entries])


def _observed(deliverer: Deliverer[Any], delivery: Delivery) -> Delivery:
    relay = deliverer.connection.relay
    if relay.watches_deliveries:
        relay.delivery_settled(delivery)
    return delivery


def _rejected(deliverer: Deliverer[Any], rejection: Rejection) -> Delivery:
    return Delivery(
        rejection.event,
        deliverer.connection.name,
        rejection.subscription,
        rejection.action.slug,
        error=rejection.error,
        secrets=deliverer.secrets,
    )


def _unreadable(event: Event, error: InvalidEvent) -> Delivery:
    return Delivery(event, "", "", "", error=error)


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None
