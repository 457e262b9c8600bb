"""F7: destinations that ask to wait, in every form of `Retry-After`."""

import asyncio
import sqlite3
import time
from email.utils import formatdate
from pathlib import Path

from tests.faults import ahead
from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import Stage

CONCURRENCY = 4

DELIVERY = {
    "batch_age": 0.01,
    "concurrency": CONCURRENCY,
    "backoff": 0.05,
    "backoff_limit": 0.5,
    "retry_window": 0,
    "retry_attempts": 1,
}
"""One attempt that counts, and an event is dead."""

WAIT = 3
DAY = 86_400

FORMS = {
    "seconds": str(WAIT),
    "date": "",  # made when it is needed
    "zero": "0",
    "negative": "-5",
    "years": str(10 * 365 * DAY),
    "garbage": "soon, perhaps",
}


async def run(size: Size, folder: Path) -> Result:
    """Let each destination answer 429 at first; then let it take what comes."""
    many, rate = (2_000, 100.0) if size is Size.LONG else (60, 40.0)
    result = Result()
    async with Stage(
        folder, *FORMS, delivery=DELIVERY, plugins={"single": "tests.faults.single"}
    ) as stage:
        for name in FORMS:
            stage.configuration["destinations"][name]["plugin"] = "single"
        change: dict[str, dict[str, float]] = {
            "seconds": {"rate": rate},
            "garbage": {"retry_attempts": 2},
        }
        for name, values in change.items():
            stage.configuration["destinations"][name]["delivery"] = {**DELIVERY, **values}
        stage.write()
        service = await stage.serve()
        date = int(time.time() + WAIT + 1)
        for name, value in FORMS.items():
            told = value or formatdate(date, usegmt=True)
            await stage.oracle.answer(name, status=429, headers={"Retry-After": told})
        issuing = asyncio.create_task(stage.oracle.issue(many))
        waiting = {name: asyncio.create_task(_first_two(stage, name)) for name in FORMS}
        await issuing
        for name in FORMS:
            if name != "years":
                first, second = await waiting[name]
                result.figures[f"{name}, first wait"] = f"{second - first:.2f} s"
                await stage.oracle.until(name, many, 120)
        await _kept_to(stage, result, "seconds", (await waiting["seconds"])[0] + WAIT)
        await _kept_to(stage, result, "date", date)
        arrivals = [at for at, _, status in await stage.oracle.arrivals("seconds") if status == 200]
        seen = (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
        result.figures["rate afterwards"] = f"{seen:.0f} a second (limit {rate:g})"
        near = 0.9 * rate <= seen <= 1.1 * rate
        result.demand("the rate returns to its limit, ±10 %", near, f"{seen:.0f}", timed=True)
        await service.end()
        await _in_the_future(stage, result)
        counts = await stage.judge(result)
    dead = {name: counts[name]["dead"] for name in FORMS if name != "garbage"}
    result.demand("waiting costs no attempt: nobody is dead of it", not any(dead.values()), dead)
    return result


async def _first_two(stage: Stage, name: str) -> tuple[float, float]:
    """Let it refuse until it has been silent for a second; return when it was asked, and again."""
    oracle = stage.oracle
    while not (arrivals := await oracle.arrivals(name)):
        await asyncio.sleep(0.01)
    first = arrivals[0][0]
    await asyncio.sleep(1)
    refused = len(await oracle.arrivals(name))
    if name != "years":
        await oracle.answer(name)
        while len(arrivals := await oracle.arrivals(name)) == refused:
            await asyncio.sleep(0.02)
    return first, arrivals[-1][0]


async def _kept_to(stage: Stage, result: Result, name: str, until: float) -> None:
    early = [at for at, _, _ in await stage.oracle.arrivals(name) if at < until - 0.05]
    result.demand(
        f"{name}: nothing is sent before the time, but for what was on its way",
        len(early) <= CONCURRENCY, f"{len(early)} requests",
    )  # fmt: skip


async def _in_the_future(stage: Stage, result: Result) -> None:
    """Look when what was told to wait for ten years is due, and serve a day later."""
    with sqlite3.connect(f"file:{stage.queue_path}?mode=ro", uri=True) as queue:
        (due,) = queue.execute("SELECT max(due) FROM jobs WHERE destination = 'years'").fetchone()
    hours = (due - time.time()) / 3600
    result.figures["10 years become"] = f"{hours:.2f} h"
    result.demand("10 years are cut to a day", 23.9 < hours < 24.01, f"{hours:.2f} h")
    await stage.oracle.answer("years")
    later = ahead.environment(stage.folder, DAY + 3600, stage.environment)
    await stage.serve(environment=later)
    many = (await stage.oracle.state())["issued"]
    arrived = await stage.oracle.until("years", many, 60)
    result.demand("a day later everything arrives", arrived, arrived)


FAULT = Fault(
    "F7",
    "`Retry-After` in all forms",
    "0 requests before the time; 24 h at most; no attempt consumed; the rate returns to its limit",
    run,
)
