"""Read FQL into its syntax tree."""

import difflib
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

from lark import Lark, Token, Tree, UnexpectedInput

from destination_core.errors import InvalidSubscription
from destination_core.fql.nodes import (
    ROOTS,
    TEXT_ROOTS,
    All,
    Condition,
    Either,
    Literal_,
    Node,
    Not,
    Operator,
    group,
)

LONGEST: Final = 10_000
"""Characters of a trigger."""

DEEPEST: Final = 100
"""Levels of parentheses and negations."""

EXPECTED: Final = {
    "PATH": "a field such as event or properties.plan",
    "FUNCTION": "contains( or match(",
    "OPERATOR": "one of = != < <= > >=",
    "STRING": 'a text in quotes such as "Order Completed"',
    "NUMBER": "a number",
    "WORD": "true, false or null",
    "BANG": "!",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "_AND": "and",
    "_OR": "or",
    "$END": "the end",
}
"""The grammar's terminals in a reader's words."""

_SEGMENT: Final = re.compile(
    r"""\[\s*(?:(?P<index>[0-9]+)|(?P<bracketed>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))\s*\]
    |\.?(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<bare>(?:[A-Za-z0-9_\-]|\\.)+))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(?:([\"'\\])|u([0-9a-fA-F]{4}))")


def read(text: str) -> Node:
    """Return the tree of a trigger; raises ``InvalidSubscription`` showing where it goes wrong."""
    if len(text) > LONGEST:
        raise InvalidSubscription(
            f"trigger has {len(text):,} characters; at most {LONGEST:,} are accepted"
        )
    if not text.strip():
        raise InvalidSubscription('trigger is empty; write for example: type = "track"')
    _refuse_depth(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        raise _fault(text, _position(text, error), *_explained(text, error)) from error
    root: Any = tree.children[0]
    return _Reader(text).node(root)


@cache
def _parser() -> Lark:
    grammar = files("destination_core.fql").joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", propagate_positions=True)


class _Reader:
    """Turn lark's tree into ours."""

    def __init__(self, text: str) -> None:
        self._text = text

    def node(self, tree: Tree[Token]) -> Node:
        children: Any = tree.children
        if tree.data == "all":
            return group(All, [self.node(child) for child in children])
        if tree.data == "either":
            return group(Either, [self.node(child) for child in children])
        if tree.data == "parentheses":
            return self.node(children[0])
        if tree.data == "negated":
            return self._negated(self.node(children[0]), children[0].data == "call")
        if tree.data == "call":
            return self._call(children)
        path, operator, value = children
        names = self._path(path)
        literal = self._literal(names, value)
        return Condition(names, _operator(str(operator)), literal)

    def _negated(self, child: Node, call: bool) -> Node:
        """Negate; directly before a function, Segment's negation asks for a text as well."""
        if call and isinstance(child, Condition):
            negated: Operator = "not_contains" if child.operator == "contains" else "not_match"
            return Condition(child.path, negated, child.value)
        return Not(child)

    def _call(self, children: Any) -> Condition:
        function, path, argument = children
        names = self._path(path)
        if names[0] not in (*TEXT_ROOTS, "userId") and len(names) == 1:
            raise _fault(
                self._text, path.start_pos, f"{names[0]!r} is an object", f"{names[0]}.some_field"
            )
        contains = str(function).lower().startswith("contains")
        token = argument.children[0]
        if argument.data == "number" and not contains:
            raise _fault(
                self._text, token.start_pos, f"match() got {token!s}", "a pattern in quotes"
            )
        value = _text(token) if argument.data == "string" else _number_text(str(token))
        return Condition(names, "contains" if contains else "match", value)

    def _path(self, token: Token) -> tuple[str, ...]:
        names = tuple(_key(match) for match in _SEGMENT.finditer(str(token)))
        if names[0] not in ROOTS:
            close = difflib.get_close_matches(names[0], ROOTS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise _fault(
                self._text,
                token.start_pos or 0,
                f"unknown field {names[0]!r}{hint}",
                ", ".join(ROOTS),
            )
        return names

    def _literal(self, path: tuple[str, ...], value: Tree[Token]) -> Literal_:
        token = str(value.children[0])
        if value.data == "string":
            return _text(token)
        text_field = len(path) == 1 and path[0] in TEXT_ROOTS
        if value.data == "number":
            number = _number(self._text, value.children[0])  # type: ignore[arg-type]
            as_text = text_field or path == ("userId",)
            return _number_text(token) if as_text else number
        word = token.lower()
        if word == "null":
            return None
        if word in ("true", "false"):
            return token if text_field else word == "true"
        return token


def _operator(text: str) -> Operator:
    return text  # type: ignore[return-value]  # the grammar lets nothing else through


def _key(match: re.Match[str]) -> str:
    if match["index"] is not None:
        return str(int(match["index"]))
    if match["bracketed"] is not None:
        return _text(match["bracketed"])
    if match["quoted"] is not None:
        return match["quoted"][1:-1]
    return re.sub(r"\\(.)", r"\1", match["bare"], flags=re.DOTALL)


def _text(token: str) -> str:
    r"""Decode a quoted text: escaped quotes, backslashes and \uXXXX; others stay as they are."""
    inner = token[1:-1]
    if "\\" not in inner or not re.fullmatch(r"(\\.|[^\\])*", inner, re.DOTALL):
        return inner
    return _ESCAPE.sub(lambda m: m[1] or chr(int(m[2], 16)), inner)


def _number(text: str, token: Token) -> int | float:
    digits = str(token)
    if not re.search(r"[.eE]", digits):
        return int(digits) if len(digits) <= 300 else float(digits)  # noqa: PLR2004  above is inf
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise _fault(text, token.start_pos or 0, f"number {digits} is too large", "a finite number")
    return number


def _number_text(digits: str) -> str:
    """Write a number as text the way JavaScript does for ordinary numbers."""
    number = float(digits)
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)  # noqa: PLR2004


def _refuse_depth(text: str) -> None:
    deepest = depth = bangs = 0
    bare = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'', "", text, flags=re.DOTALL)
    for character in bare:
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "!":
            bangs += 1
        elif not character.isspace():
            bangs = 0
        deepest = max(deepest, depth, bangs)
    if deepest > DEEPEST:
        raise InvalidSubscription(f"trigger is nested more than {DEEPEST} levels deep")


def _explained(text: str, error: UnexpectedInput) -> tuple[str, str]:
    """Say what came and what was expected, in a reader's words."""
    accepted: set[str] = set(
        getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()
    )
    names = [words for name, words in EXPECTED.items() if name in accepted]
    position = _position(text, error)
    if not 0 <= position < len(text.rstrip()):
        came = "trigger ends too early"
    else:
        word = re.match(r"[\w.]+|.", text[position:], re.DOTALL)
        came = f"unexpected {word[0][:40]!r}" if word else "trigger ends too early"
    return came, ", ".join(names) if names else "the end"


def _position(text: str, error: UnexpectedInput) -> int:
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return len(text.rstrip())
    return -1 if error.pos_in_stream is None else error.pos_in_stream


def _fault(text: str, position: int, came: str, expected: str) -> InvalidSubscription:
    """Show the line, a caret under the place, and what was expected."""
    position = min(position if position >= 0 else len(text), len(text))
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    line = text[start : end if end >= 0 else len(text)]
    number = text.count("\n", 0, position) + 1
    column = position - start
    shown, offset = (line, column) if len(line) <= 100 else _window(line, column)  # noqa: PLR2004
    return InvalidSubscription(
        f"trigger cannot be read: {came}, line {number}, column {column + 1};"
        f" expected {expected}\n  {shown}\n  {' ' * offset}^"
    )


def _window(line: str, column: int) -> tuple[str, int]:
    first = max(0, column - 50)
    return ("…" if first else "") + line[first : first + 100], column - first + bool(first)


__all__ = ["DEEPEST", "LONGEST", "read"]
