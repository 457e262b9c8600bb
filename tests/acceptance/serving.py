"""`destinations serve`, running beside a test, and what stands between it and an SDK."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from tests.acceptance.destinations import Operator

KEY = "write-key-of-the-tests"


class Service:
    """One running `destinations serve`."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url
        self._log = asyncio.create_task(self._read())
        self.lines: list[str] = []

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.lines.append(line.decode())

    async def post(self, session: aiohttp.ClientSession, events: list[Any]) -> bool:
        """Send a batch; tell whether it was acknowledged."""
        body = {"writeKey": KEY, "batch": events}
        try:
            async with session.post(f"{self.url}/v1/batch", json=body) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; return the exit code."""
        self.process.send_signal(number)
        code = await self.process.wait()
        await self._log
        return code


@asynccontextmanager
async def serving(operator: Operator, *options: str) -> AsyncIterator[Service]:
    """Run `serve` on a free port; nothing it says may hold a secret."""
    config = json.loads((operator.folder / "c.json").read_text())
    config["sources"] = {"web": {"write_keys": [KEY]}}
    (operator.folder / "s.json").write_text(json.dumps(config), "utf-8")
    process = await operator.start("serve", "s.json", "--listen", "127.0.0.1:0", *options)
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    assert "listening on" in line, line + (await process.stderr.read()).decode()
    service = Service(process, line.split("listening on ")[1].split(",")[0])
    service.lines.append(line)
    try:
        yield service
    finally:
        if process.returncode is None:
            await service.end(signal.SIGKILL)
        said = "".join(service.lines)
        assert operator.simulator.api_key not in said
        assert KEY not in said


def held(operator: Operator) -> list[int]:
    """Return the numbers of the events that the simulator holds, sorted."""
    return sorted(one.attributes["number"] for one in operator.simulator.state.events)


async def until(operator: Operator, many: int, seconds: float = 20) -> None:
    """Wait until the simulator holds so many different events."""
    async with asyncio.timeout(seconds):
        while len(set(held(operator))) < many:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def said(service: Service, words: str, seconds: float = 20) -> str:
    """Wait until the service has logged these words; return the line."""
    async with asyncio.timeout(seconds):
        while True:
            for line in service.lines:
                if words in line:
                    return line
            await asyncio.sleep(0.02)


@dataclass
class Gate:
    """A proxy that answers as it is told, then lets calls through; `seen` is what came by."""

    url: str = ""
    seen: list[tuple[int, dict[str, str]]] = field(default_factory=list)


@asynccontextmanager
async def gate(
    service: Service, refuse: Sequence[tuple[int, dict[str, str]]], *, lose: Sequence[int] = ()
) -> AsyncIterator[Gate]:
    """Refuse the first calls with these answers; of those let through, lose some answers.

    A lost answer is one of which the caller sees a 503, although the events were taken.
    """
    made, refusals, losses, passed = Gate(), iter(refuse), set(lose), iter(range(1_000_000))

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        status, headers = next(refusals, (0, {}))
        if not status:
            sent = {k: v for k, v in request.headers.items() if k not in ("Host", "Content-Length")}
            async with session.post(service.url + request.path, data=body, headers=sent) as answer:
                status, content = answer.status, await answer.read()
            if next(passed) in losses:
                status = 503
        else:
            content = b'{"code": "told_so", "message": "the test says so"}'
        made.seen.append((status, dict(request.headers)))
        return web.Response(status=status, body=content, headers=headers)

    async with aiohttp.ClientSession() as session:
        runner = web.ServerRunner(web.Server(handle, auto_decompress=False, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield made
        finally:
            await runner.cleanup()
