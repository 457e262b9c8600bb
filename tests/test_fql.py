"""FQL: what is read, what is refused and how, what is found by index."""

import pytest

from destination_core import fql
from destination_core.errors import InvalidSubscription


@pytest.mark.parametrize(
    ("text", "event", "matched"),
    [
        ('type = "track" or type = "page" and event = "A"', {"type": "track"}, True),
        ('!(type = "track" or event = "A")', {"type": "page", "event": "A"}, False),
        ('match(event, "*Order*")', {"event": "My Order X"}, True),
        ('match(event, "a*b*c")', {"event": "a-b-b-c"}, True),
        ('match(event, "a*a")', {"event": "a"}, False),
        ("properties.items[0].sku = 's'", {"properties": {"items": [{"sku": "s"}]}}, True),
        ('properties["a.b"] = 1', {"properties": {"a.b": 1}}, True),
        (r"traits.utm\.source != null", {"traits": {"utm.source": "x"}}, True),
        ("properties.n >= 1e3", {"properties": {"n": 1000}}, True),
        ("properties.n = true", {"properties": {"n": 1}}, False),
        ("properties.n = 1", {"properties": {"n": True}}, False),
        ('properties.x != "a"', {}, True),
        ("properties.x != 5", {}, False),
        ('event = "\\u00e9\\""', {"event": 'é"'}, True),
        ('type = "track" AND event != NULL', {"type": "track", "event": "A"}, True),
    ],
)
def test_trigger_means_what_it_says(text, event, matched):
    """A trigger selects an event by its written precedence, paths and types."""
    assert fql.parse(text).matches(event) is matched


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "trigger is empty"),
        ("x" * 10_001, "10,001 characters"),
        ("(" * 101 + 'type = "a"' + ")" * 101, "more than 100 levels"),
        ("!" * 5_000 + '(type = "a")', "more than 100 levels"),
        ('userid = "x"', "unknown field 'userid'; did you mean 'userId'?"),
        ('type = "track" and', "ends too early"),
        ('type = "a"\nand event == "b"', "unexpected '=', line 2, column 12"),
        ('contains(properties, "a")', "'properties' is an object"),
        ("match(event, 5)", "match() got 5"),
        ('type = "a" type = "b"', "expected and, or, the end"),
        ("properties.n = 1e999", "too large"),
    ],
)
def test_fault_shows_place_and_expectation(text, words):
    """What is no trigger is refused in the reader's words, without the grammar's own names."""
    with pytest.raises(InvalidSubscription) as caught:
        fql.parse(text)
    assert words in str(caught.value)
    assert "__" not in str(caught.value)


def test_caret_stands_under_the_fault():
    """The line is shown, with a caret under the character that cannot be read."""
    with pytest.raises(InvalidSubscription) as caught:
        fql.parse('type = "track"\n  and event ~ "x"')
    _, line, caret = str(caught.value).split("\n")
    assert line[caret.index("^")] == "~"


@pytest.mark.parametrize("event", [None, [], "text", 5, {"type": []}, {"type": {}, "event": 7}])
def test_evaluation_is_total(event):
    """No event makes a trigger raise; what is no object is never selected."""
    trigger = fql.parse('type != "a" and (event = "b" or properties.x[3] > 2 or match(name, "*"))')
    assert trigger.matches(event) is False


def test_explanation_names_the_deciding_condition():
    """The first condition that fails decides a conjunction, with the value it saw."""
    trigger = fql.parse('type = "track" and event = "Paid" and properties.total > 10')
    decision = trigger.explain({"type": "track", "event": "Seen", "properties": {"total": 1}})
    assert decision.matched is False
    assert [held.held for held in decision.conditions] == [True, False, False]
    (decided,) = decision.decided_by
    assert (decided.text, decided.actual) == ('event = "Paid"', "Seen")


def test_index_memory_is_bounded_by_the_triggers():
    """A hundred thousand event names that no trigger mentions share one row."""
    triggers = [fql.parse('type = "track" and event != "A"'), fql.parse('event = "B"')]
    index = fql.TriggerIndex(triggers)
    for number in range(100_000):
        assert index.matching({"type": "track", "event": f"name {number}"}) == (0,)
    assert index.matching({"type": "track", "event": "B"}) == (0, 1)
    assert len(index._rows) == 2


def test_index_finds_property_literals_by_value():
    """A thousand triggers on one property's value are one lookup, and keep their order."""
    triggers = [fql.parse(f'type = "track" and properties.p = "{n % 500}"') for n in range(1000)]
    index = fql.TriggerIndex(triggers)
    assert list(index.matching({"type": "track", "properties": {"p": "7"}})) == [7, 507]
    assert list(index.matching({"type": "track", "properties": {"p": ["7"]}})) == []
    assert list(index.matching({"type": "page", "properties": {"p": "7"}})) == []
