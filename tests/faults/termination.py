"""F15: SIGTERM while events come in and go out, and while a destination hangs."""

import asyncio
import random
import time
from pathlib import Path

from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import Stage

LONGEST = 30.0
"""Seconds that the end may take."""

HANG_EVERY = 10
"""Of so many rounds of the long form, one meets a destination that answers nothing."""


async def run(size: Size, folder: Path) -> Result:
    """End it after 0.1 to 0.6 s, again and again; the callers send on to the next one."""
    rounds, events, rate = (50, 50_000, 800.0) if size is Size.LONG else (3, 1_000, 300.0)
    result = Result()
    chance = random.Random(15)
    took: list[float] = []
    codes: set[int] = set()
    async with Stage(folder, "a", "b") as stage:
        service = await stage.serve()
        issuing = asyncio.create_task(stage.oracle.issue(events, batch=10, rate=rate))
        for number in range(1, rounds + 1):
            hangs = size is Size.LONG and number % HANG_EVERY == 0
            if hangs:
                await stage.oracle.answer("b", status=503, delay=90)
                await stage.oracle.asked("b")
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            began = time.monotonic()
            codes.add(await service.end())
            took.append(time.monotonic() - began)
            if hangs:
                await stage.oracle.answer("b")
            service = await stage.serve()
        await issuing
        await stage.judge(result)
    result.figures |= {
        "SIGTERMs": rounds,
        "seconds to the end, median": f"{sorted(took)[rounds // 2]:.2f}",
        "longest": f"{max(took):.2f}",
    }
    result.demand("each ends with 0", codes == {0}, sorted(codes))
    result.demand(
        f"... within {LONGEST:g} s", max(took) <= LONGEST, f"{max(took):.1f} s", timed=True
    )
    result.demand("nothing is repeated", not result.figures["duplicates"])
    return result


FAULT = Fault("F15", "SIGTERM under load", "exit code 0 within 30 s; 0 lost, 0 repeated", run)
