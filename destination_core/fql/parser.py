"""Read FQL into its syntax tree."""

import difflib
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from lark import Lark, Token, Tree, UnexpectedInput

from destination_core.errors import InvalidSubscription
from destination_core.fql import literals
from destination_core.fql.faults import fault, unexpected
from destination_core.fql.nodes import (
    DEEPEST,
    LONGEST,
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
from destination_core.numbers import text_of

_BARE: Final = r"""(?P<bare>(?:[A-Za-z0-9_\-]|\\.)+)"""
_QUOTED: Final = r"""(?P<{}>"(?:\\.|[^"\\])*"|"[^"]*"|'(?:\\.|[^'\\])*'|'[^']*')"""
STEP: Final = re.compile(
    rf"""\s*\[\s*(?:(?P<index>[0-9]+)|{_QUOTED.format("inside")})\s*\]
    |\s*\.?\s*(?:{_BARE}|{_QUOTED.format("beside")})""",
    re.DOTALL | re.VERBOSE,
)
"""A key as the grammar's PATH has it: which form a quoted one has depends on what follows."""

_OBJECTS: Final = ("properties", "traits", "context")


def read(text: str) -> Node:
    """Return the tree of a trigger; raises ``InvalidSubscription`` showing where it goes wrong."""
    if len(text) > LONGEST:
        raise InvalidSubscription(
            f"trigger has {len(text):,} characters; at most {LONGEST:,} are accepted"
        )
    if not text.strip():
        raise InvalidSubscription('trigger is empty; write for example: type = "track"')
    try:
        tree = grammar().parse(text)
    except UnexpectedInput as error:
        names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or ()
        # a missing end is reported at the last token: -1 says "the end" to the reader
        ended = getattr(getattr(error, "token", None), "type", "") == "$END"
        raise unexpected(text, -1 if ended else error.pos_in_stream or 0, names) from None
    return _Reader(text).node(tree.children[0], 0)


@cache
def grammar() -> Lark:
    """Return what reads triggers, made once; it raises ``UnexpectedInput``."""
    text = files("destination_core.fql").joinpath("grammar.lark").read_text("utf-8")
    return Lark(text, parser="lalr", lexer="contextual")


class _Reader:
    """Turn lark's tree into ours."""

    def __init__(self, text: str) -> None:
        self._text = text

    def node(self, tree: Any, depth: int) -> Node:
        if depth > DEEPEST:
            while isinstance(tree, Tree):  # to its first token, without recursion
                tree = tree.children[0]
            raise self._fault(tree, f"nested more than {DEEPEST} levels deep", "fewer groups")
        children = tree.children
        match tree.data:
            case "all":
                return group(All, [self.node(child, depth + 1) for child in children])
            case "either":
                return group(Either, [self.node(child, depth + 1) for child in children])
            case "negation":
                return Not(self.node(children[0], depth + 1))
            case "refusal":
                return self._call(children[0], "not_")
            case "call":
                return self._call(tree, "")
        return self._comparison(*children)

    def _comparison(self, path: Token, operator: Token, value: Token) -> Condition:
        names = self._path(path)
        literal = self._literal(names, operator, value)
        return Condition(names, cast("Operator", str(operator)), literal)

    def _call(self, tree: Tree[Token], negation: str) -> Condition:
        """Read a function; directly before it, a negation asks for a text as well."""
        function, path, argument = cast("list[Token]", tree.children)
        names = self._path(path)
        if len(names) == 1 and names[0] in _OBJECTS:
            raise self._fault(path, f"{names[0]!r} is an object", f"{names[0]}.some_field")
        name = "contains" if function.lower().startswith("contains") else "match"
        if argument.type == "STRING":
            text = literals.unquoted(argument)
        elif name == "match":
            raise self._fault(argument, f"match() got {argument!s}", "a pattern in quotes")
        else:
            text = text_of(self._number(argument))
        return Condition(names, cast("Operator", negation + name), text)

    def _path(self, token: Token) -> tuple[str, ...]:
        names = tuple(map(_key, STEP.finditer(token)))
        if names[0] not in ROOTS:
            close = difflib.get_close_matches(names[0], ROOTS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise self._fault(token, f"unknown field {names[0][:40]!r}{hint}", "one of " + _ROOTS)
        return names

    def _literal(self, path: tuple[str, ...], operator: str, token: Token) -> Literal_:
        if token.type == "STRING":
            return literals.unquoted(token)
        if token.type == "NUMBER":
            value = self._number(token)
            return text_of(value) if path in _TEXT_PATHS or path == _USER_ID else value
        word = token.lower()
        if word == "null":
            return None
        if word in ("true", "false"):
            text = path in _TEXT_PATHS or (path == _USER_ID and operator not in ("=", "!="))
            return str(token) if text else word == "true"
        if token.startswith(_REFERENCES):
            raise self._fault(token, f"{token!s} is a field", "a value, in quotes if it is a text")
        return literals.unescaped(token)

    def _number(self, token: Token) -> int | float:
        value = literals.number(token)
        if value is None:
            raise self._fault(token, f"number {token[:40]} is too large", "at most 1.8e308")
        return value

    def _fault(self, token: Token, came: str, expected: str) -> InvalidSubscription:
        return fault(self._text, token.start_pos or 0, came, expected)


def _key(step: re.Match[str]) -> str:
    if step["bare"]:
        return literals.unescaped(step["bare"])
    return step["index"] or literals.unquoted(step["inside"] or step["beside"])


_ROOTS: Final = ", ".join(ROOTS)
_TEXT_PATHS: Final = frozenset((root,) for root in TEXT_ROOTS)
_USER_ID: Final = ("userId",)
_REFERENCES: Final = tuple(f"{root}." for root in _OBJECTS)
