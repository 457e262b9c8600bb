"""F6: one destination answers 503 to everything; the other must not notice."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import Stage

DELIVERY = {"batch_age": 0.02, "concurrency": 20}
"""The waits are those of a usual installation: it is they that must not become a herd."""

FAILURES = 5
PROBES = (5.0, 10.0, 20.0, 40.0, 80.0)
"""Seconds between two probes, see ``runner/breaker.py``."""


async def run(size: Size, folder: Path) -> Result:
    """Send at full speed: with both well, then with A in a storm; then let A recover."""
    many, storm, rate = (50_000, 60.0, 20.0) if size is Size.LONG else (2_000, 1.0, 50.0)
    result = Result()
    async with Stage(folder, "a", "b", delivery=DELIVERY) as stage:
        stage.configuration["destinations"]["a"]["delivery"] = {**DELIVERY, "rate": rate}
        stage.write()
        await stage.serve()
        usual = await _throughput(stage, many)
        assert await stage.oracle.until("a", many, 300)
        await stage.oracle.answer("a", status=503)
        began, before = time.time(), len(await stage.oracle.arrivals("a"))
        stormy = await _throughput(stage, many)
        untouched = (await stage.oracle.state())["received"]["a"] == many
        await asyncio.sleep(max(0.0, began + storm - time.time()))
        tries = len(await stage.oracle.arrivals("a")) - before
        await stage.oracle.answer("a")
        over = time.time()
        assert await stage.oracle.until("a", 2 * many, 300)
        drained = time.time() - over
        after = [at for at, _, _ in (await stage.oracle.arrivals("a"))[before + tries :]]
        await stage.judge(result)
    bound = FAILURES + DELIVERY["concurrency"] + sum(1 for one in _probes(over - began + 1))
    seconds, tenths = _most(after, 1.0), _most(after, 0.1)
    share = stormy["rate"] / usual["rate"]
    result.figures |= {
        "B, A being well": f"{usual['rate']:,.0f} events/s, p99 {usual['p99']:.2f} s",
        "B, A in the storm": f"{stormy['rate']:,.0f} events/s, p99 {stormy['p99']:.2f} s",
        "requests to A in the storm": tries,
        "A drained after": f"{drained:.0f} s",
        "most requests to A within 1 s / 0.1 s": f"{seconds} / {tenths} (limit {rate:g} a second)",
    }
    result.demand("B gets everything while A takes nothing", untouched, "A got some")
    result.demand("A is asked no more often than its breaker allows", tries <= bound, tries)
    result.demand("B keeps 95 % of its rate", share >= 0.95, f"{share:.0%}", timed=True)
    slower = stormy["p99"] / max(usual["p99"], 0.05)
    result.demand("B's p99 at most doubles", slower <= 2, f"{slower:.2f} times", timed=True)
    result.demand(
        "A keeps to 1.2 times its rate when it recovers", seconds <= 1.2 * rate + 1, seconds,
        timed=True,
    )  # fmt: skip
    if size is Size.LONG:
        result.demand("no tenth of a second holds 3 times the mean", tenths <= 0.3 * rate, tenths,
                      timed=True)  # fmt: skip
        result.demand("A is drained within 60 s", drained <= 60, f"{drained:.0f} s", timed=True)
    return result


async def _throughput(stage: Stage, many: int) -> dict[str, Any]:
    began = time.monotonic()
    went = await stage.oracle.issue(many, batch=100)
    assert await stage.oracle.until("b", went["last"] + 1, 300)
    seconds = time.monotonic() - began
    latencies = await stage.oracle.latencies("b", went["first"], went["last"])
    return {"rate": many / seconds, "p99": latencies[int(0.99 * len(latencies))]}


def _probes(seconds: float) -> list[float]:
    found, at = [], 0.0
    for wait in PROBES:
        at += wait
        if at <= seconds:
            found.append(at)
    return found


def _most(times: list[float], width: float) -> int:
    """Return the most requests within any so many seconds, on a grid of a tenth of them."""
    bins = Counter(int(at / (width / 10)) for at in times)
    return max((sum(bins[start + n] for n in range(10)) for start in bins), default=0)


FAULT = Fault(
    "F6",
    "503 storm at one destination",
    "B at ≥ 95 % of its rate, p99 ≤ 2 times; A loses 0, its attempts bounded by the breaker,"
    " drained within 60 s without a herd",
    run,
)
