"""Where a fault takes place: a configuration, the oracle, and the service between its two ends."""

import asyncio
import json
import os
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.faults.fault import Result
from tests.faults.oracle import Oracle
from tests.faults.oracle.handle import ROOT
from tests.faults.service import Service

QUICK: Mapping[str, Any] = {"backoff": 0.05, "backoff_limit": 0.5, "batch_age": 0.01}
"""Delivery that repeats soon: what takes minutes in earnest takes moments here."""

FRESH_SECONDS = 5.0
"""Within which a new event must flow once the faults are over."""


class Stage:
    """An async context manager: `serve` as often as you like, break it, then ``judge``.

    ``destinations`` are names, each with the oracle behind it by the plugin of ``target.py``.
    ``delivery`` and ``queue`` are these sections of the configuration; ``change`` gets the whole
    of it before it is written. ``plugins`` are further ones: entry point → module.
    """

    def __init__(
        self,
        folder: Path,
        *destinations: str,
        delivery: Mapping[str, Any] = QUICK,
        queue: Mapping[str, Any] | None = None,
        plugins: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.destinations = list(destinations or ("a",))
        self.service: Service | None = None
        self.environment: dict[str, str] = {}
        self.queue_path = folder / "queue" / "queue.db"
        self._token = f"canary-t0ken/{secrets.token_hex(8)}"
        self._write_key = f"canary-wr1te-{secrets.token_hex(8)}"
        self.oracle = Oracle(folder, token=self._token, write_key=self._write_key)
        self._delivery = dict(delivery)
        self._queue = dict(queue or {})
        self._plugins = {"target": "tests.faults.target", **(plugins or {})}
        self._starts = 0
        self._services: list[Service] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.oracle)
        self.environment |= {"TARGET_TOKEN": self._token, "PYTHONPATH": self._install()}
        self.queue_path.parent.mkdir(exist_ok=True)
        self.configuration = self._configuration()
        self.write()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for service in self._services:
            if service.process.returncode is None:
                service.process.kill()
                await service.process.wait()
        await self._stack.aclose()

    def _install(self) -> str:
        """Put the plugins where Python finds them, as installed distributions."""
        installed = self.folder / "installed"
        for slug, module in self._plugins.items():
            info = installed / f"{slug}-1.0.dist-info"
            info.mkdir(parents=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {slug}\nVersion: 1.0\n")
            (info / "entry_points.txt").write_text(f"[destination_core]\n{slug} = {module}\n")
        return os.pathsep.join([str(installed), str(ROOT)])

    def _configuration(self) -> dict[str, Any]:
        return {
            "sources": {"oracle": {"write_keys": [self._write_key]}},
            "queue": {"path": str(self.queue_path), **self._queue},
            "destinations": {
                name: {
                    "plugin": "target",
                    "settings": {
                        "url": f"{self.oracle.url}/{name}",
                        "token": "${env:TARGET_TOKEN}",
                    },
                    "subscriptions": [{"action": "take"}],
                    "delivery": self._delivery,
                }
                for name in self.destinations
            },
        }

    def write(self) -> None:
        """Write ``configuration``, after it was changed."""
        (self.folder / "c.json").write_text(json.dumps(self.configuration), "utf-8")

    async def start(
        self,
        *arguments: str,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> Service:
        """Start a command of `destinations`; its log is a file of its own."""
        self._starts += 1
        service = await Service.start(
            arguments,
            folder=self.folder,
            log=self.folder / f"log-{self._starts}",
            environment={**self.environment, **(environment or {})},
            prefix=prefix,
            output=output,
        )
        self._services.append(service)
        return service

    async def serve(
        self, *, prefix: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> Service:
        """Start `serve` on a free port, wait until it listens, and aim the oracle at it."""
        service = await self.start(
            *("serve", "c.json", "--listen", "127.0.0.1:0"), prefix=prefix, environment=environment
        )
        self.service = service
        await service.listening()
        await self.oracle.aim(service.url)
        return service

    async def command(self, *arguments: str) -> tuple[int, bytes]:
        """Run a command of `destinations` to its end; return its exit code and what it printed."""
        output = self.folder / f"output-{self._starts + 1}"
        service = await self.start(*arguments, output=output)
        code = await service.process.wait()
        return code, output.read_bytes()

    async def drained(self, seconds: float = 120) -> bool:
        """Wait until nothing is queued any more; tell whether that came about."""
        assert self.service is not None
        try:
            async with asyncio.timeout(seconds):
                while await self.service.metric("destinations_queue_deliveries", state="queued"):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Read the queue's file, beside whoever runs."""
        file = sqlite3.connect(f"{self.queue_path.as_uri()}?mode=ro", uri=True)
        try:
            return file.execute(statement).fetchall()
        finally:
            file.close()

    def logs(self) -> str:
        """Return everything that the processes said."""
        return "".join(one.log.read_text("utf-8", "replace") for one in self._services)

    async def judge(
        self, result: Result, *, destinations: Sequence[str] = (), seconds: float = 120
    ) -> dict[str, Any]:
        """End it: a fresh event, an empty queue, exit 0, and the oracle's demands.

        ``destinations`` are those to which a fresh event must flow, by default all. Returns the
        counts that `destinations status` shows at the end.
        """
        assert self.service is not None
        fresh = await self.oracle.fresh(list(destinations or self.destinations), seconds)
        shown = "never" if fresh is None else f"{fresh:.2f} s"
        result.demand("a fresh event flows", fresh is not None, shown)
        quick = fresh is not None and fresh <= FRESH_SECONDS
        result.demand(f"... within {FRESH_SECONDS:g} s", quick, shown, timed=True)
        drained = await self.drained(seconds)
        result.demand("the queue becomes empty", drained, "" if drained else "it did not")
        _, pages = await self.service.get("/metrics")
        (self.folder / "metrics").write_text(pages, "utf-8")
        code = await self.service.end()
        result.demand("SIGTERM ends it with 0", code == 0, code)
        return await self.verdict(result)

    async def verdict(self, result: Result, *, drained: bool = True) -> dict[str, Any]:
        """Add the oracle's demands and figures; nothing runs any more."""
        code, status = await self.command("status", "c.json", "--json")
        counts: dict[str, Any] = json.loads(status)
        shown = "; ".join(counts["damage"]) or f"exit code {code}"
        result.demand("`destinations status` finds nothing amiss", code == 0, shown)
        _, export = await self.command("dead", "export", "c.json")
        (self.folder / "dead").write_bytes(export)
        said = await self.oracle.verdict(
            destinations=self.destinations,
            counts=counts["destinations"],
            dead_path=str(self.folder / "dead"),
            files=[str(path) for path in self.evidence()],
            drained=drained,
        )
        for text, held, seen in said["demands"]:
            result.demand(text, held, seen)
        result.figures |= said["figures"]
        found: dict[str, Any] = counts["destinations"]
        return found

    def evidence(self) -> list[Path]:
        """Return the files that no secret may be in: logs, pages, queue, dead letters."""
        mine = [path for path in self.folder.iterdir() if path.is_file() and path.name != "c.json"]
        return mine + [path for path in self.queue_path.parent.iterdir() if path.is_file()]
