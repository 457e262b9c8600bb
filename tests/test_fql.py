"""Triggers: what FQL means, how it is written back, and why it decided."""

import copy
import pickle
import re
from pathlib import Path

import pytest

from destination_core import fql
from destination_core.errors import InvalidSubscription

EVENT = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u1",
    "properties": {
        "plan": "pro",
        "total": 12.5,
        "vip": True,
        "items": [{"sku": "s1"}, {"sku": "s2"}],
        "a b": 1,
        "utm.source": "ad",
        "nothing": None,
        "back\\": 1,
        'in"side': 1,
    },
    "context": {"page": {"url": "https://x.test/a"}, "x\\": {"y": 1}},
}


@pytest.mark.parametrize(
    ("trigger", "matched"),
    [
        # and binds tighter than or, groups nest, ! negates them
        ('type = "page" or type = "track" and event = "Order Completed"', True),
        ('type = "track" or type = "page" and event = "Nothing"', True),
        ('(type = "track" or type = "page") and event = "Nothing"', False),
        ('((type = "track") and (event = "A" or (userId = "u1")))', True),
        ('!(type = "track")', False),
        ('!(!(type = "track"))', True),
        ('!!(type = "track") and !(event = "A" or event = "B")', True),
        ('(contains(event, "Order") or userId = "x") and properties.plan = "pro"', True),
        # operators and values
        ("properties.total > 12", True),
        ("properties.total>=12.5", True),
        ("properties.total<12.5", False),
        ('properties.total < "13"', True),
        ("properties.total = 1.25e1", True),
        ('properties.total = "12.5"', False),
        ("properties.vip = true", True),
        ("properties.vip != TRUE", False),
        ("properties.vip = 1", False),
        ("properties.nothing = null and properties.missing = NULL", True),
        ("event != null and name = null", True),
        ("type = track", True),
        # a missing field differs from every text and from no number; negated functions ask for one
        ('properties.missing != "x"', True),
        ("properties.missing != 5", False),
        ('!contains(properties.missing, "x")', False),
        ('!(contains(properties.missing, "x"))', True),
        ('!match(properties.total, "1*")', False),
        # functions
        ('contains(event, "rder")', True),
        ('contains(type, "ra")', True),
        ("contains(userId, 1)", True),
        ('match(event, "Order*")', True),
        ('match(event, "*Completed")', True),
        ('match(event, "*r Com*")', True),
        ('match(event, "O*C*d")', True),
        ('match(event, "Order")', False),
        ('match(event, "*d*d*d*d*d")', False),
        ("match(event, '*')", True),
        # paths
        ('properties.items[1].sku = "s2"', True),
        ('properties.items.0.sku = "s1"', True),
        ('properties.items[2].sku = "s1"', False),
        ('properties["a b"] = 1 and properties.a\\ b = 1', True),
        ("properties.'a b' = 1", True),
        ("properties[\"back\\\"] = 1 and properties['back\\'] = 1", True),
        ('properties["back\\\\"] = 1 and properties.back\\\\ = 1', True),
        ('properties . "back\\" = 1', True),
        ('context["x\\"]["y"] = 1 and context["x\\"] [ \'y\' ] . z = null', True),
        ('properties["in\\"side"] = 1', True),
        ('properties.utm\\.source = "ad"', True),
        ('properties.utm.source = "ad"', False),
        ("context . page . url != null", True),
        ("properties.items.length = null", True),
        ("event.x = null and properties != null and traits = null", True),
        # white space, keywords in any case
        ('type="track"AND(event="A"OR event="Order Completed")', True),
        ('\r\n type\n=\t"track"\r\n and userId = "u1" \r\n', True),
    ],
)
def test_trigger_means_what_is_written(trigger, matched):
    """Precedence, operators, functions, paths and white space follow the documented rules."""
    assert fql.parse(trigger).matches(EVENT) is matched


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r'"say \"hi\""', 'say "hi"'),
        (r"'it\'s'", "it's"),
        (r'"a\\b"', r"a\b"),
        (r'"a\b"', r"a\b"),
        ('"\\"', "\\"),
        (r'"caf\u00e9 \ud83c\udf89"', "café 🎉"),
        ('"two\nlines"', "two\nlines"),
        ('""', ""),
    ],
)
def test_text_is_decoded(written, meant):
    r"""Quotes, backslashes and \u escapes are decoded, any other backslash stands for itself."""
    assert fql.parse(f"event = {written}").matches({"type": "track", "event": meant})


@pytest.mark.parametrize("field", ["event", "type", "name", "userId"])
def test_bare_numbers_beside_text_fields_are_text(field):
    """A name or an identifier that looks like a number is compared as the text it is."""
    assert fql.parse(f"{field} = 5").matches({field: "5"})
    assert not fql.parse(f"{field} = 5").matches({field: 5})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("type='track'  AND !match(event,'A*')", 'type = "track" and !match(event, "A*")'),
        ("(a = 1)".replace("a", "userId"), 'userId = "1"'),
        ('type="a" or type="b" and name="c"', 'type = "a" or (type = "b" and name = "c")'),
        ("properties['a b'].c = 5.50", r"properties.a\ b.c = 5.5"),
        ('!((event = "A"))', '!(event = "A")'),
        (
            'event = "A" and (event = "B" and name = null)',
            'event = "A" and event = "B" and name = null',
        ),
        ("traits[''] >= -0.5e3", 'traits[""] >= -500'),
    ],
)
def test_render_is_canonical(text, canonical):
    """Spellings of one meaning render alike, and what is rendered reads back as the same tree."""
    trigger = fql.parse(text)
    assert trigger.render() == canonical
    assert fql.parse(canonical).root == trigger.root


def test_trigger_is_a_value():
    """Triggers are equal by meaning, keep their text, cannot be changed, and can be copied."""
    one, two = fql.parse("type = 'track'"), fql.parse('(type = "track")')
    assert one == two
    assert len({one, two}) == 1
    assert (one.text, two.text) == ("type = 'track'", '(type = "track")')
    with pytest.raises(AttributeError):
        one.text = "other"
    for copied in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert copied == one
        assert copied.matches({"type": "track"})


@pytest.mark.parametrize(
    "event",
    [None, 5, "track", [], [("type", "track")], {}, {"type": []}, {"type": {}, "event": [1]}],
)
def test_evaluation_is_total(event):
    """Whatever is handed in, a trigger answers; what is no object is never selected."""
    trigger = fql.parse('type = "track" or properties.a.b[0] > 5 or match(event, "a*")')
    assert trigger.matches(event) is False
    assert trigger.explain(event).matched is False
    assert fql.parse('type != "x"').matches(event) is isinstance(event, dict)


def test_huge_numbers_compare_exactly():
    """Integers beyond a double's precision, or its range, are compared by value."""
    trigger = fql.parse("properties.n = 9007199254740993")
    assert trigger.matches({"properties": {"n": 9007199254740993}})
    assert not trigger.matches({"properties": {"n": 9007199254740992}})
    assert fql.parse("properties.n > 1e308").matches({"properties": {"n": 10**400}})


def test_explain_names_the_condition_that_decided():
    """A conjunction fails by its first condition that does not hold, with the value it saw."""
    trigger = fql.parse('type = "track" and (properties.plan = "free" or properties.total > 99)')
    decision = trigger.explain(EVENT)
    assert not decision.matched
    assert [(one.text, one.actual, one.held) for one in decision.conditions] == [
        ('type = "track"', "track", True),
        ('properties.plan = "free"', "pro", False),
        ("properties.total > 99", 12.5, False),
    ]
    assert [one.text for one in decision.decided_by] == [
        'properties.plan = "free"',
        "properties.total > 99",
    ]


def test_explain_follows_negation():
    """A negated group is decided by what decided the group."""
    decision = fql.parse('!(type = "page" or userId = "u1")').explain(EVENT)
    assert not decision.matched
    assert [one.text for one in decision.decided_by] == ['userId = "u1"']


def test_examples_of_the_manual_can_be_read():
    """Every trigger in the manual's code blocks is valid FQL."""
    page = (Path(__file__).parents[1] / "docs" / "fql.md").read_text("utf-8")
    blocks = re.findall(r"```fql\n(.*?)```", page, re.DOTALL)
    assert blocks
    for block in blocks:
        for text in block.strip().split("\n\n"):
            assert fql.parse(text).render()


def test_no_text_is_no_trigger():
    """What is not a text is refused, as the configuration error that it is."""
    with pytest.raises(InvalidSubscription, match="must be a text in FQL, got 5"):
        fql.parse(5)


@pytest.mark.parametrize(
    ("trigger", "value", "matched"),
    [
        ('properties.x > "3"', 5, True),
        ('properties.x > ""', 1, True),
        ('properties.x > "0x10"', 17, True),
        ("properties.x > true", 2, True),
        ('properties.x < "Infinity"', 2, True),
        ('properties.x <= "abc"', 1, False),
        ("properties.x >= null", 1, False),
        ("properties.x > 5", "9", False),
        ("properties.x > 0", True, False),
        ("properties.x = a.b-c_d", "a.b-c_d", True),
        (r"properties.x = \é\ 1", "é 1", True),
        ("properties.x = +5", 5, True),
        ("properties.x = 05", 5, True),
        ("properties.x = -.5", -0.5, True),
    ],
)
def test_bounds_and_bare_values_are_read_as_by_the_hosted_engine(trigger, value, matched):
    """A bound is converted to a number, a bare word is text, the event's value stays what it is."""
    assert fql.parse(trigger).matches({"properties": {"x": value}}) is matched
