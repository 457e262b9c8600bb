"""F11: events whose handler raises, hangs, exits, crashes or blocks; the others must go through."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from tests.faults.fault import Fault, Result, Size
from tests.faults.poisonous import EVERY, FATAL, SPACING, kind
from tests.faults.stage import QUICK, Stage

DEADLINE = 2.0
"""Seconds that a handler has; a blocked process ends itself after twice that."""

CRASHES = 3
"""With an event in hand, after which it is poison; see ``connection/policy.py``."""


async def run(size: Size, folder: Path) -> Result:
    """Send events to a poisonous destination and to one that is well; restart what ends."""
    many, every = (50_000, 1_000) if size is Size.LONG else (3 * EVERY, EVERY)
    poison = {number: found for number in range(many) if (found := kind(number, every))}
    kinds = Counter(poison.values())
    result = Result()
    delivery = {**QUICK, "deadline": DEADLINE, "retry_attempts": 1, "retry_window": 0}
    async with Stage(
        folder, "poisonous", "well", delivery=delivery,
        plugins={"poisonous": "tests.faults.poisonous"},
    ) as stage:  # fmt: skip
        one = stage.configuration["destinations"]["poisonous"]
        one |= {
            "plugin": "poisonous",
            "subscriptions": [{"action": "scribble"}, {"action": "take"}],
        }
        stage.write()
        stage.environment[SPACING] = str(every)
        await stage.serve()
        ends: Counter[str] = Counter()
        supervising = asyncio.create_task(_supervised(stage, ends))
        await stage.oracle.issue(many)
        well = await stage.oracle.until("well", many, 600)
        result.demand("the other destination gets everything", well, well)
        settled = await stage.oracle.until("poisonous", many - len(poison), 600)
        result.demand("all but the poison is delivered", settled, settled)
        await _empty(stage)
        supervising.cancel()
        await asyncio.gather(supervising, return_exceptions=True)
        counts = await stage.judge(result)
        dead = _dead(folder / "dead")
    expected = {number: "POISON" if one in FATAL else None for number, one in poison.items()}
    wrong = sorted(dead.keys() ^ expected.keys())
    result.demand("exactly the poison is dead", not wrong, wrong[:5] or len(dead))
    codes = {number: code for number, code in dead.items() if expected.get(number) == "POISON"}
    result.demand("what ended the process is named as poison", set(codes.values()) <= {"POISON"},
                  set(codes.values()))  # fmt: skip
    fatal = sum(kinds[one] for one in FATAL)
    bound = CRASHES * fatal
    result.demand("no restart loop: 3 ends for each that crashes", sum(ends.values()) <= bound,
                  dict(ends))  # fmt: skip
    result.figures |= {
        "poison": ", ".join(f"{many} {name}" for name, many in kinds.items()),
        "ends of the process": sum(ends.values()),
        "delivered": counts["poisonous"]["delivered"],
    }
    return result


async def _supervised(stage: Stage, ends: Counter[str]) -> None:
    """Do what a supervisor does: start it again whenever it has ended."""
    while True:
        assert stage.service is not None
        ends[str(await stage.service.process.wait())] += 1
        with contextlib.suppress(RuntimeError):  # a backlog's poison may end it before it listens
            await stage.serve()


async def _empty(stage: Stage, seconds: float = 300) -> None:
    """Wait until nothing is queued, while the process may end at any moment."""
    async with asyncio.timeout(seconds):
        while True:
            assert stage.service is not None
            status, text = await stage.service.get("/metrics")
            queued = [
                float(line.rsplit(" ", 1)[1])
                for line in text.splitlines()
                if line.startswith("destinations_queue_deliveries") and 'state="queued"' in line
            ]
            if status == 200 and queued and not any(queued):
                return
            await asyncio.sleep(0.1)


def _dead(path: Path) -> dict[int, str]:
    """Read the export: the codes by number."""
    found: dict[int, str] = {}
    for line in path.read_bytes().splitlines():
        event: dict[str, Any] = orjson.loads(line)
        found[int(event["properties"]["body"]["number"])] = str(event["_delivery"]["code"])
    return found


FAULT = Fault(
    "F11",
    "poison handlers",
    "all others are delivered, exactly the poison (1 in 1,000 of 50,000) is dead-lettered,"
    " no restart loop",
    run,
)
