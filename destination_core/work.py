"""The records of work: what is to be done, what was tried, what became of it.

Those that are made per event are not frozen: to make a frozen one takes three times as long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from destination_core.actions import Action, Batching
from destination_core.errors import (
    DeliveryError,
    InvalidEvent,
    InvalidPayload,
    Paused,
    PermanentError,
    SetupError,
)
from destination_core.features import PLAIN, Usage
from destination_core.http import Exchange
from destination_core.schema import Payload

Event = Mapping[str, Any]


class DeliveryStatus(StrEnum):
    """What became of one event at one subscription."""

    DELIVERED = "delivered"
    """The destination accepted it."""
    REJECTED = "rejected"
    """The event, its mapping or its payload is invalid: nothing was sent."""
    REFUSED = "refused"
    """The destination or the action said no for good."""
    RETRYABLE = "retryable"
    """It failed for now; the same request may succeed later."""
    SETUP_ERROR = "setup_error"
    """Credentials, region or endpoint are wrong: it can be sent once they are mended."""


@dataclass(slots=True, eq=False)
class Task:
    """One payload to deliver: the event matched the subscription and the payload is valid."""

    event: Event
    subscription: str
    action: Action[Any, Any]
    payload: Payload
    usage: Usage = PLAIN

    @property
    def is_scoped(self) -> bool:
        """Tell whether its attempt has to know more than the payload."""
        return self.usage is not PLAIN or self.action.is_scoped


class Rejection(NamedTuple):
    """An event that matched a subscription but made no valid payload."""

    event: Event
    subscription: str
    action: Action[Any, Any]
    error: DeliveryError


class Plan(NamedTuple):
    """What one connection will do with one event: tasks and rejections in subscription order."""

    connection: str
    steps: Sequence[Task | Rejection]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The payloads to deliver."""
        return tuple(step for step in self.steps if isinstance(step, Task))

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """The subscriptions that matched without a valid payload."""
        return tuple(step for step in self.steps if isinstance(step, Rejection))


@dataclass(slots=True, eq=False)
class Item:
    """One payload of a batch; ``body`` is what ``Batching.encode`` made of it, if it did."""

    action: Action[Any, Any]
    payload: Any
    body: bytes = b""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call of an action or of a batch: what was sent, what came back, how long it took.

    ``number`` counts from 1; ``seconds`` is wall time; ``error`` is that of the whole call.
    """

    connection: str
    tasks: Sequence[Task]
    exchanges: Sequence[Exchange]
    number: int
    seconds: float
    error: DeliveryError | None = None


@dataclass(slots=True)
class Delivery:
    """What became of one event at one subscription.

    ``action`` and ``subscription`` are "" when the event itself is unreadable. ``payload`` is
    None when there was no valid one. ``exchanges`` are the requests of the last attempt with
    their responses; ``Exchange.redacted`` shows them without secrets.
    """

    event: Event
    connection: str
    subscription: str
    action: str
    payload: Payload | None = None
    error: DeliveryError | None = None
    warnings: tuple[str, ...] = ()
    exchanges: Sequence[Exchange] = field(default=(), repr=False)
    attempts: int = 0
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def status(self) -> DeliveryStatus:
        """What became of it; the error's class decides."""
        return status_of(self.error, sent=self.attempts > 0)

    @property
    def ok(self) -> bool:
        """Tell whether the destination accepted it."""
        return self.error is None

    @property
    def reason(self) -> str:
        """The error for the customer, "" when there is none."""
        return "" if self.error is None else str(self.error)

    def requests(self) -> list[dict[str, Any]]:
        """Return the last attempt's requests and responses as JSON, without secrets."""
        return [exchange.redacted(self.secrets) for exchange in self.exchanges]


@dataclass(slots=True, eq=False)
class Entry:
    """A task on its way, at its place in the result: ``row`` and ``column``.

    ``item`` is made when it is batched, ``delivery`` with each attempt.
    """

    task: Task
    row: int
    column: int
    item: Item = field(init=False)
    delivery: Delivery = field(init=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that go out in one call; ``batching`` is None for a single payload."""

    entries: Sequence[Entry]
    batching: Batching[Any] | None = None


def status_of(error: DeliveryError | None, *, sent: bool) -> DeliveryStatus:
    """Return the status that an error's class stands for."""
    if error is None:
        return DeliveryStatus.DELIVERED
    if isinstance(error, Paused):
        return DeliveryStatus.RETRYABLE
    if isinstance(error, InvalidPayload | InvalidEvent) or not sent:
        return DeliveryStatus.REJECTED
    if isinstance(error, SetupError):
        return DeliveryStatus.SETUP_ERROR
    if isinstance(error, PermanentError):
        return DeliveryStatus.REFUSED
    return DeliveryStatus.RETRYABLE


@dataclass(frozen=True, slots=True)
class Deletion:
    """A user's wish to be forgotten; at least one of the ids is there."""

    user_id: str | None
    anonymous_id: str | None
    event: Event
