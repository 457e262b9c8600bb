"""The end of a process whose plugin does not want to end, and what a signal does meanwhile."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from destination_core.queue import SqliteQueue
from tests.acceptance.stubborn import Stubborn, end_of, line_with


@pytest.mark.parametrize("name", ["swallow", "block"])
async def test_a_second_signal_ends_the_process_whatever_a_handler_does(
    tmp_path: Path, name: str
) -> None:
    """With the code of an end that was asked for; what the handler had in hand is not lost."""
    stubborn = Stubborn(tmp_path, [name])
    async with stubborn.started("run", "c.json", "events.ndjson", "--stay") as process:
        await line_with("begins", process)
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        code, said = await end_of(process)
    assert (code, "a plugin does not let the process end" in said) == (130, True)
    async with SqliteQueue(tmp_path / "queue.db", min_free_bytes=0) as queue:
        assert (await queue.counts())["a"].queued == 1


async def test_what_a_handler_keeps_counts_as_no_crash_where_others_end(tmp_path: Path) -> None:
    """The queue is closed before the process is ended: nobody is taken for poison."""
    stubborn = Stubborn(tmp_path, ["swallow"])
    async with stubborn.started("run", "c.json", "events.ndjson", "--stay") as process:
        await line_with("begins", process)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
        _, said = await end_of(process)
    assert "a: a handler does not end" in said
    async with SqliteQueue(tmp_path / "queue.db", min_free_bytes=0) as queue:
        assert [job.crashes for job in await queue.claim("a", 10, 60)] == [0]


async def test_a_second_interrupt_ends_send_whatever_a_handler_does(tmp_path: Path) -> None:
    """It says where to go on, as it does where handlers end."""
    stubborn = Stubborn(tmp_path, ["fine", "swallow"])
    async with stubborn.started("send", "c.json", "events.ndjson") as process:
        await line_with("swallow begins", process)
        process.send_signal(signal.SIGINT)
        await line_with("again gives up", process)
        process.send_signal(signal.SIGINT)
        code, said = await end_of(process)
    assert code == 130
    assert "go on with --from-line 1, which sends some of them twice\n" in said
    assert said.endswith("interrupted\n")


async def test_a_task_of_a_plugin_that_exits_is_told(tmp_path: Path) -> None:
    """Its code would have been taken for that of a wrong configuration."""
    stubborn = Stubborn(tmp_path, ["leave"])
    async with stubborn.started("run", "c.json", "events.ndjson", "--stay") as process:
        code, said = await end_of(process)
    assert code == 70
    assert "a task of a plugin has ended the process: SystemExit(3)" in said
    assert "stubborn.py" in said


@pytest.mark.parametrize(
    "signals", [(signal.SIGTERM, signal.SIGHUP), (signal.SIGHUP, signal.SIGTERM)], ids=str
)
async def test_no_configuration_begins_once_everything_stops(
    tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    """Its workers would deliver on, and nobody would tell them to stop."""
    stubborn = Stubborn(tmp_path, ["swallow"])
    async with stubborn.started("run", "c.json", "events.ndjson", "--stay") as process:
        await line_with("begins", process)
        config = json.loads((tmp_path / "c.json").read_text())
        config["destinations"]["b"] = config["destinations"]["a"]
        (tmp_path / "c.json").write_text(json.dumps(config))
        for number in signals:
            process.send_signal(number)
        await asyncio.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        code, said = await end_of(process)
    assert code == 130
    assert "configuration is reloaded" not in said
    assert "no other configuration begins" in said


EARLY = """
import os, signal, sys
from destination_core.cli import main

class Early:
    def find_spec(name, *_):
        if name in ("destination_core.connection", "destination_core.cli.serve"):
            os.kill(os.getpid(), signal.SIGHUP)
            print(name)

sys.meta_path.insert(0, Early)
sys.argv = ["destinations", "serve", "no such file"]
main()
"""


def test_a_reload_that_comes_too_early_does_not_end_the_process() -> None:
    """From when the command is known, and what it works with begins to be imported."""
    run = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, check=False)
    assert run.stdout.split() == [b"destination_core.connection", b"destination_core.cli.serve"]
    assert run.returncode == 2
    assert b"no such file" in run.stderr
