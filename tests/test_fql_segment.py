"""Segment's JSON form of triggers."""

import pytest

from destination_core import fql
from destination_core.errors import InvalidSubscription


def leaf(kind, operator, value=None, name=None):
    made = {"type": kind, "operator": operator}
    return made | ({} if value is None else {"value": value}) | ({"name": name} if name else {})


def both(*children):
    return {"type": "group", "operator": "and", "children": list(children)}


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ('type = "track"', leaf("event-type", "=", "track")),
        ("userId = null", leaf("userId", "not_exists")),
        ("traits.vip = false", leaf("event-trait", "is_false", name="vip")),
        ("properties.n != 5", leaf("event-property", "number_not_equals", 5, "n")),
        ("properties.n >= 2.5", leaf("event-property", ">=", 2.5, "n")),
        ('!match(name, "*a")', leaf("name", "not_ends_with", "a")),
        ('match(event, "a*")', leaf("event", "starts_with", "a")),
        (
            '!contains(context.page.url, "x")',
            leaf("event-context", "not_contains", "x", "page.url"),
        ),
        (r'traits.utm\.source = "ad"', leaf("event-trait", "=", "ad", r"utm\.source")),
        (r'traits.a\\b = "x"', leaf("event-trait", "=", "x", r"a\\b")),
    ],
)
def test_conditions_translate_both_ways(text, condition):
    """Each condition has one form there, which comes back as the same trigger."""
    trigger = fql.parse(text)
    assert fql.to_segment(trigger) == both(condition)
    assert fql.from_segment(both(condition)) == trigger


def test_groups_translate_both_ways():
    """Groups keep their operators and their nesting."""
    trigger = fql.parse('type = "track" and (properties.a = 1 or properties.b = 1)')
    made = fql.to_segment(trigger)
    assert made["children"][1]["operator"] == "or"
    assert fql.from_segment(made) == trigger


def test_trigger_means_what_its_text_means():
    """A number beside a text field is that text, as it is when the trigger is written out."""
    trigger = fql.from_segment(both(leaf("name", "number_equals", 5)))
    assert trigger.text == "name = 5"
    assert trigger.matches({"name": "5"})


@pytest.mark.parametrize(
    "text",
    ['!(type = "a")', 'match(event, "a*b")', 'match(event, "a")', "traits = null", 'event.x = "a"'],
)
def test_what_segment_cannot_say_is_refused(text):
    """Negated groups, other patterns, and odd fields have no form there."""
    with pytest.raises(InvalidSubscription, match="Segment's form"):
        fql.to_segment(fql.parse(text))


@pytest.mark.parametrize(
    ("ast", "words"),
    [
        ([], "must be an object"),
        ({"type": "weather"}, "unknown condition type 'weather'"),
        ({"type": []}, "unknown condition type"),
        ({"type": "group", "operator": "xor", "children": []}, "must be 'and' or 'or'"),
        ({"type": "group", "operator": "and", "children": []}, "needs a list of conditions"),
        ({"type": "group", "operator": "and", "children": 5}, "needs a list of conditions"),
        (leaf("event-property", "=", "x"), "needs the name of a field"),
        (leaf("event", "like", "x"), "unknown operator 'like'"),
        ({"type": "event"}, "operator None"),
        (leaf("event", "<", "x"), "needs a number, got 'x'"),
        (leaf("event", "contains", ["x"]), "needs a text"),
        (leaf("event", "=", {"a": 1}), "cannot compare with"),
        (leaf("event", "="), "operator '=' needs a value, and there is none"),
        (leaf("event-context", "!=", name="page.url"), "operator '!=' needs a value"),
        (leaf("event-trait", "<=", "a b", "age"), "operator '<=' needs a number, got 'a b'"),
    ],
)
def test_malformed_json_is_refused(ast, words):
    """Each fault says what was wrong with the value that came."""
    with pytest.raises(InvalidSubscription, match=words):
        fql.from_segment(ast)


def test_null_is_a_value():
    """Only a condition that has no value at all is refused."""
    made = fql.from_segment({**leaf("event-trait", "!=", name="age"), "value": None})
    assert made.text == "traits.age != null"


def test_parentheses_that_mean_nothing_are_left_out():
    """A group in one of its own kind, and one of one condition, are written without."""
    one, two = leaf("event", "=", "a"), leaf("name", "=", "b")
    assert (
        fql.from_segment(both(one, both(two, one))).text
        == 'event = "a" and name = "b" and event = "a"'
    )
    assert fql.from_segment(both(both(one), two)).text == 'event = "a" and name = "b"'


def test_deep_json_is_refused():
    """Nesting is limited; no document overflows the stack."""
    ast = leaf("event", "=", "x")
    for _ in range(5_000):
        ast = both(ast)
    with pytest.raises(InvalidSubscription, match="nested more than 100 levels"):
        fql.from_segment(ast)
