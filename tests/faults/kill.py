"""F1: the runner is killed, again and again, while events come in and go out."""

import asyncio
import bisect
import random
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from destination_core.runner.quarantine import CAREFUL_SECONDS
from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage

NAMES = ("a", "b", "c")

CHUNK = 20
"""Events that a destination has in hand at most in the short form: what a kill may repeat."""

SHARE = 0.01
RESTART = 1.0
"""Seconds from a start to the first delivery after it."""

SOON = (0.05, 0.5)
LATE = (CAREFUL_SECONDS + 1, CAREFUL_SECONDS + 3)
"""Seconds from a start to the kill: while the runner is careful after the last one, and after."""


async def run(size: Size, folder: Path) -> Result:
    """Kill it 50 to 500 ms after each start; at last in full swing, for comparison."""
    result = Result()
    if size is Size.SHORT:
        little = {**QUICK, "chunk": CHUNK, "ahead": 1}
        killed = await _killed(folder / "little", Series(4, 2_000, 700.0, little), result)
        result.figures |= killed.figures()
        bound = killed.kills * CHUNK * len(NAMES)
        text = "repeated ≤ what is in flight at each kill"
        result.demand(text, killed.repeated <= bound, killed.repeated)
        return result
    killed = await _killed(folder / "soon", Series(100, 100_000, 750.0, QUICK), result)
    result.figures |= killed.figures()
    result.demand(f"repeated < {SHARE:.0%}", killed.share < SHARE, f"{killed.share:.2%}")
    late = killed.percentile(99)
    text = f"start to first delivery, p99 ≤ {RESTART:g} s"
    result.demand(text, late <= RESTART, f"{late:.2f} s", timed=True)
    figures = dict(result.figures)
    swing = await _killed(folder / "late", Series(10, 60_000, 750.0, QUICK, LATE), result)
    seen = f"{swing.repeated / swing.kills / len(NAMES):.0f} events per kill and destination"
    result.figures = {**figures, "repeated, killed in full swing": f"{seen} ({swing.share:.2%})"}
    return result


@dataclass(frozen=True)
class Series:
    """How often, beside how many events at which rate; ``delivery`` is that of the destinations.

    ``lives`` are the seconds, from and to, after which it is killed.
    """

    kills: int
    events: int
    rate: float
    delivery: Mapping[str, Any]
    lives: tuple[float, float] = SOON


@dataclass
class Killed:
    """What came of a series of kills."""

    kills: int
    deliveries: int
    repeated: int
    seconds: float
    restarts: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Return the share of deliveries that were repeated."""
        return self.repeated / self.deliveries

    def percentile(self, percent: int) -> float:
        """Return a percentile of the seconds from a start to its first delivery."""
        return statistics.quantiles(self.restarts, n=100, method="inclusive")[percent - 1]

    def figures(self) -> dict[str, str | int | float]:
        """Return what the page shows."""
        return {
            "kills": self.kills,
            "repeated": f"{self.repeated:,} ({self.share:.2%})",
            "start to first delivery": f"p50 {self.percentile(50):.2f} s,"
            f" p99 {self.percentile(99):.2f} s",
            "seconds": round(self.seconds),
        }


async def _killed(folder: Path, series: Series, result: Result) -> Killed:
    await asyncio.to_thread(folder.mkdir)
    chance = random.Random(1)
    starts: list[float] = []
    began = time.monotonic()
    async with Stage(folder, *NAMES, delivery=series.delivery) as stage:
        service = await stage.serve()
        issuing = asyncio.create_task(stage.oracle.issue(series.events, batch=10, rate=series.rate))
        for _ in range(series.kills):
            await asyncio.sleep(chance.uniform(*series.lives))
            service.process.kill()
            await service.process.wait()
            starts.append(time.time())
            service = await stage.serve()
        await issuing
        await stage.judge(result)
        receipts = [await stage.oracle.receipts(name) for name in NAMES]
    times = sorted(at for some in receipts for _, at, _ in some)
    repeated = int(result.figures["duplicates"])
    deliveries = series.events * len(NAMES)
    killed = Killed(series.kills, deliveries, repeated, time.monotonic() - began)
    for start, until in zip(starts, [*starts[1:], times[-1]], strict=True):
        first = bisect.bisect(times, start)
        if first < len(times) and times[first] <= until:
            killed.restarts.append(times[first] - start)
    return killed


FAULT = Fault(
    "F1",
    "kill -9",
    "0 lost; repeated at most what is in flight at a kill, and below 1 %;"
    " start to first delivery within 1 s",
    run,
)
