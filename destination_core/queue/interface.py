"""What any queue must do; ``destination_core.testing.queues`` holds the tests of the contract."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from destination_core.queue.records import (
    Accepted,
    Counts,
    Damage,
    DeadLetter,
    Expired,
    Intake,
    Job,
    Settlement,
)


class Queue(Protocol):
    """A durable queue of deliveries, one line per destination.

    Every method returns when its effect survives a crash of the machine. Times are Unix seconds.
    """

    async def put(self, events: Sequence[Intake]) -> Accepted:
        """Keep events until they are settled everywhere; all of them or, on an error, none.

        Raises ``QueueFull``. An event that is ordered becomes due when no earlier one of its user
        is left at that destination.
        """
        ...

    async def claim(self, destination: str, limit: int, lease: float) -> list[Job]:
        """Lease up to ``limit`` jobs that are due, the longest due first, for ``lease`` seconds.

        A job that is not settled by then is due again, for anybody, with one more crash.
        """
        ...

    async def renew(self, jobs: Sequence[Job], lease: float) -> int:
        """Lease jobs that are still ours for ``lease`` seconds from now; return how many are."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        """Say what became of jobs, in one transaction; return how many were still ours.

        A job whose lease was lost to another owner is left alone.
        """
        ...

    async def is_behind(self, job: Job, marks: Sequence[bytes]) -> bool:
        """Tell whether an earlier event that holds one of ``marks`` is left at the destination.

        Nobody waits for it who does not ask: it may look at everything that is queued.
        """
        ...

    async def next_due(self, destination: str) -> float | None:
        """Return when the next job is due, or None when there is none."""
        ...

    async def counts(self) -> Mapping[str, Counts]:
        """Return the counts by destination."""
        ...

    async def dead_letters(
        self, *, destination: str | None = None, limit: int = 100, after: int = 0
    ) -> list[DeadLetter]:
        """Return dead letters in the order of their ids, from the one after ``after``."""
        ...

    async def revive(self, ids: Sequence[int]) -> int:
        """Queue dead letters again, with no attempts behind them; return how many there were.

        One that was ordered waits for what is left of its user by now.
        """
        ...

    async def drop(self, ids: Sequence[int]) -> int:
        """Delete dead letters for good; return how many there were."""
        ...

    async def changed(self) -> bool:
        """Tell whether another process has changed anything since this was last asked."""
        ...

    async def tend(self) -> Expired:
        """Do a part of the upkeep, such as forgetting what is too old; return what that was.

        To be called now and then, until there is nothing left to do.
        """
        ...

    @property
    def damage(self) -> Sequence[Damage]:
        """What was found damaged since the queue was opened, in the order in which it was."""
        ...

    @property
    def follows_crash(self) -> bool:
        """Whether a process had ended without closing the queue when this one opened it."""
        ...

    def room(self) -> str:
        """Return why ``put`` would raise ``QueueFull`` now, or "" when there is room."""
        ...
