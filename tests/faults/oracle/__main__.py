"""The process: reads questions, one a line, and answers each; ends with its input."""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from tests.faults.oracle import verdict
from tests.faults.oracle.issuing import Issuer
from tests.faults.oracle.receiving import Behaviour, Receiver


class Process:
    """What may be asked: the public methods, by name."""

    def __init__(self, folder: Path, token: str, write_key: str) -> None:
        self._secrets = [token, write_key]
        self._issuer = Issuer(folder, write_key)
        self._receiver = Receiver(token)

    async def run(self) -> None:
        """Answer until the input ends."""
        await self._receiver.start()
        reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        tasks = set()
        while line := await reader.readline():
            task = asyncio.create_task(self._answer(*orjson.loads(line)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        for task in tasks:
            task.cancel()
        await self._receiver.stop()

    async def _answer(self, number: int, what: str, arguments: dict[str, Any]) -> None:
        value = error = None
        try:
            value = await getattr(self, what)(**arguments)
        except Exception as raised:  # noqa: BLE001  whoever asked has to know
            error = f"{what}: {type(raised).__name__}: {raised}"
        sys.stdout.buffer.write(orjson.dumps([number, value, error]) + b"\n")
        sys.stdout.buffer.flush()

    async def url(self) -> str:
        return self._receiver.url

    async def aim(self, url: str) -> None:
        self._issuer.url = url

    async def issue(self, **options: Any) -> dict[str, Any]:
        return await self._issuer.issue(**options)

    async def answer(self, destination: str, behaviour: dict[str, Any]) -> None:
        self._receiver.behaviours[destination] = Behaviour(**behaviour)

    async def state(self) -> dict[str, Any]:
        return {
            "issued": self._issuer.issued,
            "acked": len(self._issuer.acked),
            "statuses": dict(self._issuer.statuses),
            "received": {name: len(one.digests) for name, one in self._receiver.seen.items()},
            "requests": {name: len(one.arrivals) for name, one in self._receiver.seen.items()},
        }

    async def until(self, destination: str, many: int, seconds: float) -> bool:
        return await self._seen(destination, lambda seen: len(seen.digests) >= many, seconds)

    async def asked(self, destination: str, seconds: float) -> bool:
        before = len(self._receiver.seen[destination].arrivals)
        return await self._seen(destination, lambda seen: len(seen.arrivals) > before, seconds)

    async def fresh(self, destinations: list[str], seconds: float) -> float | None:
        began = time.monotonic()
        number = self._issuer.issued
        try:
            async with asyncio.timeout(seconds):
                await self._issuer.issue(1)
        except TimeoutError:
            return None
        for name in destinations:
            left = seconds - (time.monotonic() - began)
            if not await self._seen(name, lambda seen: number in seen.digests, left):
                return None
        return time.monotonic() - began

    async def _seen(self, destination: str, holds: Any, seconds: float) -> bool:
        seen = self._receiver.seen[destination]
        try:
            async with asyncio.timeout(seconds):
                while not holds(seen):
                    seen.changed.clear()
                    await seen.changed.wait()
        except TimeoutError:
            return False
        return True

    async def receipts(self, destination: str) -> list[Any]:
        return self._receiver.seen[destination].receipts

    async def arrivals(self, destination: str) -> list[Any]:
        return self._receiver.seen[destination].arrivals

    async def latencies(self, destination: str, first: int, last: int) -> list[float]:
        arrived: dict[int, float] = {}
        for number, at, _ in self._receiver.seen[destination].receipts:
            arrived.setdefault(number, at)
        sent = self._issuer.sent
        return sorted(arrived[one] - sent[one] for one in range(first, last + 1) if one in arrived)

    async def sent(self, first: int, last: int) -> list[float]:
        return [self._issuer.sent[number] for number in range(first, last + 1)]

    async def verdict(self, **evidence: Any) -> dict[str, Any]:
        secrets = [*self._secrets, *evidence.pop("secrets", [])]
        return verdict.judge(self._issuer, self._receiver, secrets=secrets, **evidence)


if __name__ == "__main__":
    asyncio.run(Process(Path(sys.argv[1]), sys.argv[2], sys.argv[3]).run())
