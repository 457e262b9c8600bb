"""Numbers as Segment's engine reads and writes them: the rules of JavaScript, within reason.

Deviation VAL-16: only finite decimal numbers are read; blank, hexadecimal, octal, binary and
infinite texts are refused instead of becoming 0, 31 or Infinity.
"""

import math
import re
from decimal import Decimal
from typing import Any, Final

BLANK: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""The white space that JavaScript trims, also to read a number; Python's own set differs."""

_DECIMAL = re.compile(
    rf"[{BLANK}]*([+-]?)((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[{BLANK}]*"
)
_MAX_TEXT = 400  # a double needs at most 17 digits; longer texts are not meant as numbers
_SAFE = 2**53
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1
_EXPONENT_FROM, _EXPONENT_BELOW = 1e21, 1e-6


def text_of(number: float) -> str:
    """Write a number as JavaScript does: ``5.0`` is "5", ``1e21`` is "1e+21", ``1e-7`` is "1e-7".

    Whole numbers that came as such keep every digit, also above 2**53.
    """
    if isinstance(number, int) and abs(number) < _EXPONENT_FROM:
        return str(number)
    double = float(number)
    if double == 0:
        return "0"
    if _EXPONENT_BELOW <= abs(double) < _EXPONENT_FROM:
        plain = format(Decimal(repr(double)), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    mantissa, _, exponent = repr(double).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def number_of(text: str) -> float | None:
    """Read a decimal number, white space around it allowed; None when the text is not one.

    Whole numbers come back as ``int`` as long as they fit 64 bits, the limit of our JSON writer.
    """
    if len(text) > _MAX_TEXT:
        return None
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    digits = match[1] + match[2]
    if match[2].isdigit():
        whole = int(digits)
        if _INT64_MIN <= whole <= _UINT64_MAX:
            return whole
    double = float(digits)
    if not math.isfinite(double):
        return None
    return int(double) if double.is_integer() and abs(double) < _SAFE else double


def is_number(value: object) -> bool:
    """Tell whether a value is a finite JSON number (``True`` is not)."""
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))  # type: ignore[arg-type]


def is_integer(value: object) -> bool:
    """Tell whether a value is a whole JSON number; ``5.0`` is one, as in JavaScript."""
    kind = type(value)
    return kind is int or (kind is float and value.is_integer())  # type: ignore[attr-defined]


def without_points(value: Any) -> Any:
    """Return a JSON value with its whole numbers as JavaScript writes them: 50, not 50.0."""
    if isinstance(value, dict):
        return {key: without_points(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_points(one) for one in value]
    whole = type(value) is float and value.is_integer() and abs(value) < _SAFE
    return int(value) if whole else value
