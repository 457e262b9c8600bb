"""What a running service leaves on the disk is for its owner only."""

import os
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
