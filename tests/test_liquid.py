"""Liquid: Segment's limits, what it disables, and that no template harms anybody."""

from datetime import UTC, datetime

import pytest

import destination_core as dc
from destination_core import mapping
from destination_core.mapping.liquid import LONGEST

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
EVENT = {"type": "track", "properties": {"n": 3, "text": "a b", "size": "big"}}


def rendered(template: str) -> object:
    """Render a template with the clock standing still."""
    compiled = mapping.compile({"x": {"@liquid": template}}, now=lambda: NOW)
    return compiled.resolve(EVENT)["x"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ properties.n | plus: 1 }}", "4"),
        ("{{ properties.n | divided_by: 2 }}", "1.5"),
        ("{{ properties.text | split: ' ' | join: '-' }}", "a-b"),
        ("{% if properties.n > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% assign y = properties.n %}{{ y }}", "3"),
        ("{{ 'now' | date: '%Y-%m-%d' }}", "2026-11-23"),
        ("{{ properties.nope }}|{{ properties.nope | default: 'x' }}", "|x"),
        ("{{ properties.size }}", "big"),
        ("{% assign i = 4 | divided_by: 4 %}{% assign l = 'a b' | split: ' ' %}{{ l[i] }}", "b"),
        (r"{{ '\ud83d\ude00' }}{{ '\ud83d' }}", "\U0001f600\ufffd"),
        ("no markup", "no markup"),
    ],
)
def test_a_template_renders(template: str, text: str) -> None:
    """The text is the one that the hosted engine gives."""
    assert rendered(template) == text


@pytest.mark.parametrize(
    "template",
    [
        "x" * (LONGEST + 1),
        "{% for i in (1..3) %}{{ i }}{% endfor %}",
        "{% include 'x' %}",
        "{% render 'x' %}",
        "{% case properties.n %}{% when 3 %}x{% endcase %}",
        "{% tablerow i in (1..3) %}{% endtablerow %}",
        "{{ properties.text | split: ' ' | map: 'x' }}",
        "{{ properties.text | split: ' ' | sort }}",
        "{{ unclosed",
    ],
)
def test_what_segment_disables_rejects_the_event(template: str) -> None:
    """Too long, disabled or broken: a liquid error that says why, and nothing else fails."""
    with pytest.raises(dc.InvalidPayload) as caught:
        rendered(template)
    assert caught.value.code == "LIQUID_ERROR"


@pytest.mark.parametrize(
    "template",
    [
        "{% assign a = 'x' %}" + "{% assign a = a | append: a %}" * 30,
        "{% assign a = '1234567890' %}" + "{% assign a = a | replace: '1', a %}" * 25 + "{{ a }}",
        "{% capture a %}" + "x" * 600 + "{% endcapture %}" + "{% assign a = a | append: a %}" * 11,
    ],
)
def test_a_bomb_does_not_go_off(template: str) -> None:
    """A template that doubles its output ends in an error, before memory or time run out."""
    assert len(template) <= LONGEST
    with pytest.raises(dc.InvalidPayload) as caught:
        rendered(template)
    assert caught.value.code == "LIQUID_ERROR"


def test_rendering_changes_nothing_in_the_event() -> None:
    """``increment`` counts in the template, not in the event."""
    before = {"type": "track", "properties": dict(EVENT["properties"])}  # type: ignore[call-overload]
    rendered("{% increment n %}{% increment properties %}{% assign n = 5 %}")
    assert before == EVENT
