"""F12: hostile JSON and hostile HTTP; the good events beside it are taken."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from tests.faults.fault import Fault, Result, Size
from tests.faults.hostility import ITEMS, RAW, WHOLE
from tests.faults.stage import QUICK, Stage

GOOD = 4
"""Good events in each call, around the hostile one."""


async def run(size: Size, folder: Path) -> Result:
    """Send every case; two destinations: one for the good, one that takes whatever is accepted."""
    rounds = 25 if size is Size.LONG else 1
    result = Result()
    odd: dict[str, str] = {}
    async with Stage(
        folder, "a", delivery={**QUICK, "retry_attempts": 2, "retry_window": 0},
        plugins={"anything": "tests.faults.anything"},
    ) as stage, _sink() as sink:  # fmt: skip
        destinations = stage.configuration["destinations"]
        destinations["a"]["subscriptions"] = [
            {"action": "take", "trigger": 'event = "Fault Survived"'}
        ]
        destinations["anything"] = {
            **destinations["a"],
            "plugin": "anything",
            "settings": {**destinations["a"]["settings"], "url": sink},
            "subscriptions": [{"action": "take", "trigger": 'event != "Fault Survived"'}],
        }
        stage.write()
        service = await stage.serve()
        for _ in range(rounds):
            for name, item in ITEMS.items():
                went = await stage.oracle.issue(GOOD, batch=GOOD, again=False, beside=item)
                if set(went["statuses"]) != {"200"}:
                    odd[name] = str(went["statuses"])
        good = rounds * GOOD * len(ITEMS)
        arrived = await stage.oracle.until("a", good - GOOD * len(odd), 60)
        result.demand("good events beside a hostile one are taken", arrived and not odd, odd)
        whole = {name: await _posted(service.url, *call) for name, call in WHOLE.items()}
        wrong = {name: status for name, status in whole.items() if not 400 <= status < 500}
        result.demand("what is no call is refused with a 4xx", not wrong, wrong)
        raw = {name: await _raw(service.url, data) for name, data in RAW.items()}
        wrong = {name: status for name, status in raw.items() if status and not 400 <= status < 500}
        result.demand("what is no HTTP is refused, or cut off", not wrong, wrong)
        result.demand("the process lives", service.process.returncode is None)
        result.demand("no exception in the log", "Traceback" not in stage.logs())
        counts = await stage.judge(result)
    other = counts["anything"]
    result.figures |= {
        "cases": len(ITEMS) + len(WHOLE) + len(RAW),
        "good events beside them": good,
        "hostile events that were taken": other["accepted"],
        "and delivered": other["delivered"],
    }
    settled = other["delivered"] + other["dead"] == other["accepted"]
    result.demand("hostile events that were taken come to an end", settled, other)
    return result


@contextlib.asynccontextmanager
async def _sink() -> AsyncIterator[str]:
    """Say 200 to whatever comes."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        return web.Response(text="{}")

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _posted(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post a body; return the status."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/batch", data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status


async def _raw(url: str, data: bytes) -> int:
    """Send bytes; return the status, 0 when the connection is closed without one."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(40):
            line = await reader.readline()
        return int(line.split(b" ")[1]) if line.startswith(b"HTTP/1.") else 0
    except OSError:
        return 0
    finally:
        writer.close()


FAULT = Fault(
    "F12",
    "hostile JSON",
    "never a 5xx, never the end of the process; good events in the same call are taken",
    run,
)
