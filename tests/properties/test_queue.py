"""The queue against a model of it: whatever is done in whatever order, both say the same."""

import asyncio
import math
import os
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from destination_core.queue import Dead, Delivered, Intake, Job, Retry, SqliteQueue, seen

DESTINATIONS = ("a", "b", "ordered")
USERS = 3
LEASE = 60.0


class QueueMachine(RuleBasedStateMachine):
    """Put, claim, renew, settle, lose leases, let time pass, crash, reopen; a dict is the model.

    At the destination "ordered", an event is due when no earlier one of its user is left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        for name, few in (("PART", 3), ("FULL_PARTS", 2), ("PIECE", 2)):  # so that ids are moved
            self.patch.setattr(seen, name, few)
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 1_000.0
        self.seen: set[int] = set()
        self.given = 0
        self.due: dict[tuple[int, str], float] = {}
        self.held: dict[tuple[int, str], Job] = {}
        self.crashes: dict[tuple[int, str], int] = {}
        self.user: dict[int, int] = {}
        self.accepted = dict.fromkeys(DESTINATIONS, 0)
        self.settled = {name: {"delivered": 0, "dead": 0} for name in DESTINATIONS}
        self.queue = self.opened()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine to its end."""
        return self.loop.run_until_complete(work)

    def opened(self) -> SqliteQueue:
        """Open the file."""
        path = Path(self.folder.name) / "queue.db"
        queue = SqliteQueue(path, clock=lambda: self.now, min_free_bytes=0)
        opened: SqliteQueue = self.run(queue.__aenter__())
        return opened

    @rule(
        numbers=st.lists(st.integers(0, 30), max_size=6),
        to=st.sets(st.sampled_from(DESTINATIONS), min_size=1),
    )
    def put(self, numbers: list[int], to: set[str]) -> None:
        """Put events, some of them again."""
        events = [
            Intake("s", str(n), b"%d" % n, sorted(to), self.now, str(n % USERS), {"ordered"})
            for n in numbers
        ]
        accepted = self.run(self.queue.put(events))
        new = [n for n in dict.fromkeys(numbers) if n not in self.seen]
        assert (accepted.new, accepted.duplicates) == (len(new), len(numbers) - len(new))
        self.seen |= set(new)
        for n in new:
            self.given += 1
            for name in to:
                self.due[self.given, name] = self.now if name != "ordered" else math.inf
                self.accepted[name] += 1
            if "ordered" in to:
                self.user[self.given] = n % USERS
        self.advance()

    def advance(self) -> None:
        """Make the first event of each user due, if it waited."""
        for user in range(USERS):
            line = [n for n, of in self.due if of == "ordered" and self.user.get(n) == user]
            if line and self.due[min(line), "ordered"] == math.inf:
                self.due[min(line), "ordered"] = self.now

    @rule(name=st.sampled_from(DESTINATIONS), limit=st.integers(1, 5))
    def claim(self, name: str, limit: int) -> None:
        """Claim what is due, the longest due first."""
        ready = sorted(
            (due, number)
            for (number, of), due in self.due.items()
            if of == name and due <= self.now
        )
        jobs = self.run(self.queue.claim(name, limit, LEASE))
        assert [job.sequence for job in jobs] == [number for _, number in ready[:limit]]
        for job in jobs:
            key = job.sequence, name
            self.crashes[key] = self.crashes.get(key, 0) + (key in self.held)
            assert job.crashes == self.crashes[key]
            self.due[key] = self.now + LEASE
            self.held[key] = job

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        """Lease a job that is held for longer: also one whose lease has ended meanwhile."""
        if self.held:
            key = data.draw(st.sampled_from(sorted(self.held)))
            assert self.run(self.queue.renew([self.held[key]], LEASE)) == 1
            self.due[key] = self.now + LEASE

    @rule(data=st.data(), how=st.sampled_from(["delivered", "dead", "retry"]))
    def settle(self, data: st.DataObject, how: str) -> None:
        """Settle a job that is held."""
        if not self.held:
            return
        key = data.draw(st.sampled_from(sorted(self.held)))
        job = self.held.pop(key)
        if how == "retry":
            assert self.run(self.queue.settle([Retry(job, self.now + 5)])) == 1
            self.due[key] = self.now + 5
            self.crashes[key] = 0
            return
        one = Delivered(job) if how == "delivered" else Dead(job, "", "", "X", "x", b"{}")
        assert self.run(self.queue.settle([one])) == 1
        del self.due[key]
        self.advance()
        self.settled[key[1]][how] += 1

    @rule()
    def tend(self) -> None:
        """Do upkeep: ids are moved, and stay known."""
        assert not self.run(self.queue.tend())

    @rule(seconds=st.sampled_from([1.0, 5.0, LEASE]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule()
    def reopen(self) -> None:
        """Close and open again: what was held is due at once."""
        self.run(self.queue.__aexit__(None, None, None))
        self.queue = self.opened()
        for key in self.held:
            self.due[key] = 0.0
        self.held.clear()

    @rule()
    def crash(self) -> None:
        """Die without closing, and open again: what was held is due at once, with one crash."""
        dying = self.queue
        dying._writer.stop()
        dying._writer._db.close()
        dying._file.mark.close()
        os.close(dying._file._lock._descriptor)  # as the kernel does
        self.queue = self.opened()
        assert self.queue.damage == []
        for key in self.held:
            self.due[key] = 0.0
            self.crashes[key] = self.crashes.get(key, 0) + 1
        self.held.clear()

    @rule()
    def revive(self) -> None:
        """Queue all dead letters again, under new numbers."""
        letters = self.run(self.queue.dead_letters())
        assert self.run(self.queue.revive([one.id for one in letters])) == len(letters)
        for one in letters:
            self.given += 1
            self.due[self.given, one.destination] = self.now
            self.settled[one.destination]["dead"] -= 1

    @invariant()
    def nothing_is_unaccounted_for(self) -> None:
        """Check that accepted is delivered, dead or queued, and that the queue says the same."""
        counts = self.run(self.queue.counts())
        for name in DESTINATIONS:
            if name not in counts:
                assert self.accepted[name] == 0
                continue
            found = counts[name]
            queued = sum(of == name for _, of in self.due)
            assert found.difference == 0
            assert (found.accepted, found.queued) == (self.accepted[name], queued)
            assert found.delivered == self.settled[name]["delivered"]
            assert found.dead == self.settled[name]["dead"]

    def teardown(self) -> None:
        """Close everything."""
        self.run(self.queue.__aexit__(None, None, None))
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()
        self.patch.undo()


QueueMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestQueue = QueueMachine.TestCase
