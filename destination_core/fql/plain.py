"""Read what most triggers are: fields that equal texts, joined by one word.

The grammar reads the same, but its library and its tables take 35 ms of every start.
"""

import re
from typing import Final, cast

from destination_core.fql.nodes import LONGEST, ROOTS, All, Condition, Either, Node, Operator, group

_TERM: Final = re.compile(
    r"""[ \t\r\n]*(?P<path>[\w\-]+(?:\.[\w\-]+)*)[ \t\r\n]*(?P<operator>!?=)[ \t\r\n]*
    "(?P<text>[^"\\]*)"[ \t\r\n]*(?P<word>(?:and|or)(?=[ \t\r\n])|\Z)""",
    re.ASCII | re.VERBOSE,
)
"""A condition, and what comes after it: nothing where the trigger ends."""


def plain(text: str) -> Node | None:
    """Return the tree of a trigger of this form, None for any other, and for a wrong one."""
    conditions: list[Node] = []
    words: set[str] = set()
    place = 0
    while len(text) <= LONGEST and (found := _TERM.match(text, place)):
        path = tuple(found["path"].split("."))
        if path[0] not in ROOTS:
            return None
        conditions.append(Condition(path, cast("Operator", found["operator"]), found["text"]))
        if not found["word"]:
            break
        words.add(found["word"])
        place = found.end()
    else:
        return None
    return None if len(words) > 1 else group(Either if "or" in words else All, conditions)
