"""F13: each user's events arrive in their order, whatever breaks in between."""

import asyncio
import itertools
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.faults.event import USERS
from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage
from tests.faults.unruly import Unruly, Way, numbers

STALLED = 7
"""The user whose events nobody takes for a while."""

WAYS = (Way.BUSY, Way.RESET_BEFORE, Way.RESET_AFTER, Way.RESET_BODY)
SHARE = 0.1


async def run(size: Size, folder: Path) -> Result:
    """Kill the runner, refuse and reset calls, and take nothing of one user for a while."""
    each, kills = (400, 20) if size is Size.LONG else (8, 2)
    many = each * USERS
    result = Result()
    chance = random.Random(13)
    stalled = True

    def plan(body: bytes) -> Way:
        if stalled and any(number % USERS == STALLED for number in numbers(body)):
            return Way.BUSY
        return chance.choice(WAYS) if chance.random() < SHARE else Way.PASS

    async with (
        Stage(
            folder, "a", delivery={**QUICK, "order": "user"},
            plugins={"single": "tests.faults.single"},
        ) as stage,
        Unruly(stage.oracle.url, plan) as between,
    ):  # fmt: skip
        one = stage.configuration["destinations"]["a"]
        one |= {"plugin": "single", "settings": {**one["settings"], "url": f"{between.url}/a"}}
        stage.write()
        service = await stage.serve()
        issuing = asyncio.create_task(stage.oracle.issue(many, clients=1))
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.3, 1.0))
            service.process.kill()
            await service.process.wait()
            service = await stage.serve()
        await issuing
        others = await stage.oracle.until("a", many - each, 600)
        held = await _of_user(stage, STALLED)
        result.demand("others do not wait for the user whose events are not taken", others, others)
        result.demand("nothing of that user is taken meanwhile", not held, len(held))
        stalled = False
        began = time.monotonic()
        await stage.drained(300)
        result.figures["seconds to catch up with that user"] = round(time.monotonic() - began, 1)
        await stage.judge(result)
        receipts = await stage.oracle.receipts("a")
    wrong = _wrong(receipts)
    result.demand("events of a user arrive in their order", not wrong, wrong[:3] or "all of them")
    result.figures |= {"kills": kills, "users": USERS, "events of each": each}
    result.figures |= {str(way): between.ways[way] for way in WAYS}
    return result


async def _of_user(stage: Stage, user: int) -> list[Any]:
    return [one for one in await stage.oracle.receipts("a") if one[0] % USERS == user]


def _wrong(receipts: list[list[Any]]) -> list[str]:
    """Return where a user's events are not in order; one may only follow itself."""
    seen: dict[int, list[int]] = defaultdict(list)
    for number, _, _ in receipts:
        seen[number % USERS].append(number)
    return [
        f"u{user}: {late} after {early}"
        for user, found in seen.items()
        for early, late in itertools.pairwise(found)
        if late < early
    ]


FAULT = Fault(
    "F13",
    "order by user under kills, 503s and resets",
    "events of a user strictly in order, repeated only at once; other users are not stalled",
    run,
)
