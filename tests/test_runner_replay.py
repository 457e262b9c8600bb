"""Replay goes in portions: at a rate, and never so many that others have to wait for long."""

import pytest

from destination_core.runner.replay import Pace


@pytest.mark.parametrize(
    ("rate", "many", "sizes"),
    [
        (None, 1_200, [500, 500, 200]),
        (None, 0, []),
        (100_000.0, 1_200, [500, 500, 200]),
        (4_000.0, 900, [400, 400, 100]),
        (0.5, 1, [1]),
    ],
    ids=["no-rate", "nothing", "high", "tenth", "low"],
)
async def test_items_go_in_portions(rate: float | None, many: int, sizes: list[int]) -> None:
    """A tenth of a second's worth each, in their order; at most what one transaction may hold."""
    portions = [list(part) async for part in Pace(rate).portions(range(many))]
    assert [len(part) for part in portions] == sizes
    assert [item for part in portions for item in part] == list(range(many))
