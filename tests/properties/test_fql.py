"""Laws of FQL, for any trigger and any event."""

from hypothesis import given
from hypothesis import strategies as st

from destination_core import fql
from destination_core.errors import InvalidSubscription
from destination_core.fql.nodes import ROOTS, All, Condition, Either, Not, group

keys = st.one_of(st.sampled_from(["a", "b", "first name", "0", "é.x", ""]), st.text(max_size=4))
texts = st.one_of(st.sampled_from(["track", "page", "A", "B", "*", 'q"\\']), st.text(max_size=5))
paths = st.one_of(
    st.sampled_from([("type",), ("event",), ("name",), ("userId",)]),
    st.tuples(st.sampled_from(["properties", "traits", "context"]), keys),
    st.tuples(st.just("properties"), keys, keys),
)
numbers = st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False))


@st.composite
def conditions(draw):
    """Draw a condition that FQL can say."""
    path = draw(paths)
    operator = draw(
        st.sampled_from(
            ["=", "!=", "<", "<=", ">", ">=", "contains", "not_contains", "match", "not_match"]
        )
    )
    if operator.endswith(("contains", "match")):
        return Condition(path, operator, draw(texts))
    text_only = len(path) == 1
    values = texts if text_only else st.one_of(texts, numbers, st.booleans(), st.none())
    return Condition(path, operator, draw(values))


def groups(children):
    """Draw a group of nodes."""
    several = st.lists(children, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda nodes: group(All, nodes)),
        several.map(lambda nodes: group(Either, nodes)),
        children.map(Not),
    )


nodes = st.recursive(conditions(), groups, max_leaves=8)
leaves = st.one_of(st.none(), st.booleans(), numbers, texts, st.lists(texts, max_size=2))
objects = st.dictionaries(keys, st.one_of(leaves, st.dictionaries(keys, leaves, max_size=3)))
events = st.fixed_dictionaries(
    {},
    optional={root: st.one_of(leaves, objects) for root in ROOTS},
)


@given(nodes)
def test_render_then_parse_is_identity(node):
    """Canonical FQL reads back as the same tree, and renders to the same text."""
    text = fql.Trigger(node).render()
    again = fql.parse(text)
    assert again.root == node
    assert again.render() == text


@given(st.lists(nodes, max_size=5), st.lists(events, max_size=4))
def test_index_finds_what_asking_each_trigger_finds(roots, many):
    """The index returns exactly the positions of the triggers that match, ascending."""
    triggers = [fql.Trigger(root) for root in roots]
    index = fql.TriggerIndex(triggers)
    for event in many:
        wanted = [position for position, one in enumerate(triggers) if one.matches(event)]
        assert list(index.matching(event)) == wanted


@given(nodes, events)
def test_explanation_agrees_with_the_predicate(node, event):
    """The explanation's answer is the trigger's, and something decided it."""
    trigger = fql.Trigger(node)
    decision = trigger.explain(event)
    assert decision.matched is trigger.matches(event)
    assert decision.decided_by


@given(st.text(alphabet='atype= "and()!*.properties\\x\n<>[]0', max_size=60))
def test_any_text_is_read_or_refused(text):
    """No text makes the parser fail in another way than by refusing it."""
    try:
        trigger = fql.parse(text)
    except InvalidSubscription as error:
        assert str(error)  # noqa: PT017  the other branch asserts too
    else:
        assert fql.parse(trigger.render()).root == trigger.root
