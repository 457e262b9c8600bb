"""What the reader of a faulty trigger is told."""

import pytest

from destination_core import fql
from destination_core.errors import InvalidSubscription


def message(text):
    with pytest.raises(InvalidSubscription) as caught:
        fql.parse(text)
    return str(caught.value)


def test_fault_shows_line_caret_and_expectation():
    """The line is shown with a caret under the place and what was expected, in human words."""
    assert message('type = "track"\n  and properties.total >') == (
        "trigger cannot be read: it ends too early, line 2, column 25; expected a text in quotes"
        ' such as "Order Completed", a number or true, false or null\n'
        "    and properties.total >\n"
        "                          ^"
    )


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ('type == "track"', 7, "unexpected '='"),
        ('type "track"', 6, "expected one of = != < <= > >="),
        ('type = "track" junk', 16, "expected 'and', 'or' or the end"),
        ('type = "track" && type = "page"', 16, "column 16; expected 'and', 'or' or the end"),
        ('(type = "track" && type = "page")', 17, "expected ), 'and' or 'or'"),
        ('(type = "track"', 16, "expected )"),
        ('type = "track")', 15, "expected the end"),
        ("type = 'track", 8, "text without a closing '"),
        ('evnt = "A"', 1, "unknown field 'evnt'; did you mean 'event'?"),
        ('type = "track" and anonymousId = "a"', 20, "unknown field 'anonymousId'"),
        ('contains(event "A")', 16, "expected ,"),
        ("contains(event, type)", 17, "unexpected 'type'"),
        ("match(event, 5)", 14, "a pattern in quotes"),
        ('contains(properties, "a")', 10, "'properties' is an object"),
        ("properties.x = properties.y", 16, "properties.y is a field"),
        ("properties.n = 1,000", 17, "unexpected ','"),
        ("properties.n = 1e999", 16, "number 1e999 is too large"),
        ("properties.n = " + "9" * 400, 16, "is too large"),
        ('! event = "A"', 3, "expected contains( or match(, ! or ("),
        ('type = "a" and \x1b[31m', 16, r"unexpected '\x1b'"),
    ],
)
def test_fault_points_at_the_place(text, column, words):
    """Each fault names its column and says what would have fitted; never a grammar's own name."""
    told = message(text)
    assert f"line 1, column {column};" in told
    assert words in told
    assert told.isprintable() or all(line.isprintable() for line in told.split("\n"))
    for name in ("__ANON", "LPAR", "STRING", "PATH", "$END", "Token("):
        assert name not in told


def test_long_lines_are_cut_around_the_place():
    """A caret stays under its place in a line too long to be shown whole."""
    told = message('type = "x" and ' * 30 + "foo = 1")
    _, shown, caret = told.split("\n")
    assert len(shown) < 110
    assert shown[caret.index("^") :].startswith("foo")


@pytest.mark.parametrize(
    ("before", "columns"),
    [("a", 1), ("é", 1), ("注文", 4), ("\uff46", 2), ("😀", 2), ("e\u0301", 1), ("\u200b", 1)],
)
def test_the_caret_stays_under_its_place_beside_wide_characters(before, columns):
    """A terminal gives them two columns, and marks that stand on another character none."""
    caret = message(f'event = "{before}" x').split("\n")[-1]
    assert caret == "  " + " " * (len('event = "" ') + columns) + "^"


@pytest.mark.parametrize("text", ["", "   \n\t "])
def test_empty_trigger_is_refused(text):
    """An empty trigger would select nothing or everything: it is refused, with an example."""
    assert "trigger is empty" in message(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_001,
        "(" * 5_000,
        "!" * 9_000 + 'contains(event, "a")',
        "!(" * 200 + 'type = "x"' + ")" * 200,
        '(type = "x" and (name = "x" or ' * 150 + "userId = null" + "))" * 150,
        '"' * 9_999,
        "\\" * 9_999,
        "a" + " " * 9_990,
    ],
)
def test_hostile_text_is_refused(text):
    """Size and nesting are limited; no text overflows the stack."""
    assert message(text).startswith("trigger")


def test_needless_parentheses_are_harmless():
    """Parentheses that group nothing do not count as nesting."""
    trigger = fql.parse("(" * 3_000 + 'type = "x"' + ")" * 3_000)
    assert trigger.render() == 'type = "x"'
