"""Replay goes in portions: at a rate, and never so many that others have to wait for long."""

from typing import Any

import pytest

from destination_core.runner.replay import Pace, intakes
from tests.running import connection, person


@pytest.mark.parametrize(
    ("event", "action", "names"),
    [
        (person(1), None, ["a", "b"]),
        (person(1), "upsertContact", ["a", "b"]),
        (person(1), "other", []),
        (person(1, integrations={"All": False}), None, []),
        (person(1, integrations={"a": False}), None, ["b"]),
        (person(1, integrations={"All": False, "b": {}}), "upsertContact", ["b"]),
        ({"type": "delete", "userId": "u"}, None, ["a", "b"]),
        ({"type": "delete", "userId": "u", "integrations": {"a": False}}, None, ["b"]),
        ({"type": "delete", "userId": "u"}, "upsertContact", []),
        ({"type": "track", "event": "unwanted", "userId": "u"}, None, []),
    ],
)
def test_an_event_goes_where_it_went(
    event: dict[str, Any], action: str | None, names: list[str]
) -> None:
    """Its `integrations` hold again; a deletion is for everybody, and of no action."""
    found = intakes(
        event,
        [connection("a"), connection("b")],
        action=action,
        ordered=frozenset(),
        now=1.0,
    )
    assert [one.destinations for one in found] == [[name] for name in names]


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
