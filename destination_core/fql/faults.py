"""Say where a trigger goes wrong, and what was expected there."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from destination_core.errors import InvalidSubscription

WIDEST: Final = 100
"""Characters of a line that are shown."""

EXPECTED: Final = {
    "PATH": "a field such as event or properties.plan",
    "FUNCTION": "contains( or match(",
    "OPERATOR": "one of = != < <= > >=",
    "STRING": 'a text in quotes such as "Order Completed"',
    "NUMBER": "a number",
    "WORD": "true, false or null",
    "_BANG": "!",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "_AND": "'and'",
    "_OR": "'or'",
    "$END": "the end",
}
"""The grammar's terminals in a reader's words."""

_QUOTED: Final = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', re.DOTALL)
_TYPED: Final = re.compile(r"[\w.$\-]+|.", re.DOTALL)


def unexpected(text: str, position: int, accepted: Iterable[str]) -> InvalidSubscription:
    """Describe the first place that does not fit the grammar.

    ``accepted`` names the terminals that would have fitted; a position outside the text, or at
    its end, means that the text is too short.
    """
    accepted = set(accepted)
    if not 0 <= position < len(text.rstrip()):
        position = len(text.rstrip())
    if _closed(text[:position]):
        accepted.discard("RPAR")
        if "_AND" in accepted:  # the lexer, which does not know of the end, may have asked
            accepted.add("$END")
    words = [words for name, words in EXPECTED.items() if name in accepted]
    found = _TYPED.match(text, position)
    if position >= len(text.rstrip()) or found is None:
        came = "it ends too early"
    elif text[position] in "\"'":
        came = f"text without a closing {text[position]}"
        if _QUOTED.match(text, position):
            came = "unexpected text"
    else:
        came = f"unexpected {found[0][:40]!r}"
    return fault(text, position, came, _listed(words) or "the end")


def fault(text: str, position: int, came: str, expected: str) -> InvalidSubscription:
    """Show the line, a caret under the place, and what was expected there."""
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = (text[start:end] if end >= 0 else text[start:]).rstrip("\r")
    number, column = text.count("\n", 0, position) + 1, position - start
    first = max(0, column - WIDEST // 2) if len(line) > WIDEST else 0
    shown = ("…" if first else "") + line[first : first + WIDEST]
    # control characters would move the caret, or the reader's terminal
    shown = "".join(one if one.isprintable() else " " for one in shown)
    gap = " " * sum(map(_width, shown[: column - first + bool(first)]))
    return InvalidSubscription(
        f"trigger cannot be read: {came}, line {number}, column {column + 1};"
        f" expected {expected}\n  {shown}\n  {gap}^"
    )


def _width(character: str) -> int:
    """Return how many columns of a terminal a character takes."""
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _listed(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _closed(text: str) -> bool:
    bare = _QUOTED.sub("", text)
    return bare.count("(") <= bare.count(")")
