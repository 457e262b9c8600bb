"""The backup of docs/operations.md, made as it stands there beside a service under load."""

import asyncio
import json
import re
import stat
import sys
from pathlib import Path

import aiohttp

from destination_customerio.simulator import Fault
from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import held, serving

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")


def script(name: str) -> str:
    """Return the commands that the page has under a name, for this Python."""
    (found,) = re.findall(rf"<!-- {name} -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    return "set -e\n" + found.replace("python3 ", f"'{sys.executable}' ")


async def shell(operator: Operator, text: str) -> None:
    """Run commands in the operator's folder."""
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", text, cwd=operator.folder, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()


async def test_a_backup_is_whole_and_can_be_restored(operator: Operator) -> None:
    """What had been accepted before it was begun is delivered from it; nothing is missing in it."""
    config = json.loads((operator.folder / "c.json").read_text())
    config["destinations"]["customerio"]["delivery"] = {"backoff": 0.01, "backoff_limit": 0.1}
    operator.write("c.json", [config])
    operator.simulator.faults.add(Fault(status=503, times=None))  # so that everything stays queued
    async with serving(operator) as service, aiohttp.ClientSession() as session:
        sent = 0

        async def load() -> None:
            nonlocal sent
            while True:
                assert await service.post(session, [track(n) for n in range(sent, sent + 10)])
                sent += 10

        loading = asyncio.create_task(load())
        while sent < 300:  # noqa: ASYNC110  a counter of the task beside
            await asyncio.sleep(0.01)
        before = sent
        await shell(operator, script("backup"))
        while sent < before + 50:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        assert await service.end() == 0
    (backup,) = operator.folder.glob("backup-2*.db")  # by its day: the next one is another file
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    await shell(operator, script("restore"))
    operator.simulator.faults.clear()
    status = await operator.run("status", "s.json", "--json")
    assert status.code == 0, status.out
    assert status.json()["damage"] == []
    counts = status.json()["destinations"]["customerio"]
    assert counts["difference"] == 0
    assert before <= counts["queued"] <= sent
    run = await operator.run("run", "s.json", "--json")
    assert run.code == 0, run.err
    assert set(range(before)) <= set(held(operator)) <= set(range(sent))
