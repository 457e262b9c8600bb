"""What goes into the queue and what comes out of it."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from destination_core.errors import DestinationError


class QueueFull(DestinationError):
    """The queue takes no more events: it has reached its size, or the disk is full.

    Nothing of what was put has been kept; acknowledgements still work.
    """


class Intake(NamedTuple):
    """An event on its way into the queue.

    ``body`` is its JSON in UTF-8; ``destinations`` are the names of those it is for: with none it
    is only counted. ``received`` is Unix seconds. An event whose ``source`` and ``message_id``
    were seen before is a duplicate, unless ``message_id`` is empty. To those destinations that are
    ``ordered``, the events of one ``user`` go one after the other. ``subscriptions`` are those that
    are to get it, None for all. ``trace`` is the W3C trace context that it came with, if any.
    """

    source: str
    message_id: str
    body: bytes
    destinations: Sequence[str]
    received: float
    user: str = ""
    ordered: Container[str] = ()
    subscriptions: frozenset[str] | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a ``put``: how many events were new and how many had been seen before."""

    new: int
    duplicates: int


class Job(NamedTuple):
    """One event that one destination has to get, leased to whoever claimed it.

    ``sequence`` is the event's, the same at every destination and after every restart.
    ``attempts`` have failed so far; ``crashes`` counts how often a claim was neither settled nor
    given back. ``subscriptions`` are those that are left, None for all; ``trace`` is what it was
    put with.
    """

    sequence: int
    destination: str
    source: str
    received: float
    body: bytes
    attempts: int = 0
    crashes: int = 0
    subscriptions: frozenset[str] | None = None
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The destination has it."""

    job: Job


@dataclass(frozen=True, slots=True)
class Filtered:
    """No subscription selects it any more."""

    job: Job


@dataclass(frozen=True, slots=True)
class Retry:
    """To be tried again at ``due`` (Unix seconds), for the ``subscriptions`` that are left.

    ``counts`` tells whether the attempt counts: one that the destination asked to wait for does
    not. ``crashes`` is 0 for a job that was dealt with; one that is given back keeps its own.
    """

    job: Job
    due: float
    subscriptions: frozenset[str] | None = None
    counts: bool = True
    crashes: int = 0

    @classmethod
    def unused(cls, job: Job, now: float) -> "Retry":
        """Give a job back as it was claimed."""
        return cls(job, now, job.subscriptions, counts=False, crashes=job.crashes)


@dataclass(frozen=True, slots=True)
class Dead:
    """It will not be tried again by itself; ``record`` (JSON) is what a person needs to know.

    ``reason`` and ``code`` are for lists and filters. ``subscription`` is "" for the event itself.
    """

    job: Job
    subscription: str
    action: str
    code: str
    reason: str
    record: bytes


Settlement = Delivered | Filtered | Retry | Dead


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that failed for good: kept until it is retried, dropped or too old."""

    id: int
    destination: str
    sequence: int
    source: str
    at: float
    subscription: str
    action: str
    code: str
    reason: str
    attempts: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in the file is not what was written; what it says is in ``message``."""

    message: str


@dataclass(frozen=True, slots=True)
class Expired:
    """What grew too old: how many ids were forgotten, how many dead letters deleted of whom."""

    ids: int = 0
    letters: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.ids or self.letters)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many deliveries of one destination are where; a delivery is an event at a destination.

    ``accepted`` equals the sum of all others at every moment: ``difference`` is what is missing.
    ``oldest`` is when the oldest that is queued was received, in Unix seconds. ``letters`` are the
    dead letters that are still kept: those that were dropped or ``expired``, for they grew too old,
    stay counted in ``dead``.
    """

    accepted: int = 0
    delivered: int = 0
    dead: int = 0
    filtered: int = 0
    queued: int = 0
    damaged: int = 0
    oldest: float | None = None
    duplicates: int = 0
    letters: int = 0
    expired: int = 0

    @property
    def difference(self) -> int:
        """Return what is unaccounted for; anything but zero is a loss."""
        return (
            self.accepted - self.delivered - self.dead - self.filtered - self.queued - self.damaged
        )
