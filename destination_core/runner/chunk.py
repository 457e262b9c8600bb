"""What a worker claimed together, and what has become of it so far."""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from destination_core.queue import Job
from destination_core.work import Delivery


class Chunk:
    """Claimed jobs by sequence number: those that are ``left`` are not settled yet."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.left = {job.sequence: job for job in jobs}
        self._board: dict[int, list[Delivery | None]] = {}

    def rows(self, jobs: Sequence[Job]) -> list[list[Delivery | None]]:
        """Return a board for the engine, one empty row per job."""
        board: list[list[Delivery | None]] = [[] for _ in jobs]
        self._board.update((job.sequence, row) for job, row in zip(jobs, board, strict=True))
        return board

    def note(self, job: Job, deliveries: Sequence[Delivery]) -> None:
        """Write down what became of a job that the engine got by itself."""
        self._board[job.sequence] = list(deliveries)

    def ended(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, list[Delivery]]]:
        """Yield those of the jobs that are left and that nothing is under way for any more."""
        for job in jobs:
            row = self._board.get(job.sequence)
            if row is not None and job.sequence in self.left and None not in row:
                yield job, cast("list[Delivery]", row)

    def settled(self, jobs: Iterable[Job]) -> None:
        """Say that it is written what became of jobs."""
        for job in jobs:
            self.left.pop(job.sequence, None)
