"""Fixtures of the plugin's tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aioresponses import aioresponses

from plugins.customerio.tests.track_client import TrackClient, track_api


@pytest_asyncio.fixture
async def track() -> AsyncIterator[TrackClient]:
    """Give a client of a simulator with the default rules."""
    async with track_api() as client:
        yield client


@pytest.fixture
def answers(mock_requests: aioresponses) -> aioresponses:
    """Answer aiohttp's requests by script; an address without a script is refused."""
    return mock_requests
