"""The rules by which a result is compared with a vector."""

from typing import Any

import pytest

from tests.conformance.compare import MISSING, difference, error_difference


@pytest.mark.parametrize(
    ("wanted", "got", "place"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1.0}, None),
        ({"a": 1}, {"a": True}, "/a"),
        ({"a": 1}, {"a": 1, "b": None}, "/b"),
        ({"a": [1, 2]}, {"a": [1]}, "/a/1"),
        ([{"$undefined": True}], [None], None),
        ([{"$undefined": True}], [0], "/0"),
        ({"$number": "NaN"}, float("nan"), None),
        ("1", 1, ""),
        (None, 0, ""),
    ],
)
def test_difference_names_the_first_place(wanted: Any, got: Any, place: str | None) -> None:
    """Objects are unordered, numbers compare by value, and true is not 1."""
    found = difference(wanted, got)
    assert (found.place if found else None) == place


def test_missing_error_is_a_difference() -> None:
    """A vector that fails must fail here, in the same phase."""
    missing = error_difference({"phase": "parse"}, None, strict=False)
    assert missing is not None
    assert missing.got is MISSING
    assert error_difference({"phase": "parse"}, {"phase": "evaluate"}, strict=False)
    assert (
        error_difference({"phase": "parse", "name": "X"}, {"phase": "parse"}, strict=False) is None
    )
