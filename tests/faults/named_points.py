"""F2: the process ends at every point where a promise passes from one hand to the next."""

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.faults import crashing
from tests.faults.crashing import Point
from tests.faults.fault import Fault, Result, Size
from tests.faults.service import GONE, Service
from tests.faults.stage import Stage

BATCH = 10
"""Events of a round: nothing else is in flight."""

SHORT = frozenset({"remembered", "marking", "answered", "released", "buried", "revived"})
"""What the short form tries: one of each kind."""

PAGES = 5
"""Pages after which a checkpoint is cut short: 1 to so many, in turn."""


async def run(size: Size, folder: Path) -> Result:
    """Every point so often; each round begins and ends with an empty queue."""
    times = 20 if size is Size.LONG else 1
    result = Result()
    totals = {
        "points": 0,
        "times each": times,
        "issued": 0,
        "acknowledged": 0,
        "duplicates": 0,
        "dead": 0,
    }
    for name, scene in (("taking", _taking), ("refusing", _refusing)):
        (folder / name).mkdir()
        plugins = {"crashing": "tests.faults.crashing"}
        async with Stage(folder / name, "a", plugins=plugins) as stage:
            stage.environment["POINT"] = str(folder / name / "point")
            rounds = Rounds(stage, result, SHORT if size is Size.SHORT else frozenset())
            await scene(rounds, times)
            totals["points"] += rounds.points
            await rounds.running()
            await stage.judge(result)
        totals |= {key: totals[key] + int(result.figures.get(key, 0)) for key in list(totals)[2:]}
    result.figures |= totals
    return result


class Rounds:
    """What a round is made of."""

    def __init__(self, stage: Stage, result: Result, only: frozenset[str]) -> None:
        self.stage = stage
        self.result = result
        self.points = 0
        self._only = only

    def chosen(self, points: Mapping[str, Point]) -> list[str]:
        """Return the names of those that are to be tried."""
        names = [name for name in points if not self._only or name in self._only]
        self.points += len(names)
        return names

    async def running(self) -> Service:
        """Return the service that runs, with nothing to do; start one if there is none."""
        service = self.stage.service
        if service is None or service.process.returncode is not None:
            service = await self.stage.serve()
        if not await self.stage.drained():
            said = service.log.read_text("utf-8")[-500:]
            self.result.demand("what was interrupted goes on", False, said)
        return service

    async def doomed(self, point: str, *arguments: str) -> None:
        """Run a command that ends at a point."""
        with self.deadly(point):
            prefix = (sys.executable, "-m", crashing.__name__)
            service = await self.stage.start(*arguments, prefix=prefix)
            self._crashed(point, await service.process.wait(), service)

    async def with_events(self, point: str) -> int:
        """Send one call to a service that ends at a point, and again to the one that comes next.

        Returns how many of its events were taken more than once.
        """
        service = await self.running()
        before = await self.repeats()
        with self.deadly(point):
            issuing = asyncio.create_task(self.stage.oracle.issue(BATCH, batch=BATCH, clients=1))
            self._crashed(point, await service.process.wait(), service)
        await self.recovered(issuing)
        return await self.repeats() - before

    async def recovered(self, issuing: "asyncio.Task[object]") -> None:
        """Start it once more, and wait until it has nothing to do."""
        await self.stage.serve()
        await issuing
        await self.running()

    @contextlib.contextmanager
    def deadly(self, point: str) -> Iterator[None]:
        """Let every process end at a point."""
        file = Path(self.stage.environment["POINT"])
        file.write_text(point, "utf-8")
        yield
        file.unlink()

    async def repeats(self) -> int:
        """Return how many events were taken more than once so far."""
        receipts = await self.stage.oracle.receipts("a")
        return len(receipts) - len({number for number, _, _ in receipts})

    def _crashed(self, point: str, code: int, service: Service) -> None:
        if code != crashing.CODE:
            seen = f"exit code {code}, {service.log.read_text()[-500:]}"
            self.result.demand(f"it ends at {point!r}", False, seen)


async def _taking(rounds: Rounds, times: int) -> None:
    """Points of intake, delivery, start and checkpoint: the destination takes everything."""
    points = {**crashing.INTAKE, **crashing.DELIVERY}
    for name in rounds.chosen(points):
        point = points[name]
        repeated = sum([await rounds.with_events(name) for _ in range(times)])
        most = times * BATCH if point.repeats else 0
        rounds.result.demand(f"{point.title}: at most {most} repeated", repeated <= most, repeated)
    for name in rounds.chosen(crashing.START):
        for _ in range(times):
            await _interrupted_start(rounds, name)
    if shutil.which("strace"):
        rounds.points += 1
        for turn in range(times):
            await _interrupted_checkpoint(rounds, turn % PAGES + 1)


async def _interrupted_start(rounds: Rounds, point: str) -> None:
    """Kill it with events in flight; the next start ends at a point, the one after goes on."""
    stage = rounds.stage
    service = await rounds.running()
    await stage.oracle.answer("a", status=503, delay=0.3)
    issuing = asyncio.create_task(stage.oracle.issue(BATCH, batch=BATCH, clients=1))
    await stage.oracle.asked("a")
    await service.end(signal.SIGKILL)
    await stage.oracle.answer("a")
    await rounds.doomed(point, "serve", "c.json", "--listen", "127.0.0.1:0")
    await rounds.recovered(issuing)


async def _interrupted_checkpoint(rounds: Rounds, pages: int) -> None:
    """End it while the log is copied into the file, after so many pages."""
    stage = rounds.stage
    strace = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", str(stage.queue_path)]
    kill = ["-e", "trace=pwrite64", "-e", f"inject=pwrite64:signal=SIGKILL:when={pages}"]
    if stage.service is not None:
        await stage.service.end()
    await stage.serve(prefix=[*strace, *kill])
    await stage.oracle.issue(BATCH, batch=BATCH, clients=1)
    service = await rounds.running()
    rounds.result.demand("killed within a checkpoint", await service.end() == GONE)


async def _refusing(rounds: Rounds, times: int) -> None:
    """Points of dead letters: the destination refuses everything."""
    stage = rounds.stage
    await stage.oracle.answer("a", status=400)
    for name in rounds.chosen(crashing.DEATH):
        for _ in range(times):
            await rounds.with_events(name)
    for name in rounds.chosen(crashing.REVIVAL):
        for _ in range(times):
            await rounds.doomed(name, "dead", "retry", "c.json")
    await stage.oracle.answer("a")


FAULT = Fault(
    "F2",
    "the process ends at each named point",
    "0 lost; repeated only between the destination's answer and its settlement",
    run,
)
