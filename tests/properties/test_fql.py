"""Properties of triggers: they are written back, found and evaluated without surprises."""

from hypothesis import given
from hypothesis import strategies as st

from destination_core import fql
from destination_core.errors import InvalidSubscription
from destination_core.fql.nodes import All, Condition, Either, Not, group

KEYS = st.one_of(st.sampled_from(["a", "b", "0", "a b", "a.b", ""]), st.text(max_size=5))
TEXTS = st.one_of(
    st.sampled_from(["", "a", "A", "a*", "*a", "\\", '"', "\\u0041"]), st.text(max_size=6)
)
NUMBERS = st.one_of(
    st.integers(-3, 3), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.one_of(TEXTS, NUMBERS, st.booleans(), st.none())
OBJECTS = ("properties", "traits", "context")


def conditions():
    below = st.tuples(st.sampled_from(OBJECTS), KEYS) | st.tuples(
        st.sampled_from(OBJECTS), KEYS, KEYS
    )
    equality = st.sampled_from(["=", "!="])
    ordering = st.sampled_from(["<", "<=", ">", ">="])
    function = st.sampled_from(["contains", "not_contains", "match", "not_match"])
    text_paths = st.sampled_from([("type",), ("event",), ("name",), ("userId",)])
    return st.one_of(
        st.builds(Condition, below, equality, VALUES),
        st.builds(Condition, text_paths, equality, TEXTS | st.none()),
        st.builds(Condition, below, ordering, NUMBERS | TEXTS),
        st.builds(Condition, below | text_paths, function, TEXTS),
        st.builds(Condition, st.sampled_from([(one,) for one in OBJECTS]), equality, st.none()),
    )


NODES = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=4).map(lambda many: group(All, many)),
        st.lists(inner, min_size=2, max_size=4).map(lambda many: group(Either, many)),
    ),
    max_leaves=8,
)
ANYTHING = st.recursive(
    VALUES | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = {
    "type": st.sampled_from(["", "a", "A"]) | ANYTHING,
    "event": st.sampled_from(["", "a", "A"]) | ANYTHING,
    "name": ANYTHING,
    "userId": ANYTHING,
    "properties": st.dictionaries(KEYS, ANYTHING, max_size=4) | ANYTHING,
    "traits": ANYTHING,
    "context": ANYTHING,
}
EVENTS = st.fixed_dictionaries({}, optional=FIELDS) | ANYTHING


@given(NODES)
def test_render_then_parse_is_identity(node):
    """What a tree renders to reads back as that tree, and renders the same again."""
    text = fql.Trigger(node).render()
    assert fql.parse(text).root == node
    assert fql.parse(text).render() == text


@given(st.lists(NODES, max_size=6), st.lists(EVENTS, min_size=1, max_size=4))
def test_index_finds_what_matches(nodes, events):
    """The index and the triggers agree, event after event."""
    triggers = [fql.Trigger(node) for node in nodes]
    index = fql.TriggerIndex(triggers)
    for event in events:
        expected = [place for place, one in enumerate(triggers) if one.matches(event)]
        assert list(index.matching(event)) == expected


@given(NODES, EVENTS)
def test_explain_agrees_with_the_compiled_trigger(node, event):
    """The interpreter that explains and the compiled function answer alike."""
    trigger = fql.Trigger(node)
    decision = trigger.explain(event)
    assert decision.matched is trigger.matches(event)
    assert all(one in decision.conditions for one in decision.decided_by)
    assert decision.decided_by or not isinstance(event, dict)


FRAGMENTS = st.sampled_from(
    [
        *("type", "event", "properties.a", "traits['b c']", "foo", "=", "!=", "<", ">=", "and"),
        *("or", "!", "(", ")", "contains(", "match(", ",", '"a"', "'b'", "5", "-1.5e3", "true"),
        *("null", "word", " ", "\n", "\r\n", "\\", '"', "[0]", ".", "é", "\x00"),
    ]
)


@given(st.lists(FRAGMENTS, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    """A text is a trigger or an error with a place; nothing else ever comes out."""
    try:
        trigger = fql.parse(text)
    except InvalidSubscription as error:
        assert str(error).startswith("trigger")  # noqa: PT017  either outcome is fine
    else:
        assert fql.parse(trigger.render()) == trigger


@given(NODES)
def test_segments_form_comes_back(node):
    """What Segment's form can say, it says without loss."""
    trigger = fql.Trigger(node)
    try:
        ast = fql.to_segment(trigger)
        back = fql.from_segment(ast)
    except InvalidSubscription:
        return  # a negated group, or a bound that is no number
    # a text that bounds a number comes back as that number
    event = {"properties": {"a": 1, "b": 0}, "traits": {"a": -2.5}}
    assert back.matches(event) is trigger.matches(event)
    assert fql.from_segment(fql.to_segment(back)) == back
