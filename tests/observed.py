"""A runner over a queue in a file, with metrics and health beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import destination_core as dc
from destination_core.health import Health
from destination_core.metrics import Metrics
from destination_core.queue import SqliteQueue
from destination_core.runner import Policy, Runner
from tests import acme
from tests.scripted import Answer, ScriptedTransport

FAST = Policy(backoff=0.01, backoff_limit=0.02, retry_window=0, retry_attempts=2, batch_age=0)


@dataclass
class Observed:
    """The parts."""

    queue: SqliteQueue
    runner: Runner
    metrics: Metrics
    health: Health
    transport: ScriptedTransport

    async def values(self) -> dict[str, float]:
        """Return what `/metrics` shows, by name and labels as they are written."""
        lines = (await self.metrics.page()).body.decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    async def settled(self) -> None:
        """Wait until nothing is queued."""
        async with asyncio.timeout(20):
            await self.runner.idle()


def connection(name: str) -> dc.Connection[Any]:
    """Open a connection to the CRM of the tests."""
    return dc.Connection(
        name,
        dc.Registry.of(acme).relay("acme"),
        settings={"api_key": f"key-of-{name}"},
        subscriptions=[dc.Subscription("Upsert", "upsertContact", 'type = "identify"')],
    )


@asynccontextmanager
async def observed(
    path: Path,
    *answers: Answer,
    names: tuple[str, ...] = ("a",),
    policy: Policy = FAST,
    watch: Callable[..., None] | None = None,
    **limits: int,
) -> AsyncIterator[Observed]:
    """Run everything; the destinations answer by the script."""
    transport = ScriptedTransport(*answers)
    async with SqliteQueue(path, **{"min_free_bytes": 0, **limits}) as queue:
        runner = Runner(
            [connection(name) for name in names],
            queue,
            transport=transport,
            policies=dict.fromkeys(names, policy),
        )
        metrics = Metrics(runner)
        if watch is not None:
            runner.attempt_watchers.append(watch)
        async with runner:
            yield Observed(queue, runner, metrics, Health(queue, runner), transport)


def person(number: int, **members: Any) -> dict[str, Any]:
    """Make an identify event."""
    return {"type": "identify", "userId": f"u{number}", "messageId": f"m{number}", **members}
