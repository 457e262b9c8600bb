"""Decide which destinations an accepted event is for, and put it into the queue."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import orjson

from destination_core.connection import Connection
from destination_core.fql import TriggerIndex
from destination_core.numbers import is_number, text_of
from destination_core.queue import Accepted, Intake, Queue
from destination_core.work import Event


class Intakes:
    """The way into the queue; ``wake`` is called with the destinations that got something.

    ``ordered`` are the destinations that get the events of one user one after the other.
    """

    def __init__(
        self,
        connections: Sequence[Connection[Any]],
        queue: Queue,
        wake: Callable[[set[str]], None],
        *,
        ordered: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.direct(connections, ordered)
        self._queue = queue
        self._wake = wake
        self._clock = clock

    def direct(self, connections: Sequence[Connection[Any]], ordered: Collection[str]) -> None:
        """Send events to these connections from now on."""
        self._connections = connections
        self._ordered = frozenset(ordered)
        # one index for all: what an event costs does not grow with the number of destinations
        pairs = [(one, which.trigger) for one in connections for which in one.subscriptions]
        self._owners = [one for one, _ in pairs]
        self._index = TriggerIndex([trigger for _, trigger in pairs])

    async def put(
        self,
        source: str,
        events: Sequence[Event],
        trace: str = "",
        bodies: Sequence[bytes] | None = None,
    ) -> Accepted:
        """Keep events; when this returns they are safe. Raises ``QueueFull``.

        An event goes to every destination with a subscription that selects it, unless its
        ``integrations`` say otherwise. ``trace`` is the trace context that they came with,
        ``bodies`` are the events as JSON, from whoever has written them already.
        """
        now = self._clock()
        ordered = self._ordered
        intakes = []
        woken: set[str] = set()
        if bodies is None:
            bodies = [orjson.dumps(event) for event in events]
        for event, body in zip(events, bodies, strict=True):
            names = self.destinations(event)
            woken.update(names)
            message_id = event.get("messageId")
            known = message_id if isinstance(message_id, str) else ""
            line = user(event) if ordered else ""
            intakes.append(Intake(source, known, body, names, now, line, ordered, None, trace))
        del events  # parsed, they take many times their bytes: not while the disk is waited for
        accepted = await self._queue.put(intakes)
        self._wake(woken)
        return accepted

    def destinations(self, event: Event) -> list[str]:
        """Return the names of the connections that want an event."""
        wanted: Iterable[Connection[Any]] = self._connections
        if event.get("type") != "delete":
            owners = self._owners
            wanted = {id(owners[n]): owners[n] for n in self._index.matching(event)}.values()
        integrations = event.get("integrations")
        if integrations:
            wanted = [one for one in wanted if allowed(one, integrations)]
        return [one.name for one in wanted]


def user(event: Event) -> str:
    """Return whose event it is: ``userId``, else ``anonymousId``, else nobody's.

    A number is an id, too, and the same one as its text (42, 42.0, "42"): destinations get that.
    """
    for name in ("userId", "anonymousId"):
        found: Any = event.get(name)
        if is_number(found):
            return f"{name}:{text_of(found)}"
        if isinstance(found, str) and found:
            return f"{name}:{found}"
    return ""


def allowed(connection: Connection[Any], integrations: Any) -> bool:
    """Tell whether an event with these ``integrations`` may go to a connection, as Segment does.

    By name, else by ``All``, which is true by default; what is no object excludes nobody.
    """
    if not isinstance(integrations, Mapping):
        return True
    destination = connection.relay.destination
    title = destination.title
    for name in (
        connection.name,
        title,
        f"{title} (Actions)",
        f"Actions {title}",
        destination.slug,
    ):
        if name in integrations:
            return _is_true(integrations[name])
    return _is_true(integrations.get("All", True))


def _is_true(value: Any) -> bool:
    """Tell what JavaScript takes for true: options for a destination are, even when empty."""
    return isinstance(value, dict | list) or bool(value)
