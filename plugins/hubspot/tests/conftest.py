"""Fixtures of the plugin's tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from plugins.hubspot.tests.simulator import HubSpot


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[HubSpot]:
    """Run a HubSpot account on loopback."""
    async with HubSpot() as account:
        yield account
