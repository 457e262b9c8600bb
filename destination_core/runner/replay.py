"""Put events of the past into the queue again: for chosen destinations and actions, at a rate."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final, TypeVar

import orjson
from aiolimiter import AsyncLimiter

from destination_core.connection import Connection
from destination_core.queue import Intake
from destination_core.runner.intake import allowed, user
from destination_core.work import Event

T = TypeVar("T")

SOURCE: Final = "replay"

MOST: Final = 500
"""Items of a portion: one transaction, for which others who share the queue have to wait."""

PARTS: Final = 10
"""Into so many portions a second's events are cut."""


def intakes(
    event: Event,
    connections: Iterable[Connection[Any]],
    *,
    action: str | None,
    ordered: frozenset[str],
    now: float,
) -> list[Intake]:
    """Return what to put so that an event is delivered again, to each connection by itself.

    It has no ``messageId`` as far as the queue is concerned, so deduplication does not see it; the
    destination gets the same one as before. Its ``integrations`` hold as they did when it came in,
    and a deletion is for every connection. ``action`` restricts it to subscriptions of an action;
    a deletion is of none.
    """
    found = []
    integrations = event.get("integrations")
    for one in connections:
        if not allowed(one, integrations):
            continue
        chosen = [
            subscription.name
            for subscription in one.matching(event)
            if action is None or subscription.action.slug == action
        ]
        if chosen or (action is None and is_deletion(event)):
            names = None if action is None else frozenset(chosen)
            found.append(
                Intake(
                    SOURCE, "", orjson.dumps(event), [one.name], now, user(event), ordered, names
                )
            )
    return found


def is_deletion(event: Event) -> bool:
    """Tell whether an event asks for the deletion of a user: no subscription is asked about it."""
    return event.get("type") == "delete"


class Pace:
    """Cuts items into portions, so many items a second; without a rate, as fast as they go."""

    def __init__(self, rate: float | None) -> None:
        self._size = None if rate is None else max(1, int(rate / PARTS))
        self._limiter = AsyncLimiter(self._size or 1, (self._size or 1) / (rate or 1.0))

    async def portions(self, items: Sequence[T]) -> AsyncIterator[Sequence[T]]:
        """Yield the portions, each when it may go."""
        size = min(self._size or MOST, MOST)
        for start in range(0, len(items), size):
            part = items[start : start + size]
            if self._size is not None:
                await self._limiter.acquire(len(part))
            yield part
