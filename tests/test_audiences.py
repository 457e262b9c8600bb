"""Who comes to an audience and who goes, as events say."""

from typing import Any

import pytest

import destination_core as dc

PERSONAS = {"computation_class": "audience", "computation_key": "vips"}


def event(kind: str = "track", **members: Any) -> dict[str, Any]:
    return {"type": kind, "context": {"personas": PERSONAS}, **members}


CASES: dict[str, tuple[dict[str, Any], str | None, bool | None]] = {
    "trait-of-identify": (event("identify", traits={"vips": True}), None, True),
    "property-of-track": (event(properties={"vips": False}), None, False),
    "text-is-no-answer": (event(properties={"vips": "true"}), None, None),
    "page-says-nothing": (event("page", properties={"vips": True}), None, None),
    "no-personas": ({"type": "track", "properties": {"vips": True}}, None, None),
    "row-new": ({"type": "track", "event": "new"}, "upsert", True),
    "row-gone-of-a-mirror": ({"type": "track", "event": "deleted"}, "mirror", False),
    "row-gone-of-an-upsert": ({"type": "track", "event": "deleted"}, "upsert", None),
    "row-without-a-mode": ({"type": "track", "event": "new"}, None, None),
    "audience-beats-row": (event(event="deleted", properties={"vips": True}), "mirror", True),
    "row-where-the-audience-says-nothing": (event(event="deleted"), "mirror", False),
    "words-of-another-kind": (
        {
            **event(properties={"vips": True}, event=["new"]),
            "context": {"personas": {**PERSONAS, "computation_class": ["audience"]}},
        },
        "mirror",
        None,
    ),
    "key-of-another-kind": (
        event(properties={"vips": True})
        | {"context": {"personas": {**PERSONAS, "computation_key": [1]}}},
        None,
        None,
    ),
    "context-of-another-kind": ({"type": "track", "context": "x"}, "add", None),
}


@pytest.mark.parametrize("case", CASES)
def test_events_say_who_comes_and_who_goes(case: str) -> None:
    """A trait or property named by the audience counts first, then the rows of a warehouse."""
    given, mode, wanted = CASES[case]
    assert dc.membership(given, mode) is wanted
