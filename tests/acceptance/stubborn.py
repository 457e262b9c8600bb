"""A plugin whose handlers do not end, in a folder of its own, and `destinations` beside it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.acceptance.destinations import PROGRAM

PLUGIN = """
import asyncio
import sys
import time
from typing import Annotated

import destination_core as dc


class Settings(dc.Settings):
    pass


class Payload(dc.Payload):
    name: Annotated[str, dc.path("$.event")]


async def swallow():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass


async def leave():
    raise SystemExit(3)


@dc.action("do", subscribe='type = "track"')
async def do(ctx, payload: Payload) -> None:
    print(payload.name, "begins", file=sys.stderr, flush=True)
    if payload.name == "swallow":
        await swallow()
    if payload.name == "block":
        while True:
            time.sleep(0.1)
    if payload.name == "leave":
        do.left = asyncio.create_task(leave())
        await asyncio.sleep(60)


@dc.hookimpl
def register_destination():
    return dc.Destination("stubborn", title="Stubborn", settings=Settings, actions=[do])
"""


class Stubborn:
    """A folder with the plugin, a configuration, and a file of events."""

    def __init__(self, folder: Path, events: Sequence[str]) -> None:
        self.folder = folder
        (folder / "stubborn.py").write_text(PLUGIN)
        info = folder / "stubborn-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stubborn\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[destination_core]\nstubborn = stubborn\n")
        one = {"plugin": "stubborn", "subscriptions": [{"action": "do"}]}
        config: dict[str, Any] = {
            "destinations": {"a": one},
            "sources": {"web": {"write_keys": ["write-key-of-the-tests"]}},
            "queue": {"path": "queue.db", "min_free_bytes": 0},
        }
        (folder / "c.json").write_text(json.dumps(config))
        lines = [
            json.dumps({"type": "track", "event": name, "userId": "u", "messageId": f"m{n}"})
            for n, name in enumerate(events)
        ]
        (folder / "events.ndjson").write_text("\n".join(lines))

    @asynccontextmanager
    async def started(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start a command; it is gone at the end."""
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *arguments,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def line_with(words: str, process: asyncio.subprocess.Process) -> str:
    """Read what a process says until a line holds these words."""
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while line := (await process.stderr.readline()).decode():
            if words in line:
                return line
    raise AssertionError(f"the process ended without saying {words!r}")


async def end_of(process: asyncio.subprocess.Process) -> tuple[int, str]:
    """Wait for the end, for about as long as a supervisor; return the code and the last words."""
    async with asyncio.timeout(20):
        _, said = await process.communicate()
    return process.returncode or 0, said.decode()
