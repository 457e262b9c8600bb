"""F9: peers that are slow on purpose, and talk without end: as destinations and as senders."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.fault import Fault, Result, Size
from tests.faults.stage import QUICK, Stage
from tests.faults.unruly import Unruly, Way, always

WAYS = {
    "hang": Way.HANG,
    "slow-head": Way.SLOW_HEAD,
    "slow-body": Way.SLOW_BODY,
    "endless-head": Way.ENDLESS_HEAD,
    "endless-body": Way.ENDLESS_BODY,
    "huge": Way.HUGE_BODY,
    "gibberish": Way.NOT_HTTP,
}
TOLD = ("endless-body", "huge")
"""Those that say 200 before they go on for ever."""

MIB = 2**20

HEAD = b"POST /v1/batch HTTP/1.1\r\nHost: x\r\n"
BEGINNINGS = (
    b"",  # nothing at all
    HEAD,  # headers that never end
    HEAD + b"Content-Length: 1000000\r\n\r\n",  # a body that never comes
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n",  # a body without end
)


async def run(size: Size, folder: Path) -> Result:
    """Deliver to destinations that tarry, while senders that tarry hold connections open."""
    many, slow, timeout = (5_000, 500, 3.0) if size is Size.LONG else (300, 100, 1.0)
    result = Result()
    async with (
        Stage(folder, *WAYS, "well", delivery=QUICK) as stage,
        AsyncExitStack() as stack,
    ):
        between = {}
        for name, way in WAYS.items():
            between[name] = await stack.enter_async_context(Unruly(stage.oracle.url, always(way)))
            stage.configuration["destinations"][name]["settings"] |= {
                "url": f"{between[name].url}/{name}", "timeout": timeout,
            }  # fmt: skip
        stage.write()
        service = await stage.serve()
        before = await _pace(stage, many)
        memory = service.resident_bytes()
        async with _senders(service.url, slow):
            status, _ = await service.get("/livez")
            result.demand("health is answered beside slow senders", status == 200, status)
            beside = await _pace(stage, many)
            await asyncio.sleep(timeout)
            grown = service.resident_bytes() - memory
        asked = {name: sum(one.ways.values()) for name, one in between.items()}
        received = (await stage.oracle.state())["received"]
        taken = {name: received.get(name, 0) for name in WAYS if name not in TOLD}
        result.demand("each tarrying destination was asked", all(asked.values()), asked)
        result.demand("what has no status is no success", not any(taken.values()), taken)
        for one in between.values():
            one.plan = always(Way.PASS)
        await stage.drained(600)
        await stage.judge(result)
    result.figures |= {
        "slow senders": slow,
        "events/s before, beside them": f"{before:,.0f}, {beside:,.0f}",
        "memory grew by": f"{grown / MIB:.0f} MiB",
    }
    result.demand("memory grows by less than 50 MiB", grown < 50 * MIB, f"{grown / MIB:.0f} MiB")
    return result


async def _pace(stage: Stage, many: int) -> float:
    """Send events and wait until the destination that is well has them; return events/s."""
    began = time.monotonic()
    went = await stage.oracle.issue(many, batch=100)
    assert await stage.oracle.until("well", went["last"] + 1, 240)
    return many / (time.monotonic() - began)


@asynccontextmanager
async def _senders(url: str, many: int) -> AsyncIterator[None]:
    """Open connections that send a byte a second, beginning in each of the ways."""
    where = urlsplit(url)
    tasks = [
        asyncio.create_task(
            _tarry(str(where.hostname), where.port or 0, BEGINNINGS[number % len(BEGINNINGS)])
        )
        for number in range(many)
    ]
    await asyncio.sleep(1)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tarry(host: str, port: int, beginning: bytes) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(beginning)
        while not reader.at_eof():
            writer.write(b"1\r\nx\r\n" if b"chunked" in beginning else b"x")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await reader.read(65_536)
    except OSError:
        pass  # it was cut off
    finally:
        writer.close()


FAULT = Fault(
    "F9",
    "slow loris, endless bodies, both ways",
    "deadlines hold; memory grows by less than 50 MiB; other destinations and senders go on",
    run,
)
