"""F5: the disk of the queue is full, to the last byte, while events come in and go out."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from tests.faults.fault import Fault, Result, Size, Unavailable
from tests.faults.stage import Stage

MEGABYTE = 1024 * 1024
SIZE = 48
"""Megabytes of the disk; the queue sets 32 of them aside."""

LARGE = 160
FREE_BYTES = 30_000_000
WAITING = 3_000
"""Events that wait while somebody else fills a disk that is so large, of which so much is to stay
free: what the log has of them has to be written back on the full disk.
"""

REFUSALS = frozenset({"429", "503", "507"})


async def run(size: Size, folder: Path) -> Result:
    """Fill it with events that nobody takes, and with a file of somebody else; then let them go."""
    result = await _filled(size, folder / "ours")
    beside = await _filled_by_others(folder / "others")
    result.demands += beside.demands
    result.figures["delivered on a disk that others filled"] = beside.figures["acknowledged"]
    return result


async def _filled(size: Size, folder: Path) -> Result:
    cycles = 3 if size is Size.LONG else 2  # the second finds the reserve spent
    result = Result()
    refused = 0
    async with _disk(folder / "queue"):
        queue = {"min_free_bytes": 0}
        async with Stage(folder, "a", queue=queue) as stage:
            await stage.serve()
            for _ in range(cycles):
                await stage.oracle.answer("a", status=503)
                refused += await _fill(stage, result)
                await stage.oracle.answer("a")
                emptied = await stage.drained()
                result.demand("all is delivered while the disk is full", emptied)
                await _restart_while_full(stage, result)
                (folder / "queue" / "filling").unlink()
            counts = await stage.judge(result)
    result.figures |= {
        "times full": cycles,
        "calls refused": refused,
        "delivered": counts["a"]["delivered"],
    }
    return result


async def _filled_by_others(folder: Path) -> Result:
    result = Result()
    queue = {"min_free_bytes": FREE_BYTES}
    async with _disk(folder / "queue", LARGE), Stage(folder, "a", queue=queue) as stage:
        await stage.serve()
        await stage.oracle.answer("a", status=503)
        await stage.oracle.issue(WAITING, batch=50)
        _write(folder / "queue" / "filling")
        await stage.oracle.answer("a")
        emptied = await stage.drained(60)
        result.demand("all is delivered while others fill the disk", emptied)
        (folder / "queue" / "filling").unlink()
        await stage.judge(result)
    return result


async def _fill(stage: Stage, result: Result) -> int:
    """Send until it is refused, fill what is left of the disk, and send once more."""
    refused = 0
    others: set[str] = set()
    while not refused:
        went = await stage.oracle.issue(500, batch=50, again=False)
        refused += _refusals(went["statuses"], others)
    _write(stage.folder / "queue" / "filling")
    went = await stage.oracle.issue(200, batch=50, again=False)
    statuses = went["statuses"]
    refused += _refusals(statuses, others)
    result.demand("a full disk is never answered with 200", "200" not in statuses, statuses)
    result.demand("calls are taken or refused, nothing else", not others, sorted(others))
    return refused


def _refusals(statuses: dict[str, int], others: set[str]) -> int:
    others |= set(statuses) - REFUSALS - {"200"}
    return sum(many for status, many in statuses.items() if status in REFUSALS)


def _write(path: Path) -> None:
    """Fill what is left of the disk, to the last byte."""
    with path.open("ab", buffering=0) as file:
        for part in (MEGABYTE, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * part)


async def _restart_while_full(stage: Stage, result: Result) -> None:
    """End it on the full disk, and start it there again."""
    assert stage.service is not None
    _write(stage.folder / "queue" / "filling")
    result.demand("SIGTERM ends it with 0 on the full disk", await stage.service.end() == 0)
    try:
        await stage.serve()
    except RuntimeError as error:
        result.demand("it starts on the full disk", False, error)


@contextlib.asynccontextmanager
async def _disk(folder: Path, megabytes: int = SIZE) -> AsyncIterator[None]:
    """Mount a small disk in memory; raises ``Unavailable`` where that is not permitted."""
    if os.geteuid() != 0:
        raise Unavailable("mounting a small disk needs root")
    await _call("mkdir", "-p", str(folder))
    size = f"size={megabytes}m"
    code, said = await _call("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder))
    if code:
        raise Unavailable(f"a small disk cannot be mounted: {said}")
    try:
        yield
    finally:
        await _call("umount", "-l", str(folder))


async def _call(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().strip()


FAULT = Fault(
    "F5",
    "disk full",
    "refused, never 200; no crash; acknowledgements go on; resumes by itself; 0 lost",
    run,
)
