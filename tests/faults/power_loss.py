"""F3: the power fails before or after any fsync; what was not on the disk is lost, or torn."""

import random
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from destination_core.queue import SqliteQueue
from tests.faults.disk import STRACE, Disk, Step, steps
from tests.faults.event import body, number_of
from tests.faults.fault import Fault, Result, Size, Unavailable
from tests.faults.stage import Stage

BATCH = 10

MEMORY = Path("/dev/shm") if Path("/dev/shm").exists() else None
"""Where what a cut leaves is opened: its own fsyncs are of no interest."""

FILES = ("queue.db", "queue.db-wal", "queue.db-journal", "queue.db-mark")


async def run(size: Size, folder: Path) -> Result:
    """Trace a service from its start to its end, then open what each cut leaves.

    Of the two destinations one takes everything, the other nothing: to it all is owed.
    """
    if shutil.which("strace") is None:
        raise Unavailable("strace is not installed")
    calls, torn = (150, 3) if size is Size.LONG else (8, 1)
    result = Result()
    async with Stage(folder, "taking", "refusing") as stage:
        await stage.oracle.answer("refusing", status=503)
        trace = folder / "trace"
        service = await stage.serve(prefix=[*STRACE, "-o", str(trace)])
        await stage.oracle.issue(calls * BATCH, batch=BATCH, clients=1)
        await stage.oracle.until("taking", calls * BATCH)
        await service.end()
        receipts = await stage.oracle.receipts("taking")
        await stage.oracle.answer("refusing")
        await stage.serve()
        await stage.judge(result)
        cuts = Cuts(folder, {number: at for number, at, _ in reversed(receipts)}, torn)
        for step in steps(trace, stage.queue_path.parent):
            await cuts.take(step)
        trace.unlink()
    result.figures |= {"fsyncs": cuts.fsyncs, "cuts": cuts.cuts, "answers": cuts.acked // BATCH}
    result.demand("every answer is in the trace", cuts.acked == calls * BATCH, cuts.acked)
    result.demand(
        "every acknowledged event is in the queue, or delivered",
        not cuts.lost,
        f"{len(cuts.lost)} lost {cuts.lost[:3]}",
    )
    result.demand("bodies are whole", not cuts.differ, f"{len(cuts.differ)} are not")
    result.demand("the queue opens", not cuts.closed, cuts.closed[:2])
    result.demand("nothing is called damage", not cuts.alarms, cuts.alarms[:2])
    return result


@dataclass
class Cuts:
    """Follows the trace, and cuts the power at every fsync.

    ``received`` is when an event was delivered to the destination that takes everything.
    """

    folder: Path
    received: dict[int, float]
    torn: int
    acked: int = 0
    fsyncs: int = 0
    cuts: int = 0
    lost: list[str] = field(default_factory=list)
    differ: list[int] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    disk: Disk = field(default_factory=Disk)

    async def take(self, step: Step) -> None:
        """Take a step; before and after an fsync the power fails."""
        if step.call == "send":
            # one call after the other: the answers are in the order of the events
            self.acked += BATCH * step.data.startswith(b"HTTP/1.1 200")
        elif step.name in ("", *FILES):
            if step.call == "fsync":
                self.fsyncs += 1
                for seed in range(self.torn):
                    await self._cut(step.time, random.Random(self.fsyncs * 100 + seed))
            self.disk.take(step)
            if step.call == "fsync":
                await self._cut(step.time, None)

    async def _cut(self, time: float, chance: random.Random | None) -> None:
        self.cuts += 1
        place = Path(tempfile.mkdtemp(dir=MEMORY or self.folder))
        try:
            self.disk.write(place, chance)
            path = place / "queue.db"
            try:
                async with SqliteQueue(path) as queue:
                    self.alarms += [one.message for one in queue.damage]
                    self._check(path, time)
            except Exception as error:  # noqa: BLE001  whatever it is, it does not open
                self.closed.append(f"cut {self.cuts}: {error!r}")
        finally:
            shutil.rmtree(place)

    def _check(self, path: Path, time: float) -> None:
        file = sqlite3.connect(path)
        try:
            rows = file.execute("SELECT destination, body FROM jobs JOIN events USING (sequence)")
            queued: dict[str, set[int]] = {"taking": set(), "refusing": set()}
            for destination, content in rows:
                event = orjson.loads(content)
                number = number_of(event["messageId"])
                assert number is not None
                queued[destination].add(number)
                if event["properties"]["body"] != body(number):
                    self.differ.append(number)
        finally:
            file.close()
        for number in range(self.acked):
            if number not in queued["refusing"]:
                self.lost.append(f"cut {self.cuts}: {number} for the refusing one")
            if number not in queued["taking"] and self.received.get(number, time) >= time:
                self.lost.append(f"cut {self.cuts}: {number} for the taking one")


FAULT = Fault(
    "F3",
    "power loss at every fsync",
    "every acknowledged event is there, whatever the disk has of the rest; no false alarm",
    run,
)
