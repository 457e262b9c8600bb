"""F18: a thousand destinations, of which some are dead and one gets far more than the others."""

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.faults.event import USERS
from tests.faults.fault import Fault, Result, Size
from tests.faults.sink import Sink
from tests.faults.stage import Stage

DELIVERY = {"batch_age": 0.05, "concurrency": 4, "ahead": 2}

EVERYBODY = 'userId = "u0"'
"""Selects the events that all get, one of ``USERS``; the hot one gets the others, too."""

NOWHERE = "http://127.0.0.1:9"


async def run(size: Size, folder: Path) -> Result:
    """Send to all of them being well; then with a tenth dead, and one hot."""
    crowd, many = (1_000, 10_000) if size is Size.LONG else (20, 500)
    dead = crowd // 10
    healthy = [f"d{n}" for n in range(crowd - dead - 1)]
    result = Result()
    async with Stage(folder, "hot", delivery=DELIVERY) as stage, Sink() as sink:
        destinations = stage.configuration["destinations"]
        hot = destinations["hot"]
        others = [*healthy, *(f"dead{n}" for n in range(dead))]
        for name in others:
            settings = {**hot["settings"], "url": f"{sink.url}/{name}"}
            subscriptions = [{"action": "take", "trigger": EVERYBODY}]
            destinations[name] = {**hot, "settings": settings, "subscriptions": subscriptions}
        stage.write()
        service = await stage.serve()
        each = many // USERS
        usual = await _round(stage, sink, many, healthy, each)
        await _all(sink, others, each)
        await service.end()
        for name in others[len(healthy) :]:
            destinations[name]["settings"]["url"] = NOWHERE
        stage.write()
        began = time.monotonic()
        service = await stage.serve()
        started = time.monotonic() - began
        seen = await _round(stage, sink, many, healthy, 2 * each)
        result.demand("every healthy destination gets everything", seen["all"], seen["all"])
        state = await stage.oracle.until("hot", 2 * many, 300)
        result.demand("the hot one gets everything", state, state)
        fresh = await stage.oracle.fresh(["hot"])
        result.demand("a fresh event flows", fresh is not None, fresh)
        memory = service.resident_bytes() / 2**20
        code = await service.end()
        result.demand("SIGTERM ends it with 0", code == 0, code)
        counts = await stage.verdict(result, drained=False)
    kept = {counts[name]["queued"] for name in others[len(healthy) :]}
    result.demand("the dead ones' events are kept", kept == {each + 1}, kept)  # and the fresh one
    wrong = [name for name in destinations if counts[name]["difference"]]
    result.demand("nothing is unaccounted for, anywhere", not wrong, wrong[:5])
    slower = seen["p99"] / max(usual["p99"], 0.1)
    result.demand("healthy p99 at most doubles", slower <= 2, f"{slower:.2f} times", timed=True)
    jobs = many + each * (crowd - 1)
    rate = jobs / seen["seconds"]
    if size is Size.LONG:
        result.demand("≥ 2,500 deliveries/s", rate >= 2_500, f"{rate:,.0f}", timed=True)
    result.figures |= {
        "destinations, dead": f"{crowd:,}, {dead}",
        "deliveries queued": jobs,
        "all well": f"{jobs / usual['seconds']:,.0f} a second, p99 {usual['p99']:.2f} s",
        "a tenth dead": f"{rate:,.0f} a second, p99 {seen['p99']:.2f} s",
        "start": f"{started:.1f} s",
        "memory": f"{memory:.0f} MiB",
    }
    return result


async def _round(
    stage: Stage, sink: Sink, many: int, healthy: list[str], each: int
) -> dict[str, Any]:
    """Send so many events, a part of them to everybody; wait until all that are well have them."""
    began = time.monotonic()
    went = await stage.oracle.issue(many, batch=100)
    have = await _all(sink, healthy, each)
    seconds = time.monotonic() - began
    sent = await stage.oracle.sent(went["first"], went["last"])
    latencies = sorted(
        at - sent[number - went["first"]]
        for name in healthy
        for number, at in sink.arrived[name].items()
        if number >= went["first"]
    )
    return {"seconds": seconds, "all": have, "p99": latencies[int(0.99 * len(latencies))]}


async def _all(sink: Sink, names: list[str], each: int, seconds: float = 300) -> bool:
    """Wait until each of these has so many events; tell whether that came about."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if all(len(sink.arrived[name]) >= each for name in names):
            return True
        await asyncio.sleep(0.05)
    return False


FAULT = Fault(
    "F18",
    "1,000 destinations, 100 dead, one hot",
    "all healthy ones get everything, p99 ≤ 2 times; ≥ 2,500 deliveries/s; the dead lose nothing",
    run,
)
