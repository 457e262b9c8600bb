"""F20: a runner is paused with events in hand; another takes them over; the first comes back."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.faults.fault import Fault, Result, Size
from tests.faults.service import Service
from tests.faults.stage import QUICK, Stage

LEASE = 2.0
"""Seconds after which what a paused runner holds may be claimed by another."""

ANSWER = 6.0
"""Seconds until the paused runner's requests are answered: it is paused before."""

FLIGHT = 2
"""Requests in flight: more is in hand, and waits its turn when the pause comes."""

LONG_PAUSE = 90.0
"""Seconds of one of the pauses of the long form; the others last as long as the other needs."""

LOST = "leases had been lost to another runner"


async def run(size: Size, folder: Path) -> Result:
    """Refuse (409) what the paused one holds, take it from the other: it must not be buried."""
    rounds, events = (20, 2_000) if size is Size.LONG else (1, 300)
    result = Result()
    refused = late = 0
    delivery = {**QUICK, "lease": LEASE, "concurrency": FLIGHT}
    async with Stage(folder, "a", delivery=delivery) as stage:
        paused = await stage.serve()
        for number in range(rounds):
            await stage.oracle.answer("a", status=409, delay=ANSWER)
            seen = len(await stage.oracle.arrivals("a"))
            await stage.oracle.issue(events, batch=50)
            await _flying(stage, seen + FLIGHT)
            await _pause(paused, stage)
            held = stage.query("SELECT count(*) FROM jobs WHERE owner != 0")[0][0]
            await stage.oracle.answer("a")
            other = await stage.serve()
            emptied = await stage.drained()
            if size is Size.LONG and number == 0:
                await asyncio.sleep(LONG_PAUSE)
            before = len(await stage.oracle.arrivals("a"))
            paused.process.send_signal(signal.SIGCONT)
            await _told(paused)
            code = await paused.end()
            late += len(await stage.oracle.arrivals("a")) - before
            refused += _refused(paused)
            if not (held and emptied and code == 0):
                told = f"{held} held, emptied: {emptied}, exit code {code}"
                result.demand("held, taken over, ended in order", False, told)
            paused = other
        counts = await stage.judge(result)
    result.figures |= {"pauses": rounds, "settlements refused": refused}
    result.demand("what the paused one held was refused to it", refused >= rounds, refused)
    buried = counts["a"]["dead"]
    result.demand("what it had not sent before, it does not send", not late, late)
    result.demand("it buried nothing that the other delivered", not buried, buried)
    return result


async def _flying(stage: Stage, arrivals: int, seconds: float = 60) -> None:
    """Wait until all requests that may be in flight have arrived.

    One that is on its way to the socket when the pause comes has passed the look at the lease, and
    is sent after it: no sender can prevent that, so none may be on its way.
    """
    async with asyncio.timeout(seconds):
        while len(await stage.oracle.arrivals("a")) < arrivals:
            await asyncio.sleep(0.01)


async def _pause(service: Service, stage: Stage) -> None:
    """Stop it between two transactions: within one it holds the file, and all wait for it."""
    while True:
        service.process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(stage.queue_path, timeout=0.2, isolation_level=None)) as file:
            try:
                file.execute("BEGIN IMMEDIATE")
                file.execute("ROLLBACK")
            except sqlite3.OperationalError:
                service.process.send_signal(signal.SIGCONT)
                await asyncio.sleep(0)
            else:
                return


async def _told(service: Service, seconds: float = 60) -> None:
    """Wait until it has learnt that it was too late."""
    async with asyncio.timeout(seconds):
        while LOST not in service.log.read_text("utf-8"):
            await asyncio.sleep(0.05)


def _refused(service: Service) -> int:
    """Return how many settlements were refused to it."""
    lines = [line for line in service.log.read_text("utf-8").splitlines() if LOST in line]
    return sum(int(line.split(f" {LOST}")[0].split(" of ")[-2].split()[-1]) for line in lines)


FAULT = Fault(
    "F20",
    "two runners, one paused",
    "the one that comes back sends and settles nothing; one end per event; 0 lost",
    run,
)
