"""F4: the queue's file, or its log, is cut short, or some of it is something else."""

import asyncio
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import orjson

from destination_core.queue import SqliteQueue
from tests.faults.event import body, identifier
from tests.faults.fault import Fault, Result, Size
from tests.faults.power_loss import MEMORY
from tests.faults.stage import Stage

SECTOR = 512

FAR = 10 * 86_400.0
"""Seconds ahead: everything is due."""

FILES = ("queue.db", "queue.db-wal", "queue.db-mark")

Damaging = Callable[[bytearray, random.Random], None]


def _truncate(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def _flip(content: bytearray, chance: random.Random) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _zero(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content) - SECTOR)
    content[start : start + SECTOR] = bytes(SECTOR)


def _garble(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content) - SECTOR)
    content[start : start + SECTOR] = chance.randbytes(SECTOR)


KINDS: dict[str, Damaging] = {
    "cut short": _truncate,
    "1 bit flipped": _flip,
    "512 B zeroed": _zero,
    "512 B of noise": _garble,
}


async def run(size: Size, folder: Path) -> Result:
    """Damage copies of a queue: of its log as a crash leaves it, of its file after a clean end.

    One destination has refused every event (dead letters), the other none (all are queued).
    """
    logs, files, events = (200, 75, 1_000) if size is Size.LONG else (5, 5, 200)
    result = Result()
    async with Stage(folder, "queued", "buried") as stage:
        await stage.oracle.answer("queued", status=503)
        await stage.oracle.answer("buried", status=409)
        service = await stage.serve()
        await stage.oracle.issue(events, batch=20)
        async with asyncio.timeout(60):
            while stage.query("SELECT count(*) FROM dead") != [(events,)]:
                await asyncio.sleep(0.05)
        await service.get("/readyz")  # it writes: what came before is done, and marked
        await service.end(signal.SIGKILL)
        async with Sample(stage.queue_path.parent, events) as log:
            tally = await _tried(log, "queue.db-wal", logs)
        _told(tally, "log", result)
        await (await stage.serve()).end()  # a clean end leaves no log
        async with Sample(stage.queue_path.parent, events) as file:
            tally = await _tried(file, "queue.db", files)
            _told(tally, "file", result)
            await _serve_damaged(stage, file, result)
    return result


@dataclass
class Found:
    """What a damaged queue gave: events still queued, dead letters, and what it said."""

    queued: set[int]
    buried: dict[int, bytes]
    differ: int
    said: list[str]


@dataclass
class Tally:
    """What became of all trials of one file; ``silent`` are those that nothing was said of."""

    trials: int = 0
    harmless: int = 0
    told: int = 0
    silent: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)
    fewest: int = 100
    """Percent that survived where half a kilobyte or less was damaged."""


class Sample:
    """An async context manager: a copy of a queue, and what is in it."""

    def __init__(self, source: Path, events: int) -> None:
        self.events = events
        self._source = source
        self._folder = Path(tempfile.mkdtemp(dir=MEMORY))
        self._files: dict[str, bytes] = {}

    async def __aenter__(self) -> Self:
        for name in FILES:
            if (self._source / name).exists():
                self._files[name] = (self._source / name).read_bytes()
        self.damage("", _flip, random.Random())  # none of them
        self.sound = await self.opened()
        if (len(self.sound.queued), len(self.sound.buried)) != (self.events, self.events):
            raise RuntimeError("the sample is not whole")
        return self

    async def __aexit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)

    def damage(self, name: str, how: Damaging, chance: random.Random) -> None:
        """Write the copy anew, with one file of it damaged."""
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        for one, content in self._files.items():
            changed = bytearray(content)
            if one == name:
                how(changed, chance)
            (self._folder / one).write_bytes(changed)

    def put_back(self) -> None:
        """Put the copy in the place of the original."""
        for path in self._source.iterdir():
            path.unlink()
        for path in self._folder.iterdir():
            shutil.copy(path, self._source / path.name)

    async def opened(self) -> Found:
        """Open the copy, and take out of it what is there."""
        async with SqliteQueue(self._folder / "queue.db", clock=lambda: time.time() + FAR) as queue:
            jobs = await queue.claim("queued", 10 * self.events, 60)
            letters = await queue.dead_letters(destination="buried", limit=10 * self.events)
            await queue.tend()
            events = [orjson.loads(job.body) for job in jobs]
            numbers = [int(event["properties"]["body"]["number"]) for event in events]
            differ = sum(
                event["properties"]["body"] != body(number)
                for event, number in zip(events, numbers, strict=True)
            )
            buried = {letter.sequence: letter.record for letter in letters}
            return Found(set(numbers), buried, differ, [one.message for one in queue.damage])


async def _tried(sample: Sample, name: str, times: int) -> Tally:
    """Damage one file in every way, so many times each."""
    tally = Tally()
    for kind, how in KINDS.items():
        for number in range(times):
            trial = f"{kind} {number}"
            tally.trials += 1
            sample.damage(name, how, random.Random(f"{name} {trial}"))
            try:
                found = await sample.opened()
            except Exception as error:  # noqa: BLE001  whatever it is, it does not open
                tally.closed.append(f"{trial}: {error!r}")
                continue
            _compare(sample, found, trial, tally)
            if how is not _truncate:
                there = len(found.queued) + len(found.buried)
                tally.fewest = min(tally.fewest, 50 * there // sample.events)
    return tally


def _compare(sample: Sample, found: Found, trial: str, tally: Tally) -> None:
    """Count a trial: of a damaged dead letter it must be said, an event must not be given out."""
    if found.differ:
        tally.differ.append(f"{trial}: {found.differ} events")
    complete = len(found.queued) == sample.events and found.buried == sample.sound.buried
    if found.said:
        tally.told += 1
    elif complete and not found.differ:
        tally.harmless += 1
    else:
        tally.silent.append(f"{trial}: {len(found.queued)} queued, {len(found.buried)} buried")


def _told(tally: Tally, what: str, result: Result) -> None:
    result.figures |= {
        f"{what}: trials": tally.trials,
        f"{what}: nothing was lost": tally.harmless,
        f"{what}: reported": tally.told,
        f"{what}: least that survives 512 B": f"{tally.fewest} %",
    }
    result.demand(f"{what}: it opens", not tally.closed, _few(tally.closed))
    result.demand(f"{what}: what is missing is reported", not tally.silent, _few(tally.silent))
    result.demand(f"{what}: what is damaged is not given out", not tally.differ, _few(tally.differ))


def _few(found: list[str]) -> str:
    return f"{len(found)}: {'; '.join(found[:3])}" if found else ""


async def _serve_damaged(stage: Stage, sample: Sample, result: Result) -> None:
    """Start a service on a damaged file: it says so, delivers the rest, and takes events."""
    sample.damage("queue.db", _misspell, random.Random())
    sample.put_back()
    await stage.oracle.answer("queued")
    await stage.oracle.answer("buried")
    service = await stage.serve()
    fresh = await stage.oracle.fresh(stage.destinations)
    emptied = await stage.drained()
    state = await stage.oracle.state()
    result.demand("a service starts on a damaged file, and a fresh event flows", fresh is not None)
    result.demand("... and its queue becomes empty", emptied)
    delivered = state["received"]["queued"] - 1  # without the fresh one
    result.demand("... and the others are delivered", delivered == sample.events - 1, delivered)
    code = await service.end()
    result.demand("... and SIGTERM ends it with 0", code == 0, code)
    result.demand("... and its log tells of the damage", "damaged" in service.log.read_text())


def _misspell(content: bytearray, chance: random.Random) -> None:
    """Damage one event, wherever it is written."""
    content[:] = content.replace(identifier(7).encode() + b'"', identifier(7).encode() + b"'")


FAULT = Fault(
    "F4",
    "damage to file and log",
    "whatever is lost is reported, nothing damaged is given out, the rest survives, it starts",
    run,
)
