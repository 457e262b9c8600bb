"""The index over many triggers."""

from enum import StrEnum

import pytest

from destination_core import fql


def index(*texts):
    return fql.TriggerIndex([fql.parse(text) for text in texts])


class Plan(StrEnum):
    PRO = "pro"


def test_positions_are_those_of_the_triggers_that_match():
    """Triggers are found by type and name, by value, and by asking; positions ascend."""
    many = index(
        'properties.plan = "pro"',
        'type = "track"',
        'event = "A" or event = "B"',
        'type = "track" and event != "A" and event != "B"',
        'type = "track" and properties.plan = "pro" and properties.total > 5',
        'match(event, "A*")',
        "properties.total = 5",
        "event = null",
    )
    assert list(many.matching({"type": "track", "event": "A"})) == [1, 2, 5]
    event = {"type": "track", "event": "Z", "properties": {"plan": "pro", "total": 6}}
    assert list(many.matching(event)) == [0, 1, 3, 4]
    assert list(many.matching({"type": "page", "properties": {"total": 5.0}})) == [6, 7]
    assert list(many.matching({})) == [7]


@pytest.mark.parametrize(
    "event",
    [
        {"type": ["track"], "event": "A"},
        {"type": "track", "event": {"a": 1}},
        {"type": True, "event": 1},
        {"type": "track", "event": "A", "properties": {"n": True}},
        {"type": "track", "event": "A", "properties": {"n": [1]}},
        {"type": "track", "event": "A", "properties": {"n": {}}},
        {"type": "track", "event": "A", "properties": [1]},
        {"type": "track", "event": "A", "properties": {"n": 1.0, "plan": Plan.PRO}},
        {"type": "track", "event": "A", "properties": {"n": float("nan")}},
        {"type": "track", "event": "A", "properties": {"n": 10**400}},
        [],
        None,
        "track",
    ],
)
def test_index_agrees_on_odd_events(event):
    """Values without a hash, booleans beside numbers, and what is no event change nothing."""
    texts = [
        'type = "track"',
        'type != "track"',
        "properties.n = 1",
        'properties.plan = "pro" and event = "A"',
        '!contains(event, "B")',
        "event != null",
        'properties[0] != "x"',
    ]
    triggers = [fql.parse(text) for text in texts]
    expected = [place for place, one in enumerate(triggers) if one.matches(event)]
    assert list(fql.TriggerIndex(triggers).matching(event)) == expected


def test_memory_is_bounded_by_the_triggers():
    """A hundred thousand names that no trigger mentions share one row per type."""
    many = index('type = "track" and event = "A"', 'type = "page"', 'contains(event, "7")')
    rows = sum(len(rows) for rows, _ in many._tables.values())
    for number in range(100_000):
        found = many.matching({"type": "track", "event": f"Event {number}"})
        assert list(found) == ([2] if "7" in str(number) else [])
    for number in range(1_000):
        many.matching({"type": f"type {number}", "event": "A"})
    assert sum(len(rows) for rows, _ in many._tables.values()) == rows


def test_filed_triggers_are_not_asked():
    """Of a thousand triggers that ask for a value, those with the event's value are looked at."""
    many = index(*(f'type = "track" and properties.id = "p{n}"' for n in range(1_000)))
    event = {"type": "track", "event": "A", "properties": {"id": "p7"}}
    assert list(many.matching(event)) == [7]
    _, row = many._tables["track"]
    assert len(row.buckets) == 1
    assert not row.rest


def test_no_triggers():
    """An index of nothing finds nothing."""
    assert list(index().matching({"type": "track"})) == []
