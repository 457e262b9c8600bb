"""Write a tree as canonical FQL."""

import re
from typing import Final

from destination_core.fql.nodes import All, Condition, Either, Literal_, Node, Not

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]")
_MISREAD: Final = re.compile(r"""\\(?=["'\\u]|$)""")
"""A backslash that would be read with what follows; any other stands for itself."""


def render(node: Node) -> str:
    """Return FQL that reads back as the same tree; a group within a group has parentheses."""
    if isinstance(node, Condition):
        return _condition(node)
    if isinstance(node, Not):
        return f"!({render(node.child)})"
    word = " and " if isinstance(node, All) else " or "
    return word.join(
        f"({render(child)})" if isinstance(child, All | Either) else render(child)
        for child in node.children
    )


def _condition(condition: Condition) -> str:
    path = path_text(condition.path)
    negated = "!" if condition.operator.startswith("not_") else ""
    function = condition.operator.removeprefix("not_")
    if function in ("contains", "match"):
        return f"{negated}{function}({path}, {_literal(str(condition.value))})"
    return f"{path} {condition.operator} {_literal(condition.value)}"


def path_text(path: tuple[str, ...]) -> str:
    """Return a path as FQL writes it: other characters than letters, digits, _ and - escaped."""
    text = path[0]
    for key in path[1:]:
        if key == "":
            text += '[""]'
        else:
            text += "." + "".join(
                character if _PLAIN.match(character) else f"\\{character}" for character in key
            )
    return text


def _literal(value: Literal_) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + _MISREAD.sub(r"\\\\", value).replace('"', '\\"') + '"'
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004
        return str(int(value))
    return repr(value)
