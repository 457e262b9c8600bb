"""Access tokens as such: read from answers, and kept in files that programs share."""

import asyncio
import contextlib
from pathlib import Path

import pytest

import destination_core as dc


@pytest.mark.parametrize(
    ("body", "token"),
    [
        (b'{"access_token": "a"}', dc.AccessToken("a")),
        (b'{"access_token": "a", "expires_in": "10"}', dc.AccessToken("a", None, 110.0)),
        (b'{"access_token": "a", "expires_in": "soon"}', dc.AccessToken("a")),
        (b'{"access_token": "a", "refresh_token": ""}', dc.AccessToken("a")),
        (b'{"access_token": 5}', None),
        (b"[]", None),
        (b"<html>", None),
    ],
)
def test_answers_of_token_endpoints(body: bytes, token: dc.AccessToken | None) -> None:
    """RFC 6749's members are read; an answer without an access token is a refusal."""
    response = dc.Response(200, {}, body)
    if token is None:
        with pytest.raises(dc.InvalidAuthentication, match="access_token"):
            dc.AccessToken.from_response(response, 100.0)
    else:
        assert dc.AccessToken.from_response(response, 100.0) == token


async def test_many_programs_that_wait_for_one_another_all_end(tmp_path: Path) -> None:
    """However many connections wait for a lock, no thread waits with them."""
    first, second = dc.FileTokens(tmp_path), dc.FileTokens(tmp_path)
    names = [f"book-{number}" for number in range(80)]
    both = asyncio.Barrier(2)

    async def renew(mine: dc.FileTokens, held: list[str], wanted: list[str]) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for name in held:
                await stack.enter_async_context(mine.exclusive(name))
            await both.wait()
            waiting = [asyncio.create_task(keep(mine, name)) for name in wanted]
            await asyncio.sleep(0.1)
            for name in held:
                await mine.save(name, "", dc.AccessToken("value"))
        await asyncio.gather(*waiting)

    async def keep(mine: dc.FileTokens, name: str) -> None:
        async with mine.exclusive(name):
            assert await mine.load(name, "") is not None

    async with asyncio.timeout(20):
        await asyncio.gather(
            renew(first, names[:40], names[40:]), renew(second, names[40:], names[:40])
        )


async def test_one_who_stops_waiting_for_a_lock_leaves_it_to_others(tmp_path: Path) -> None:
    """A cancelled wait must not end in a lock that nobody holds and nobody gives back."""
    tokens = dc.FileTokens(tmp_path)

    async def wait() -> None:
        async with tokens.exclusive("book"):
            pass

    async with tokens.exclusive("book"):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    others = asyncio.create_task(wait())
    done, _ = await asyncio.wait([others], timeout=5)
    assert done == {others}, "the lock was not given back"
