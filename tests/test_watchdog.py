"""The watchdog ends a process whose loop stands still, and no other."""

import subprocess
import sys

BLOCKED = """
import asyncio, time
from destination_core.runner import Watchdog

async def main():
    async with Watchdog(0.3):
        await asyncio.sleep(0.5)
        print("alive", flush=True)
        while True:
            pass

asyncio.run(main())
"""

BUSY = """
import asyncio, time
from destination_core.runner import Watchdog

async def main():
    async with Watchdog(0.5):
        for _ in range(40):
            time.sleep(0.03)
            await asyncio.sleep(0)
    print("alive", flush=True)

asyncio.run(main())
"""


def test_a_blocked_process_ends_and_says_where() -> None:
    """With the line that blocks, and exit code 70."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (70, "alive\n")
    assert "blocked for 0.3 s" in done.stderr


def test_a_busy_one_is_left_alone() -> None:
    """Whoever gives way now and then lives."""
    done = subprocess.run(
        [sys.executable, "-c", BUSY], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr
