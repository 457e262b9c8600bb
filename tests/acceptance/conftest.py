"""Fixtures of the acceptance tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from destination_customerio.simulator import Simulator
from tests.acceptance.destinations import Operator


@pytest_asyncio.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    """Give an operator with a simulator of their own."""
    async with Simulator() as simulator:
        yield Operator(tmp_path, simulator)
