"""Look into a queue's file beside whoever uses it: nothing is written, and nobody is held up."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from destination_core.errors import ConfigurationError
from destination_core.queue.marks import beside, differences, marked
from destination_core.queue.records import Counts, Damage, DeadLetter
from destination_core.queue.store import Store
from destination_core.queue.tables import VERSION, lenient

T = TypeVar("T")


@contextmanager
def reading(path: Path) -> Iterator[Store]:
    """Give a store to read from, as of one moment; raises what SQLite raises."""
    connection = lenient(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True))
    try:
        connection.execute("BEGIN")
        yield Store(connection, 0)
    finally:
        connection.close()


@contextmanager
def looking(path: Path) -> Iterator[Store]:
    """Give a store to read from; raises ``ConfigurationError`` when the file cannot be read."""
    try:
        with reading(path) as store:
            (version,) = store.tables.db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                raise ConfigurationError(
                    f"queue {str(path)!r} is empty: nothing was queued yet; `serve` and `run` do"
                )
            if version != VERSION:
                raise ConfigurationError(
                    f"queue {str(path)!r} is of version {version}, this program reads {VERSION}:"
                    f" `serve` and `run` bring an older one up to date; for a newer one, upgrade"
                )
            yield store
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(
            f"queue {str(path)!r} cannot be read: {error}; who looks must be allowed to write"
            f" beside it, `serve` and `run` mend what is damaged, and on a full disk make room"
            f" first"
        ) from error


class Onlooker:
    """A queue for whoever only looks: no owner of it, and each answer is as of one moment.

    It spends no reserve, mends nothing and writes nothing back. All that it does raises
    ``ConfigurationError`` when the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    async def counts(self) -> Mapping[str, Counts]:
        """Return the counts by destination; see ``Queue.counts``."""
        return await self._look(lambda store: store.books.counts())

    async def dead_letters(
        self, *, destination: str | None = None, limit: int = 100, after: int = 0
    ) -> list[DeadLetter]:
        """Return dead letters; see ``Queue.dead_letters``."""
        return await self._look(lambda store: store.letters.page(destination, limit, after))

    async def damage(self) -> list[Damage]:
        """Return what is missing at the end of the file, by the mark beside it."""
        mark = await asyncio.to_thread(
            marked, beside(self.path, "mark")
        )  # first: the file is ahead of it
        return await self._look(lambda store: differences(self.path, store.tables.reached(), mark))

    async def _look(self, operation: Callable[[Store], T]) -> T:
        def look() -> T:
            with looking(self.path) as store:
                return operation(store)

        return await asyncio.to_thread(look)
