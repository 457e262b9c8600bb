"""Fixtures of the plugin's tests."""

from collections.abc import AsyncIterator

import aioresponses as scripting
import pytest
import pytest_asyncio

from plugins.customerio.tests.track_client import TrackClient, track_api


@pytest_asyncio.fixture
async def track() -> AsyncIterator[TrackClient]:
    """Give a client of a simulator with the default rules."""
    async with track_api() as client:
        yield client


@pytest.fixture
def answers(aioresponses: scripting.aioresponses) -> scripting.aioresponses:
    """Answer aiohttp's requests by script; an address without a script is refused."""
    return aioresponses
