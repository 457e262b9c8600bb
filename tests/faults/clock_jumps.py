"""F16: the machine's clock is set forward and back, or stands still, while events wait."""

import asyncio
import math
import time
from collections.abc import Mapping
from pathlib import Path

from tests.faults.fault import Fault, Result, Size, Unavailable
from tests.faults.stage import Stage

LIBRARY = min(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), default=None)

JUMPS = {
    "an hour forward": "+3600",
    "an hour back": "-3600",
    "a day forward": "+86400",
    "a day back": "-86400",
    "to a standstill": "2026-01-01 00:00:00",
}
FORWARD, BACK = "a day forward", "a day back"

EVENTS = 100

POSTPONED = """SELECT count(*) FROM jobs JOIN events USING (sequence)
    WHERE owner = 0 AND due > received + 1"""
"""Events that were refused once, and wait."""

SLACK = 0.1
"""Seconds by which a request may seem early: the wait begins when the answer is on its way."""

STALL = 10.0
"""Seconds beyond the wait within which all must have been delivered."""


async def run(size: Size, folder: Path) -> Result:
    """Jump while events are in hand, and while a destination has asked to wait."""
    if LIBRARY is None:
        raise Unavailable("libfaketime is not installed")
    long = size is Size.LONG
    wait = 8 if long else 2
    result = Result()
    late = []
    async with Stage(folder, "a") as stage:
        clock = Clock(folder / "clock", str(LIBRARY))
        await stage.serve(environment=clock.environment)
        for name in JUMPS if long else (FORWARD,):
            await _in_hand(stage, clock, name, result)
        for name in JUMPS if long else (BACK,):
            late += [await _waiting(stage, clock, name, wait, result)]
        for name in (FORWARD, BACK) if long else (BACK,):
            late += [await _stopped(stage, clock, name, wait, result)]
        await stage.judge(result)
    longest = max(late)
    result.figures |= {
        "jumps": 2 * len(JUMPS) + 2 if long else 3,
        "latest after the wait": f"{longest:.2f} s",
    }
    result.demand("nothing is repeated", not result.figures["duplicates"])
    in_time = longest <= STALL
    result.demand(f"no stall beyond {STALL:g} s", in_time, f"{longest:.2f} s", timed=True)
    return result


class Clock:
    """The clock of a process, by libfaketime: the wall's only, not the one that counts."""

    def __init__(self, file: Path, library: str) -> None:
        self._file = file
        self.set("+0")
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, how: str) -> None:
        """Set it: an offset to the true time in seconds, or a time at which it stands."""
        self._file.write_text(f"{how}\n", "utf-8")


async def _in_hand(stage: Stage, clock: Clock, name: str, result: Result) -> None:
    """Jump while the destination has events and has not answered."""
    await stage.oracle.answer("a", delay=2)
    issuing = asyncio.create_task(stage.oracle.issue(EVENTS, batch=EVENTS))
    await stage.oracle.asked("a")
    clock.set(JUMPS[name])
    await issuing
    await _all_arrive(stage, f"{name}, in hand", result)
    await stage.drained()
    clock.set("+0")


async def _waiting(stage: Stage, clock: Clock, name: str, wait: int, result: Result) -> float:
    """Jump while the destination is left alone because it asked for it."""
    asked, before = await _postponed(stage, wait)
    clock.set(JUMPS[name])
    first, last = await _arrived(stage, f"{name}, waiting", before, result)
    due = asked + wait
    seen = f"{due - first:.2f} s early"
    result.demand(f"{name}: no request before it is due", first >= due - SLACK, seen)
    return last - due


async def _stopped(stage: Stage, clock: Clock, name: str, wait: int, result: Result) -> float:
    """Jump between two runs, while events wait."""
    assert stage.service is not None
    asked, before = await _postponed(stage, wait)
    await stage.service.end()
    clock.set(JUMPS[name])
    await stage.serve(environment=clock.environment)
    began = max(time.time(), asked + wait)
    _, last = await _arrived(stage, f"{name}, between two runs", before, result)
    return last - began


async def _postponed(stage: Stage, wait: int) -> tuple[float, int]:
    """Have events that are to wait; return when that was said, and how often until then."""
    await stage.oracle.answer("a", status=429, headers={"Retry-After": str(wait)})
    await stage.oracle.issue(EVENTS, batch=EVENTS)
    async with asyncio.timeout(60):
        while stage.query(POSTPONED) != [(EVENTS,)]:
            await asyncio.sleep(0.02)
    await stage.oracle.answer("a")
    arrivals = await stage.oracle.arrivals("a")
    refused = [one for one in arrivals if one[2] == 429]
    return float(refused[-1][0]), arrivals.index(refused[-1]) + 1


async def _arrived(stage: Stage, name: str, before: int, result: Result) -> tuple[float, float]:
    """Wait until all has arrived; return when the first came after those before, and the last."""
    await _all_arrive(stage, name, result)
    arrivals = (await stage.oracle.arrivals("a"))[before:]
    await stage.drained()
    return (arrivals[0][0], arrivals[-1][0]) if arrivals else (math.inf, math.inf)


async def _all_arrive(stage: Stage, name: str, result: Result) -> None:
    issued = (await stage.oracle.state())["issued"]
    arrived = await stage.oracle.until("a", issued)
    result.demand(f"{name}: all arrives", arrived, "" if arrived else "not within 60 s")


FAULT = Fault(
    "F16",
    "the clock is set",
    "nothing is sent before it is due, nothing is repeated, nothing stalls; 0 lost",
    run,
)
