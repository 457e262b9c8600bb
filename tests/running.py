"""A runner beside a test, and all destinations in one transport."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

import destination_core as dc
from destination_core.http import Request, Response
from destination_core.queue import SqliteQueue
from destination_core.runner import Policy, Runner
from tests import acme

FAST = Policy(
    backoff=0.01, backoff_limit=0.02, retry_window=0, retry_attempts=3, deadline=0.2, batch_age=0
)


class Destinations:
    """A transport that is all destinations at once: it counts, and answers as it is told."""

    def __init__(self) -> None:
        self.got: dict[str, list[str]] = {}
        self.answer: Callable[[str, str], Response | float] = lambda _, __: Response(200, {}, b"{}")

    async def send(self, request: Request) -> Response:
        """Answer one person's request (or a batch of them)."""
        name = request.headers["Authorization"].removeprefix("Bearer key-of-")
        body = orjson.loads(request.body or b"{}")
        contacts = body if isinstance(body, list) else [body]
        ids = [one["attributes"].get("tag", one["id"]) for one in contacts]
        answers = [self.answer(name, who) for who in ids]
        answer = next((one for one in answers if not getattr(one, "ok", False)), answers[0])
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = Response(200, {}, b"{}")
        if answer.ok:
            self.got.setdefault(name, []).extend(ids)
        return answer


def connection(name: str, plugin: object = acme) -> dc.Connection[Any]:
    """Open a connection that sends one request per event."""
    relay = next(iter(dc.Registry.of(plugin).relays.values()))
    return dc.Connection(
        name,
        relay,
        settings={"api_key": f"key-of-{name}"},
        subscriptions=[dc.Subscription("Upsert", "upsertContact", 'type = "identify"')],
    )


@asynccontextmanager
async def running(
    path: Path, world: Destinations, *names: str, policy: Policy = FAST, plugin: object = acme
) -> AsyncIterator[Runner]:
    """Run a runner over a queue in a file."""
    chosen = [connection(name, plugin) for name in names or ("a",)]
    async with (
        SqliteQueue(path, min_free_bytes=0) as queue,
        Runner(
            chosen, queue, transport=world, policies=dict.fromkeys(names or ("a",), policy)
        ) as runner,
    ):
        yield runner


def person(number: int, **members: Any) -> dict[str, Any]:
    """Make an identify event."""
    return {"type": "identify", "userId": f"u{number}", "messageId": f"m{number}", **members}


async def settled(runner: Runner) -> dict[str, Any]:
    """Wait until nothing is queued; return the counts, of which nothing may be missing."""
    async with asyncio.timeout(10):
        await runner.idle()
    counts = await runner.queue.counts()
    assert all(one.difference == 0 for one in counts.values())
    return dict(counts)
