"""What a running service leaves on the disk is for its owner only."""

import os
import resource
import stat

import aiohttp

from tests.acceptance.destinations import Operator, track
from tests.acceptance.serving import serving, until


async def test_every_file_is_readable_by_its_owner_only(operator: Operator) -> None:
    """While it runs, after it, and after a backup; whatever the umask of the shell is."""
    before = {path.name for path in operator.folder.iterdir()}
    umask = os.umask(0)
    try:
        async with serving(operator) as service, aiohttp.ClientSession() as session:
            assert await service.post(session, [track(n) for n in range(5)])
            await until(operator, 5)
            seen = {
                path.name: stat.S_IMODE(path.lstat().st_mode)
                for path in operator.folder.iterdir()
                if path.name not in before and path.name.startswith("queue")
            }
            assert await service.end() == 0
    finally:
        os.umask(umask)
    left = {path.name: stat.S_IMODE(path.stat().st_mode) for path in operator.folder.glob("queue*")}
    assert {"queue.db", "queue.db-wal", "queue.db-mark", "queue.db-reserve"} <= set(seen)
    assert set(seen.values()) == set(left.values()) == {0o600}


async def test_as_many_files_as_the_system_allows(operator: Operator) -> None:
    """A shell's limit of 1,024 is not that of a server, each of whose callers takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        async with serving(operator) as service, aiohttp.ClientSession() as session:
            async with session.get(f"{service.url}/metrics") as answer:
                shown = await answer.text()
            assert await service.end() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    (most,) = [line for line in shown.splitlines() if line.startswith("process_max_fds ")]
    assert float(most.split()[1]) == hard > 512
