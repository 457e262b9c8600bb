"""``python -m destination_customerio.simulator``."""

import asyncio
import signal
import sys

import aiohttp
import pytest

from destination_customerio.simulator.__main__ import main
from plugins.customerio.tests.track_client import basic


async def test_prints_where_it_is_and_serves() -> None:
    """The command prints URLs and credentials, serves, and ends on an interrupt."""
    command = ["-m", "destination_customerio.simulator", "--region", "eu", "--site-id", "site"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [(await process.stdout.readline()).decode() for _ in range(5)]
    url = lines[0].split()[-1]
    api_key = lines[3].split()[-1]
    assert "Track API (eu)" in lines[0]
    assert lines[2].split()[-1] == "site"
    async with (
        aiohttp.ClientSession(headers={"Authorization": basic("site", api_key)}) as session,
        session.get(f"{url}/api/v1/accounts/region") as response,
    ):
        assert (await response.json())["region"] == "eu"
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The options are explained."""
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "--region" in capsys.readouterr().out
