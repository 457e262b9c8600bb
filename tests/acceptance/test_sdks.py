"""Segment's own clients, unchanged but for `host`: every event arrives, once."""

import asyncio
import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.destinations import Operator
from tests.acceptance.serving import KEY, gate, held, serving, until

MANY = 250
SDK = Path(__file__).with_name("sdk")

PYTHON = """
import os, sys
import segment.analytics as analytics
analytics.write_key, analytics.host = sys.argv[1], sys.argv[2]
analytics.gzip = sys.argv[4] == "gzip"
analytics.on_error = lambda error, items: os._exit(1)
for n in range(int(sys.argv[3])):
    analytics.track("u%d" % n, "Order Completed", {"number": n})
analytics.identify("u1", {"email": "a@example.com"})
analytics.shutdown()  # what applications do when they end
"""

REFUSALS = [(429, {"Retry-After": "1"}), (503, {}), (429, {"Retry-After": "1"})]
"""What a server says that has no room, and what a balancer says that has no server."""


def python(url: str, encoding: str = "plain") -> list[str]:
    """Return the command that sends with the Python SDK."""
    return [sys.executable, "-c", PYTHON, KEY, url, str(MANY), encoding]


def gzipped(url: str) -> list[str]:
    """Return the command that sends with the Python SDK, compressed."""
    return python(url, "gzip")


def node(url: str) -> list[str]:
    """Return the command that sends with the Node SDK, which is installed the first time."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: Segment's Node SDK cannot be tried")
    with (SDK / ".lock").open("w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (SDK / "node_modules" / "@segment" / "analytics-node").exists():
            command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
            subprocess.run(command, cwd=SDK, check=True, timeout=100)
    return ["node", str(SDK / "send.js"), KEY, url, str(MANY)]


async def run(command: list[str]) -> None:
    """Run a program that sends; it must not give up."""
    pipe = asyncio.subprocess.PIPE
    sender = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        out, err = await sender.communicate()
    assert sender.returncode == 0, f"{out.decode()}{err.decode()}"


@pytest.mark.parametrize("sdk", [python, gzipped, node], ids=lambda sdk: sdk.__name__)
async def test_only_the_host_differs(operator: Operator, sdk) -> None:
    """Batches, plain or gzipped, and the flush at the end of the program."""
    async with serving(operator) as service:
        await run(sdk(service.url))
        await until(operator, MANY)
        assert await service.end() == 0
    assert held(operator) == list(range(MANY))


@pytest.mark.parametrize("sdk", [python, node])
async def test_refused_calls_are_repeated_and_kept_once(operator: Operator, sdk) -> None:
    """429 and 503 are waited for; what was taken although its answer got lost counts once."""
    async with serving(operator) as service, gate(service, REFUSALS, lose=[0, 2]) as proxy:
        await run(sdk(proxy.url))
        await until(operator, MANY)
        assert await service.end() == 0
    assert held(operator) == list(range(MANY))
    statuses = [status for status, _ in proxy.seen]
    assert (statuses.count(429), statuses.count(503), statuses[-1]) == (2, 3, 200)
    assert any(headers.get("X-Retry-Count") for _, headers in proxy.seen)
