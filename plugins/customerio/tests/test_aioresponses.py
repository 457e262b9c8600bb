"""The shim for aioresponses, and when it may go."""

import aiohttp
import pytest
from aioresponses import aioresponses


async def test_the_shim_is_still_needed() -> None:
    """Fails once aioresponses works by itself: then `destination_core.testing.shim` can go."""
    async with aiohttp.ClientSession() as session:
        with aioresponses() as scripted:
            scripted.get("http://example.test/", status=200)
            with pytest.raises(TypeError, match="stream_writer"):
                await session.get("http://example.test/")


async def test_the_shim_suffices(answers: aioresponses) -> None:
    """With it, scripted answers arrive."""
    answers.get("http://example.test/", status=418, body=b"tea")
    async with aiohttp.ClientSession() as session, session.get("http://example.test/") as response:
        assert (response.status, await response.read()) == (418, b"tea")
