"""The oracle's process, as the faults see it."""

import asyncio
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

ROOT = Path(__file__).parents[3]

LONGEST_LINE = 64 * 1024 * 1024


class Oracle:
    """An async context manager; every method is one question, answered by the process.

    ``url`` is where its destinations are: the URL of one is ``url`` + ``/`` + its name.
    """

    def __init__(self, folder: Path, *, token: str, write_key: str) -> None:
        self.url = ""
        self._folder = folder
        self._secrets = (token, write_key)
        self._turn = asyncio.Lock()
        self._asked = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.oracle", str(self._folder), *self._secrets,
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self._process))
        self.url = await self.ask("url")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()  # the end of its input is its end
            await self._process.wait()
        if self._reading is not None:
            await self._reading

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            number, value, error = orjson.loads(line)
            answer = self._answers.pop(number)
            if answer.done():
                continue
            if error is None:
                answer.set_result(value)
            else:
                answer.set_exception(RuntimeError(f"oracle: {error}"))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(RuntimeError("oracle: its process has ended"))

    async def ask(self, what: str, **arguments: Any) -> Any:
        """Ask for something; the methods below are what may be asked."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._asked += 1
        answer = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(orjson.dumps([self._asked, what, arguments]) + b"\n")
        await self._process.stdin.drain()
        return await answer

    async def aim(self, url: str) -> None:
        """Send to this service from now on."""
        await self.ask("aim", url=url)

    async def issue(self, many: int, **options: Any) -> dict[str, Any]:
        """Send so many new events; return when each was acknowledged, or given up.

        ``batch`` (10) events a call, ``clients`` (4) calls at once, ``users`` (50), ``again``
        (True: a call without a 2xx is repeated until there is one), ``rate`` (events a second,
        None), ``first`` (send these numbers again), ``beside`` (JSON in the midst of each call).
        Returns ``first`` and ``last`` (numbers), ``seconds`` and ``statuses`` of the calls.
        """
        said: dict[str, Any] = await self.ask("issue", many=many, **options)
        return said

    async def answer(self, destination: str, **behaviour: Any) -> None:
        """Let a destination answer differently: see ``Behaviour``; without any, as usual."""
        await self.ask("answer", destination=destination, behaviour=behaviour)

    async def state(self) -> dict[str, Any]:
        """Return ``issued``, ``acked``, ``statuses``; by destination: different events, requests.

        The latter are ``received`` (taken and told so), ``requests`` (all that came).
        """
        said: dict[str, Any] = await self.ask("state")
        return said

    async def until(self, destination: str, many: int, seconds: float = 60) -> bool:
        """Wait until a destination has received so many different events; tell whether it has."""
        return bool(await self.ask("until", destination=destination, many=many, seconds=seconds))

    async def asked(self, destination: str, seconds: float = 60) -> bool:
        """Wait for a request to a destination, whatever it is answered; tell whether one came."""
        return bool(await self.ask("asked", destination=destination, seconds=seconds))

    async def fresh(self, destinations: list[str], seconds: float = 60) -> float | None:
        """Send one new event; return after how many seconds all have it, None if they have not."""
        said: float | None = await self.ask("fresh", destinations=destinations, seconds=seconds)
        return said

    async def receipts(self, destination: str) -> list[list[Any]]:
        """Return what a destination took, in order: number, Unix seconds, whether it said so."""
        said: list[list[Any]] = await self.ask("receipts", destination=destination)
        return said

    async def arrivals(self, destination: str) -> list[list[Any]]:
        """Return every request to a destination: Unix seconds, events in it, status answered."""
        said: list[list[Any]] = await self.ask("arrivals", destination=destination)
        return said

    async def latencies(self, destination: str, first: int, last: int) -> list[float]:
        """Return the seconds from first sending to first arrival of these numbers, sorted."""
        said: list[float] = await self.ask(
            "latencies", destination=destination, first=first, last=last
        )
        return said

    async def sent(self, first: int, last: int) -> list[float]:
        """Return when each of these numbers was sent first, in Unix seconds."""
        said: list[float] = await self.ask("sent", first=first, last=last)
        return said

    async def verdict(self, **evidence: Any) -> dict[str, Any]:
        """Judge; see ``tests.faults.oracle.verdict.judge``."""
        said: dict[str, Any] = await self.ask("verdict", **evidence)
        return said
