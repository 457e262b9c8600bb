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
