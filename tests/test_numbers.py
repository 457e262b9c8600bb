"""Numbers, read and written by the rules of JavaScript."""

import math

import pytest

from destination_core.numbers import is_integer, is_number, number_of, text_of, without_points


class TestNumbers:
    @pytest.mark.parametrize(
        ("number", "text"),
        [
            (0, "0"),
            (-0.0, "0"),
            (5.0, "5"),
            (-1.5, "-1.5"),
            (1e21, "1e+21"),
            (10**21, "1e+21"),
            (1e20, "100000000000000000000"),
            (123456789012345680000.0, "123456789012345680000"),
            (9007199254740993, "9007199254740993"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (0.1 + 0.2, "0.30000000000000004"),
            (5e-324, "5e-324"),
        ],
    )
    def test_are_written_as_in_javascript(self, number, text):
        """Doubles in JavaScript's shortest form; whole numbers with every digit."""
        assert text_of(number) == text

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("5", 5),
            ("+5", 5),
            ("-0.5", -0.5),
            (".5", 0.5),
            ("5.", 5),
            (" \ufeff7\n", 7),
            ("1e3", 1000),
            ("9007199254740993", 9007199254740993),
            ("99999999999999999999", 1e20),
        ],
    )
    def test_decimal_texts_are_read(self, text, number):
        """White space around is fine; whole numbers are whole if 64 bits hold them."""
        assert number_of(text) == number
        assert type(number_of(text)) is type(number)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "0x1f",
            "0b11",
            "1_000",
            "1,5",
            "Infinity",
            "NaN",
            "1e400",
            "--1",
            "5 5",
            "٣",
            "9" * 5000,
        ],
    )
    def test_other_texts_are_not_numbers(self, text):
        """What JavaScript would make 0, 31 or Infinity of is refused."""
        assert number_of(text) is None

    def test_kinds(self):
        """True is no number, 5.0 is an integer, NaN is neither."""
        assert [is_number(one) for one in (1, 1.5, True, "1", math.nan, math.inf)] == [
            True,
            True,
            False,
            False,
            False,
            False,
        ]
        assert [is_integer(one) for one in (1, 5.0, 1.5, True, math.inf)] == [
            True,
            True,
            False,
            False,
            False,
        ]


def test_whole_numbers_are_shown_without_a_point():
    """A payload is shown as it will be sent: 50, not 50.0; what is no whole number stays."""
    shown = without_points({"a": 50.0, "b": [1.5, 2.0, True], "c": {"d": 1e300, "e": None}})
    assert repr(shown) == "{'a': 50, 'b': [1.5, 2, True], 'c': {'d': 1e+300, 'e': None}}"
