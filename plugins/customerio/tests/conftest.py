"""Fixtures of the plugin's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from aioresponses import aioresponses

from plugins.customerio.tests.shim import Response
from plugins.customerio.tests.track_client import TrackClient, track_api


@pytest_asyncio.fixture
async def track() -> AsyncIterator[TrackClient]:
    """Give a client of a simulator with the default rules."""
    async with track_api() as client:
        yield client


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    """Answer aiohttp's requests by script; an address without a script is refused."""
    monkeypatch.setattr("aioresponses.core.ClientResponse", Response)
    with aioresponses() as scripted:
        yield scripted
