"""`serve` and `run` put together: how they start, and how they end when they cannot."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
from destination_core.connection import Service, load_service
from destination_core.queue import Intake, SqliteQueue
from destination_core.service import Running
from tests.loopback import loopback, response


def service(folder: Path, url: str) -> Service:
    """Configure the webhook-like destination of this module, at a URL."""
    settings = {"url": url}
    subscription = {"action": "send", "trigger": 'type = "track"'}
    hook = {"plugin": "hook", "settings": settings, "subscriptions": [subscription]}
    queue = {"path": "queue", "min_free_bytes": 0}
    made = {"destinations": {"hook": hook}, "sources": {"web": {"write_keys": ["k"]}}}
    (folder / "c.json").write_text(json.dumps({**made, "queue": queue}))
    return load_service(folder / "c.json", dc.Registry.of(plugin()), {})


def plugin() -> Any:
    """Make a plugin that posts events where its settings say."""

    class Settings(dc.Settings):
        url: str

    class Payload(dc.Payload):
        name: str = ""

    @dc.action("send", subscribe='type = "track"')
    async def send(ctx: dc.Context[Settings], payload: Payload) -> None:
        await ctx.http.post(ctx.settings.url, json=payload.to_json())

    class Plugin:
        @dc.hookimpl
        def register_destination(self) -> dc.Destination[Settings]:
            return dc.Destination("hook", title="Hook", settings=Settings, actions=[send])

    return Plugin()


async def test_one_that_cannot_listen_gives_back_what_it_had_in_hand(tmp_path: Path) -> None:
    """A port in use must not look like a crash: after three, events would be taken for poison."""

    async def slowly(_: bytes, __: Any, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.write(response("503 Service Unavailable"))

    async with loopback(slowly) as server:
        made = service(tmp_path, server.url)
        async with SqliteQueue(made.queue_path, min_free_bytes=0) as queue:
            await queue.put([Intake("web", "m", b'{"type":"track"}', ("hook",), 1.0)])
        with socket.create_server(("127.0.0.1", 0)) as taken:
            running = Running(made, listen=taken.getsockname()[:2], clock=time.time)
            with pytest.raises(dc.ConfigurationError, match="cannot listen"):
                async with running:
                    pass
        assert running.runner.ended == ["hook"]

    def later() -> float:  # it was refused, and waits
        return time.time() + 60

    async with SqliteQueue(made.queue_path, min_free_bytes=0, clock=later) as queue:
        (job,) = await queue.claim("hook", 10, 60)
    assert job.crashes == 0
