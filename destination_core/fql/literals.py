r"""Values as FQL writes them: quoted texts with escapes, numbers, bare words."""

import re
from typing import Final

_ESCAPE: Final = re.compile(r"\\(?:([\"'\\])|u([0-9a-fA-F]{4}))")
_WHOLE: Final = re.compile(r"(?:\\.|[^\\])*", re.DOTALL)
_BACKSLASHED: Final = re.compile(r"\\(.)", re.DOTALL)
_DIGITS: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_PREFIXED: Final = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+")
_WORDS: Final = {
    "": 0.0,
    "Infinity": float("inf"),
    "+Infinity": float("inf"),
    "-Infinity": float("-inf"),
}
_LONGEST_INTEGER: Final = 300


def unquoted(token: str) -> str:
    r"""Decode a quoted text: ``\"``, ``\'``, ``\\`` and ``\uXXXX``; other backslashes stay."""
    inner = token[1:-1]
    if "\\" not in inner or not _WHOLE.fullmatch(inner):
        return inner
    text = _ESCAPE.sub(lambda found: found[1] or chr(int(found[2], 16)), inner)
    # two \u escapes may make one character; a lone half of a pair equals no text of an event
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def unescaped(token: str) -> str:
    """Drop the backslashes of a bare key or word: each makes the next character ordinary."""
    return _BACKSLASHED.sub(r"\1", token)


def number(digits: str) -> int | float | None:
    """Read a number; None when it is beyond what a double can hold."""
    if _DIGITS.fullmatch(digits) and len(digits) <= _LONGEST_INTEGER:
        return int(digits)
    value = float(digits)
    return None if value in (float("inf"), float("-inf")) else value


def bound(value: str | float | None) -> float | None:
    """Read what ``<`` and its kin compare with; None when no number can be.

    A text or a boolean is converted as JavaScript's ``Number()`` does, as in the hosted engine.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        return int(value) if isinstance(value, bool) else value
    text = value.strip()
    if text in _WORDS:
        return _WORDS[text]
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    return number(text) if _DECIMAL.fullmatch(text) else None
