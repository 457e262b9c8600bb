"""A running `destinations serve` or `run`, to be broken."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import aiohttp

from tests.acceptance.destinations import PROGRAM

STARTED = "listening on "

GONE = -signal.SIGKILL

INSTALLED = {"PYTHONDONTWRITEBYTECODE": ""}
"""What is installed has its bytecode; here the first start writes it, whatever tests do."""


class Service:
    """One process; what it says goes to the file ``log``."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.url = ""

    @classmethod
    async def start(
        cls,
        arguments: Sequence[str],
        *,
        folder: Path,
        log: Path,
        environment: Mapping[str, str],
        prefix: Sequence[str] = (),
        output: Path | None = None,
    ) -> Self:
        """Start a command; ``prefix`` are programs that run it (`strace ...`).

        What it prints goes to ``output``, by default to the log as well.
        """
        variables = {**os.environ, **INSTALLED, **environment}
        with log.open("ab") as file, (output or log).open("ab") as printed:
            process = await asyncio.create_subprocess_exec(
                *prefix, PROGRAM, *arguments, cwd=folder, env=variables,
                stdin=asyncio.subprocess.DEVNULL, stdout=printed, stderr=file,
            )  # fmt: skip
        return cls(process, log)

    async def listening(self, seconds: float = 60) -> None:
        """Wait until it takes events, at ``url``. Raises ``RuntimeError`` if it ends first."""
        async with asyncio.timeout(seconds):
            while not self.url:
                text = self.log.read_text("utf-8")
                if STARTED in text and "\n" in text.split(STARTED, 1)[1]:
                    self.url = text.split(STARTED, 1)[1].split(",")[0].split()[0]
                elif self.process.returncode is not None:
                    raise RuntimeError(f"ended with {self.process.returncode}: {text[-2000:]}")
                else:
                    await asyncio.sleep(0.01)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.process.wait()

    async def get(self, path: str) -> tuple[int, str]:
        """Ask it for a page: status and text; status 0 when it does not answer."""
        try:
            async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, OSError):
            return 0, ""

    async def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        _, text = await self.get("/metrics")
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if line.split("{")[0].split(" ")[0] == name and all(one in line for one in wanted)
        )

    def resident_bytes(self) -> int:
        """Return the memory that it holds."""
        fields = Path(f"/proc/{self.process.pid}/statm").read_text("utf-8").split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
