"""The pytest plugin: fixtures and one option; it loads nothing until one is used."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aioresponses import aioresponses

    from destination_core.testing.clock import Clock


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-requests``."""
    group = parser.getgroup("destination-core")
    group.addoption(
        "--update-requests",
        action="store_true",
        default=False,
        help="write the golden requests of DestinationSuite anew",
    )


@pytest.fixture
def fake_clock() -> "Clock":
    """Give a clock that stands still."""
    from destination_core.testing.clock import Clock  # noqa: PLC0415  loaded when it is used

    return Clock()


@pytest.fixture(name="aioresponses")
def scripted_responses(monkeypatch: pytest.MonkeyPatch) -> "Iterator[aioresponses]":
    """Answer aiohttp's requests by script (aioresponses, made to work with aiohttp ≥ 3.14)."""
    from destination_core.testing.shim import (  # noqa: PLC0415  loaded when it is used
        CompatibleResponse,
        CompatibleResponses,
    )

    monkeypatch.setattr("aioresponses.core.ClientResponse", CompatibleResponse)
    with CompatibleResponses() as scripted:
        yield scripted
