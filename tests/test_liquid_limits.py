"""Templates that were written to do harm: each ends, in an error or in a text of bounded size."""

import time
from datetime import UTC, datetime
from itertools import count

import pytest

import destination_core as dc
from destination_core import mapping
from destination_core.mapping import liquid_context
from destination_core.mapping.liquid import LONGEST, MOST_OUTPUT
from destination_core.mapping.liquid_filters import DISABLED

TAGS_OUT = ("case", "doc", "for", "ifchanged", "include", "layout", "render", "tablerow")
"""Tags that Segment disables, and those that liquidjs does not have."""

TEXT = "{% assign a = '0123456789' %}" + "{% assign a = a | append: a %}" * 16
"""A variable of 655,360 characters."""

NESTED = "{% assign l = 'ab' | split: '' %}" + "{% assign l = l|push:l|push:l %}" * 26
"""Lists that hold one another: 2 ** 26 items when they are shown, 28 in memory."""


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a slow machine the time to come to a result; what is quadratic takes longer still."""
    monkeypatch.setattr(liquid_context, "SECONDS", 10)


def rendered(template: str) -> str:
    """Render a template on an event."""
    event = {"type": "track", "properties": {"n": 1, "list": [2, 1]}}
    return str(mapping.compile({"x": {"@liquid": template}}).resolve(event)["x"])


def refused(template: str) -> str:
    """Return why an event is rejected because of its template."""
    with pytest.raises(dc.InvalidPayload) as caught:
        rendered(template)
    assert caught.value.code == "LIQUID_ERROR"
    assert [one.pointer for one in caught.value.problems] == ["/x"]
    return str(caught.value.problems[0].message)


def test_a_template_may_have_a_thousand_characters() -> None:
    """The limit itself is allowed, one more is not."""
    assert rendered("x" * LONGEST) == "x" * 1_000
    assert "1,001 characters; at most 1,000" in refused("x" * (LONGEST + 1))


@pytest.mark.parametrize("name", DISABLED)
def test_a_disabled_filter_is_named(name: str) -> None:
    """Every filter that Segment disables is refused, whatever it is given."""
    assert refused(f"{{{{ properties.list | {name}: 'x' }}}}") == f'filter "{name}" is disabled'


@pytest.mark.parametrize("name", TAGS_OUT)
def test_a_disabled_tag_is_named(name: str) -> None:
    """Every tag that Segment disables is refused, whether or not it is reached."""
    assert name in refused(f"{{% if false %}}{{% {name} %}}{{% end{name} %}}{{% endif %}}")


def test_the_time_is_up_at_the_next_filter() -> None:
    """A rendering that takes longer than 500 ms is given up."""

    def slow() -> datetime:
        time.sleep(0.6)
        return datetime(2026, 1, 1, tzinfo=UTC)

    compiled = mapping.compile({"x": {"@liquid": "{{ 'now' | date: '%Y' | upcase }}"}}, now=slow)
    with pytest.raises(dc.InvalidPayload, match="takes longer than 500 ms"):
        compiled.resolve({})


def test_the_time_is_up_after_the_last_filter_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one filter took too long for is not sent: the clock is past the limit at its end."""
    monkeypatch.setattr(liquid_context, "perf_counter", iter([0, 0.1, 0.2, 0.6]).__next__)
    assert "takes longer than 500 ms" in refused("{{ 'a' | upcase }}")


@pytest.mark.parametrize(
    "template",
    [
        "{% if (1..9) == 1 %}{% endif %}",
        "{% if properties.list contains 1 %}{% endif %}",
        "{{ 1 < 2 < 3 < 4 }}",
        "{{ properties.list }}" * 4,
        "{% cycle (1..2): 1 %}" * 4,
    ],
)
def test_the_time_is_up_without_filters_too(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges, comparisons and outputs look at the clock, which here goes 0.3 s at each look."""
    monkeypatch.setattr(liquid_context, "perf_counter", count(0, 0.3).__next__)
    assert "takes longer than 500 ms" in refused(template)


@pytest.mark.parametrize(
    "template",
    [
        TEXT + "{{ a | split: '' | join: a }}",
        NESTED + "{{ l }}",
        NESTED + "{{ l | json }}",
        NESTED + "{{ l | join: '' }}",
        "{{ (1..9999999999) | json }}",
        "{{ (1..50001) | json }}",
        "{{ (1..50001) | join: '' }}",
        "{% if (1..50001) == (1..50001) %}{% endif %}",
        "{{ (1..99999999999999999999) | json }}",
        "{{ (1..9999999999) | join: ',' }}",
        "{% capture a %}x{% endcapture %}" + "{% capture a %}{{a}}{{a}}{{a}}{% endcapture %}" * 18,
        TEXT + "{{ a }}{{ a }}",
        "{% assign a = '%9999Y' %}"
        + "{% assign a = a | append: a %}" * 16
        + "{{ 'now' | date: a }}",
    ],
)
def test_what_would_exhaust_memory_or_time_is_refused(template: str) -> None:
    """Growth is stopped where it happens, before anybody pays for it."""
    assert len(template) <= LONGEST
    assert refused(template)


@pytest.mark.parametrize("opening", ["{%", "{%-", "{% x", "{{", "{{ 'a'", '{{ "', "{% raw %}{%"])
def test_what_is_not_closed_is_seen_at_once(opening: str) -> None:
    """Nobody looks in turn at all the ways to divide blanks between a name and what follows."""
    assert "not closed" in refused(opening + " " * (LONGEST - len(opening)))


def test_what_is_nested_too_deeply_is_refused() -> None:
    """Python's stack ends in an error about the template, also while a configuration is checked."""
    template = "{{" + "<" * (LONGEST - 4) + "}}"
    assert "nested too deeply" in refused(template)
    assert list(mapping.compile({"x": {"@liquid": template}}).doomed()) == []
    assert refused("{{" + "[" * (LONGEST - 4) + "}}")


def test_numbers_stay_doubles() -> None:
    """No product grows beyond what JavaScript has, which costs nothing."""
    assert rendered("{{ 9" + " | times: 9999999999999999999999" * 25 + " }}") == "Infinity"


@pytest.mark.parametrize(
    ("piece", "template"),
    [
        ("<", "{{ t | strip_html }}"),
        ("<script", "{{ t | strip_html }}"),
        ("<style<", "{{ t | strip_html }}"),
        (" ", "{{ t | date: '%Y' }}"),
        ("a", "{% if t contains t %}x{% endif %}"),
        ("a ", "{{ t | slugify }}"),
        ("a", "{{ t | slice: 0, 99999999999 }}"),
        ("%999999Y", "{{ 'now' | date: '" + "%999999Y" * 100 + "' }}"),
    ],
)
def test_what_looks_expensive_ends(piece: str, template: str) -> None:
    """No filter takes quadratic time on a long text of the event."""
    event = {"t": piece * (600_000 // len(piece))}
    made = mapping.compile({"x": {"@liquid": template}}).resolve(event)["x"]
    assert len(made) <= MOST_OUTPUT


@pytest.mark.parametrize(
    ("template", "where"),
    [
        ("{{ many }}", "output: list"),
        ("{{ many | json }}", "json: list"),
        ("{{ holder | json }}", "json: list"),
        ("{{ many | join: '' }}", "join: list"),
        ("{{ 'a' | replace: 'a', many }}", "replace: list"),
        ("{% if many == many %}{% endif %}", "comparison: list"),
        ("{% if 'a' contains many %}{% endif %}", "comparison: list"),
        ("{% cycle many %}", "output: list"),
        ("{{ long | slugify }}", "slugify: text"),
        ("{{ 'a' | append: long }}", "append: text"),
    ],
)
def test_what_an_event_holds_too_much_of_is_not_begun(template: str, where: str) -> None:
    """The clock is not looked at within a step, so none begins that could take too long."""
    many = list(range(50_001))
    event = {"many": many, "holder": {"many": many}, "long": "a" * 1_000_001}
    with pytest.raises(dc.InvalidPayload) as caught:
        mapping.compile({"x": {"@liquid": template}}).resolve(event)
    assert f"{where} has more than " in caught.value.problems[0].message


@pytest.mark.usefixtures("unhurried")
def test_as_much_as_is_allowed_is_shown() -> None:
    """The limits themselves are no fault, and what is only passed by costs nothing."""
    event = {"many": list(range(50_000)), "holder": {"many": [0] * 50_001}}
    template = "{{ many | join: '' | size }} {{ (1..50000) | size }} {% if holder %}yes{% endif %}"
    made = mapping.compile({"x": {"@liquid": template}}).resolve(event)["x"]
    assert made == f"{len(''.join(map(str, range(50_000))))} 50000 yes"


MANY_LETTERS = "".join(map(chr, range(0x3400, 0xD7A0))) * 20 + "a"
"""A text in which an ``a`` comes last, and that it takes quadratic time to search for many."""


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{ t | lstrip: c | size }}", "0"),
        ("{{ t | rstrip: c | size }}", "0"),
        ("{{ t | strip: c | size }}", "0"),
        ("{{ c | strip: c | size }}", "0"),
        ("{{ a | remove_last: b | size }}", "800000"),
        ("{{ blank | strip | size }}", "0"),
        ("{{ blank | number_of_words }}", "0"),
        ("{{ blank | truncatewords: 3 | size }}", "0"),
    ],
)
def test_no_filter_searches_the_whole_of_one_text_at_each_place_of_another(
    template: str, made: str
) -> None:
    """Both texts are the event's, and long."""
    half = "a" * 200_000
    event = {"t": "a" * 700_000, "c": MANY_LETTERS, "a": half * 4, "b": half + "b" + half}
    event["blank"] = "\ufeff" * 900_000
    compiled = mapping.compile({"x": {"@liquid": template}})
    assert compiled.resolve(event) == {"x": made}


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{ '--a-b--' | strip: '-' }}", "a-b"),
        ("{{ '--a-b--' | lstrip: '-' }}", "a-b--"),
        ("{{ '--a-b--' | rstrip: '-' }}", "--a-b"),
        ("{{ '-- ' | strip: ' -' }}", ""),
        ("{{ 'abcabc' | remove_last: 'bc' }}", "abca"),
        ("{{ 'abcabc' | replace_last: 'a', 'xy' }}", "abcxybc"),
        ("{{ 'abc' | replace_last: 'd', 'x' }}", "abc"),
        ("{{ 'abc' | replace_last: '', 'x' }}", "abcx"),
        ("{{ 'a😀' | size }}", "3"),
        ("{{ 'abc' | sample: 0 | size }}{{ 'abc' | sample: 9 | size }}", "03"),
        ("{{ 'abc' | sample: -1 | size }}{{ '' | sample }}{{ 'a' | sample }}", "2a"),
    ],
)
def test_filters_that_are_written_to_be_quick_are_right(template: str, made: str) -> None:
    """What goes from both ends, or looks at every letter, gives what it always gave."""
    assert rendered(template) == made


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a<b>c</b>d", "acd"),
        ("<script>x > y</script>z", "z"),
        ("<style>x</style><script>y", "y"),
        ("<script>no end<style>y</style>z", "no endz"),
        ("1 < 2 <> 3 <", "1  3 <"),
        ("<!-- a -->b\n<i\n>c", "b\nc"),
        ("no tags", "no tags"),
    ],
)
def test_strip_html_leaves_the_text(text: str, left: str) -> None:
    """Tags go; scripts and styles go with what is in them; a tag without an end stays."""
    compiled = mapping.compile({"x": {"@liquid": "{{ html | strip_html }}"}})
    assert compiled.resolve({"html": text}) == {"x": left}
