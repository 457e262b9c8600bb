"""Everything that the suite of a plugin may say, checked like the rest of its tests."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

import destination_core as dc
from destination_core.testing import (
    Clock,
    DestinationSuite,
    Golden,
    Recorded,
    RecordingServer,
    Reply,
    RoutedTransport,
    standard_event,
)
from tests import acme


def answer(request: Recorded) -> Reply:
    return Reply(body={"path": request.path})


def some(request: Recorded, refused: Collection[int]) -> Reply:
    return Reply(207, {"errors": [{"index": number} for number in refused]})


class TestInferred(DestinationSuite):
    plugin: ClassVar = acme
    settings: ClassVar = {"api_key": "k"}
    reply = answer
    partial = some
    samples: ClassVar = {"a": standard_event("track"), "b": [standard_event("page")]}
    subscriptions: ClassVar = {"a": {"sync_mode": "add", "saved": dc.Saved({})}}
    mappings: ClassVar = {"a": {"x": 1}}
    audiences: ClassVar = [dc.Audience("a", "A")]
    exempt: ClassVar = {"a.b": "why"}
    golden = Path("golden")
    readme = Path("README.md")


class TestAnnotated(DestinationSuite):
    plugin: ClassVar = acme
    settings: ClassVar = {"api_key": "k"}
    reply: ClassVar = Reply(201)
    partial: ClassVar = some
    samples: ClassVar = {"a": standard_event("track")}


async def program(connection: dc.Connection[acme.Settings], folder: Path) -> None:
    clock = Clock(1_800_000_000.0)
    async with (
        RecordingServer(Reply(503), answer) as server,
        RoutedTransport(server.url, timeout=5) as transport,
        dc.Engine([connection], transport=transport, clock=clock) as engine,
    ):
        deliveries = await engine.send(standard_event("identify", userId=None))
    sent = [one["request"] for one in deliveries[0].requests()]
    Golden(folder, update=False).check("identify", {"type": "identify"}, sent, batch=sent)
