"""Run the real `destinations` beside the simulator, as an operator does."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from destination_customerio.simulator import Simulator

PROGRAM = Path(sys.executable).with_name("destinations")


@dataclass
class Ended:
    """How a run ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Decode what it printed."""
        return json.loads(self.out)


class Operator:
    """A folder with a configuration for the simulator, and a shell to run commands in."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.simulator = simulator
        self.environment = {
            **os.environ,
            "SITE_ID": simulator.site_id,
            "API_KEY": simulator.api_key,
        }
        self.configure()

    def configure(self, *destinations: str) -> None:
        """Write the configuration: the given names, each with the three usual subscriptions."""
        settings = {
            "site_id": "${env:SITE_ID}",
            "api_key": "${env:API_KEY}",
            "track_url": self.simulator.url,
            "any_identifier": True,
        }
        presets = ["Track Event", "Create or Update Person", "Create or Update Device"]
        one = {
            "plugin": "customerio",
            "settings": settings,
            "subscriptions": [{"preset": name} for name in presets],
        }
        chosen = dict.fromkeys(destinations or ("customerio",), one)
        (self.folder / "c.json").write_text(json.dumps({"destinations": chosen}), "utf-8")

    def write(self, name: str, events: Iterable[Any]) -> None:
        """Write events as NDJSON."""
        text = "".join(json.dumps(event) + "\n" for event in events)
        (self.folder / name).write_text(text, "utf-8")

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start a command."""
        return await asyncio.create_subprocess_exec(
            PROGRAM,
            *arguments,
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, stdin: bytes = b"") -> Ended:
        """Run a command to its end; nothing it prints or writes may hold the credentials."""
        return await self.ended(await self.start(*arguments), stdin)

    async def answered(self, number: int = 1) -> None:
        """Wait until the simulator has answered so many requests."""
        async with asyncio.timeout(30):
            while self.simulator.answered < number:  # noqa: ASYNC110  a counter, read from outside
                await asyncio.sleep(0.02)

    async def ended(self, process: asyncio.subprocess.Process, stdin: bytes = b"") -> Ended:
        """Wait for a command's end."""
        out, err = await process.communicate(stdin)
        files = [path for path in self.folder.iterdir() if path.is_file()]  # and no sockets
        seen = b"".join([out, err, *(path.read_bytes() for path in files)])
        site, key = self.simulator.site_id, self.simulator.api_key
        for secret in (site, key, base64.b64encode(f"{site}:{key}".encode()).decode()):
            assert secret.encode() not in seen
        return Ended(process.returncode or 0, out.decode(), err.decode())


def track(number: int) -> dict[str, Any]:
    """Make a track event of its own person."""
    return {
        "type": "track",
        "event": "Order Completed",
        "messageId": f"m-{number}",
        "userId": f"u{number}",
        "properties": {"number": number},
    }
