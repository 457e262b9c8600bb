"""F1: the runner is killed, again and again, while events come in and go out."""

import asyncio
import random
import time
from pathlib import Path

from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage

IN_FLIGHT = 500
"""Events of a destination that may be in flight when the runner dies: one chunk, see ``run``."""


async def run(size: Size, folder: Path) -> Result:
    """Kill it 50 to 500 ms after it has begun to deliver."""
    kills, events, rate = (100, 100_000, 1_500.0) if size is Size.LONG else (4, 2_000, 1_000.0)
    names = ("a", "b", "c")
    result = Result()
    chance = random.Random(1)
    restarts: list[float] = []
    async with Stage(folder, *names, delivery={**QUICK, "ahead": 1, "chunk": IN_FLIGHT}) as stage:
        service = await stage.serve()
        issuing = asyncio.create_task(stage.oracle.issue(events, batch=20, rate=rate))
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.05, 0.5))
            service.process.kill()
            await service.process.wait()
            began = time.monotonic()
            service = await stage.serve()
            restarts.append(time.monotonic() - began)
        went = await issuing
        await stage.judge(result)
    deliveries = events * len(names)
    duplicates = int(result.figures["duplicates"])
    bound = kills * IN_FLIGHT * len(names)
    result.figures |= {
        "kills": kills,
        "duplicate share": f"{duplicates / deliveries:.3%}",
        "restart to ready, median": f"{sorted(restarts)[kills // 2]:.2f} s",
        "restart to ready, longest": f"{max(restarts):.2f} s",
        "seconds of sending": round(went["seconds"]),
    }
    result.demand("duplicates ≤ in flight at each kill", duplicates <= bound, f"{duplicates:,}")
    if size is Size.LONG:
        share = duplicates / deliveries
        result.demand("duplicates < 1 %", share < 0.01, f"{share:.3%}")
    return result


FAULT = Fault(
    "F1",
    "kill -9",
    "0 lost; duplicates at most what is in flight at a kill, and below 1 %",
    run,
)
