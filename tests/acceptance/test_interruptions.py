"""`destinations send` stopped while it waits: for standard input, or for the destination."""

import asyncio
import json
import signal
import subprocess
import sys

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track


async def test_a_pipe_that_stays_open_holds_nothing_up(operator: Operator) -> None:
    """What came through is delivered while more may come; Ctrl-C ends the waiting.

    The line that is still being written counts as not read.
    """
    process = await operator.start("send", "c.json", "-")
    assert process.stdin is not None
    lines = "".join(json.dumps(track(number)) + "\n" for number in range(700))
    process.stdin.write(lines.encode() + b'{"type": "tra')
    await process.stdin.drain()
    await operator.answered()
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(30):
        assert await process.wait() == 130
    run = await operator.ended(process)
    line = int(run.err.split("--from-line ")[1].split()[0])
    assert 501 <= line <= 701
    held = sorted(one.attributes["number"] for one in operator.simulator.state.events)
    assert held == list(range(line - 1))
    assert "unreadable" not in run.out


async def test_run_says_that_not_everything_was_read(operator: Operator) -> None:
    """130, not 0: who started it would take the rest for delivered."""
    process = await operator.start("run", "c.json", "-")
    assert process.stdin is not None
    process.stdin.write(b"".join(json.dumps(track(n)).encode() + b"\n" for n in range(600)))
    await process.stdin.drain()
    await operator.answered()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        assert await process.wait() == 130
    run = await operator.ended(process)
    assert "stopped before all was read" in run.err


async def test_the_message_names_the_files_that_are_left(operator: Operator) -> None:
    """Of several files, those that are done need not be given again."""
    operator.write("a.ndjson", map(track, range(10)))
    operator.write("b.ndjson", map(track, range(10, 600)))
    process = await operator.start("send", "c.json", "a.ndjson", "b.ndjson", "-")
    await operator.answered()
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(30):
        await process.wait()
    run = await operator.ended(process)
    line = len(operator.simulator.state.events) - 9
    assert f"b.ndjson is done up to line {line - 1}; " in run.err
    assert run.err.endswith(f"go on with --from-line {line} and b.ndjson -\n")


async def test_a_second_signal_gives_up(operator: Operator) -> None:
    """A destination that hangs does not hold the operator, who learns where to go on."""
    operator.write("events.ndjson", map(track, range(3)))
    operator.simulator.faults.add(Fault(delay=60, times=None))
    process = await operator.start("send", "c.json", "events.ndjson")
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while not operator.simulator.calls:  # noqa: ASYNC110  a list, read from outside
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert b"again gives up" in await process.stderr.readline()
        process.send_signal(signal.SIGINT)
    run = await operator.ended(process)
    assert run.code == 130
    assert "in flight; go on with --from-line 1, which sends some of them twice\n" in run.err
    assert run.err.endswith("interrupted\n")
    assert "Traceback" not in run.err


IMPORTING = """
import os, signal
from destination_core.cli.main import quietly_interrupted

class Imported:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)

with quietly_interrupted():
    class Plugin:
        field = Imported()
"""


def test_a_signal_while_modules_are_imported_ends_it_without_a_word() -> None:
    """Where Python would swallow it, or answer with the traceback of something else."""
    run = subprocess.run([sys.executable, "-c", IMPORTING], capture_output=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (-signal.SIGINT, b"", b"")
