"""What the runner takes for a listed deviation of triggers, and what it does not."""

from typing import Any

import pytest

from tests.conformance.runner import judge

PAGE = {"type": "event-context", "name": "page.url"}
TRACK = {"type": "event-type", "operator": "=", "value": "track"}


def both(*children: Any) -> dict[str, Any]:
    return {"type": "group", "operator": "and", "children": list(children)}


@pytest.mark.parametrize(
    ("ast", "text", "code"),
    [
        ({**PAGE, "operator": "="}, "context.page.url = undefined", "FQL-28"),
        ({**PAGE, "operator": "<=", "value": "a b"}, "context.page.url <= NaN", "FQL-28"),
        ({**PAGE, "operator": "starts_with"}, 'match(context.page.url, "undefined*")', "FQL-28"),
        (both(TRACK, both(TRACK)), 'type = "track" and (type = "track")', "FQL-29"),
        (both(both(TRACK, TRACK)), '(type = "track" and type = "track")', "FQL-29"),
        (both(TRACK, TRACK), 'type = "track" or type = "track"', None),
        ({**PAGE, "operator": "like"}, "context.page.url like x", None),
    ],
)
def test_what_is_argued_of_generated_texts(
    ast: dict[str, Any], text: str, code: str | None
) -> None:
    """Conditions that lack something and needless groups are listed; all else fails."""
    vector = {"id": "made", "kind": "fql", "feature": "generate"}
    verdict = judge({**vector, "input": {"op": "generate", "ast": ast}, "expect": {"fql": text}})
    assert (verdict.kind, verdict.code) == (("deviating", code) if code else ("failed", ""))
