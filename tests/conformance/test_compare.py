"""The rules by which a result is compared with a vector."""

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
def test_difference_names_the_first_place(wanted, got, place):
    """Objects are unordered, numbers compare by value, and true is not 1."""
    found = difference(wanted, got)
    assert (found.place if found else None) == place


def test_missing_error_is_a_difference():
    """A vector that fails must fail here, in the same phase."""
    assert error_difference({"phase": "parse"}, None, strict=False).got is MISSING
    assert error_difference({"phase": "parse"}, {"phase": "evaluate"}, strict=False)
    assert (
        error_difference({"phase": "parse", "name": "X"}, {"phase": "parse"}, strict=False) is None
    )
