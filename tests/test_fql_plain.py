"""Triggers that are read without the grammar: the same trees, and only of the simplest form."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lark import UnexpectedInput

from destination_core.errors import InvalidSubscription
from destination_core.fql import nodes, parse
from destination_core.fql.parser import STEP, grammar, read
from destination_core.fql.plain import plain

PIECES = [
    *(
        "type",
        "event",
        "properties.plan",
        "context.page-url.0",
        "andy",
        "traits.and",
        "properties.",
    ),
    *("=", "!=", "<", '"track"', '"a and b"', '""', '"x\n"', '"\\""', '"', "'track'", "5", "true"),
    *("and", "or", "AND", "not", "(", ")", "!", " ", " ", "\t", "\n", "\x0b", "é"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example('type = "track"')
@example('type="a"and event="b"')
@example('type = "a" and event = "b" and properties.plan = "c"')
@example('type = "a" or type = "b" and type = "c"')
def test_the_grammar_reads_the_same(text: str) -> None:
    """Whatever is read at once, the grammar reads as the same tree."""
    found = plain(text)
    if found is not None:
        assert read(text) == found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["type", "event", "properties.plan", "context.page-url.0"]),
            st.sampled_from(["=", "!="]),
            st.text(st.characters(exclude_characters='"\\')),
        ),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([" and ", " or ", "\nand\t"]),
)
def test_what_subscriptions_say_is_read_at_once(
    terms: list[tuple[str, str, str]], word: str
) -> None:
    """Fields that equal texts or differ from them, joined by one word."""
    text = word.join(f'{path} {operator} "{value}"' for path, operator, value in terms)
    assert plain(text) == read(text)


@pytest.mark.parametrize(
    "text",
    [
        *('kind = "track"', 'type = "track" and', "type = track", 'contains(event, "x")'),
        *('type = "track', 'type = "a" and type = "b" or type = "c"', ""),
        f'type = "{"x" * nodes.LONGEST}"',
    ],
)
def test_the_rest_is_left_to_the_grammar(text: str) -> None:
    """Also what is wrong: it knows what to say."""
    assert plain(text) is None


def test_a_trigger_may_not_be_endless() -> None:
    """However simple it is."""
    with pytest.raises(InvalidSubscription, match="at most 10,000"):
        parse(f'type = "{"x" * nodes.LONGEST}"')


STEPS = [
    *(
        "a",
        "\\",
        '"',
        "'",
        "[",
        "]",
        ".",
        " ",
        "0",
        '["a"]',
        '["a\\"]',
        "['\\']",
        '."a\\"',
        "\\.",
        "[0]",
    ),
]


@given(st.lists(st.sampled_from(STEPS), max_size=10).map("".join))
@example('["a\\"]')
@example('["a\\"]["b"]')
@example('["a\\" b"]')
@example("['\\'].a . 'b'")
def test_the_keys_of_a_path_are_all_that_the_grammar_took_for_it(tail: str) -> None:
    """Cutting a path into its keys leaves nothing out between them, nor at its end."""
    try:
        tree = grammar().parse(f"properties{tail} = 1")
    except UnexpectedInput:
        return
    for path in tree.scan_values(lambda token: token.type == "PATH"):
        assert "".join(step[0] for step in STEP.finditer(path)) == path
