"""What the runner takes for a listed deviation of field definitions, and what it does not."""

from typing import Any

import pytest

from tests.conformance.runner import judge


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        ({"type": "string", "required": "yes"}, "VAL-24"),
        ({"required": {"conditions": [{"fieldKey": "b", "operator": "is"}]}}, "VAL-24"),
        ({"type": "blob"}, None),
    ],
)
def test_what_is_argued_of_damaged_definitions(
    definition: dict[str, Any], code: str | None
) -> None:
    """Those that the hosted engine reads as something else are listed; all else fails."""
    given = {"op": "validate", "fields": {"a": {"type": "string"} | definition}, "payload": {}}
    vector = {"id": "made", "kind": "validation", "feature": "made"}
    verdict = judge({**vector, "input": given, "expect": {"payload": {}}})
    assert (verdict.kind, verdict.code) == (("deviating", code) if code else ("failed", ""))
