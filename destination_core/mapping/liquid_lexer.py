"""Cut a template into text, tags and outputs where liquidjs does."""

import re
from collections.abc import Iterator
from typing import Final

from liquid.exceptions import LiquidSyntaxError
from liquid.token import TOKEN_CONTENT, TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG, Token

_OPENING: Final = re.compile(r"\{%|\{\{")
# possessive (`*+`): a tag of blanks that is not closed takes no more than a look at each
_TAG: Final = re.compile(r"\{%(-?)\s*+(#|(?:[\w?]|-(?!%\}))*+)\s*+(.*?)-?%\}", re.DOTALL)
_OUTPUT: Final = re.compile(
    r"""\{\{(-?)((?:[^"'}]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\}(?!\}))*?)(-?)\}\}""", re.DOTALL
)
_NAME: Final = re.compile(r"(#|[\w?-]*)\s*(.*)", re.DOTALL)
_END_OF_RAW: Final = re.compile(r"\{%\s*endraw(?:-?|(?![\w?-])(?:(?!\{%).)*?)%\}", re.DOTALL)


def template_tokens(source: str) -> Iterator[Token]:
    """Yield what python-liquid's parser reads; an output may hold its own end in quotes.

    Raises ``LiquidSyntaxError`` for what is opened and not closed, and for a tag without a name.
    """
    at, trims = 0, False
    while at < len(source):
        opening = _OPENING.search(source, at)
        text = source[at : opening.start()] if opening else source[at:]
        text = text.lstrip() if trims else text
        if opening is None:
            yield from _content(text, at, source)
            return
        found = (_TAG if opening[0] == "{%" else _OUTPUT).match(source, opening.start())
        if found is None:
            raise _fault("not closed", source, opening.start())
        yield from _content(text.rstrip() if found[1] else text, at, source)
        at, trims = found.end(), source[found.end() - 3] == "-"
        if opening[0] == "{{":
            yield Token(TOKEN_OUTPUT, found[0], found.start(), source)
            yield Token(TOKEN_EXPRESSION, found[2], found.start(2), source)
        elif found[2] == "raw":
            end = _END_OF_RAW.search(source, at)
            if end is None:
                raise _fault("not closed", source, found.start())
            yield from _content(source[at : end.start()], at, source)
            at, trims = end.end(), source[end.end() - 3] == "-"
        else:
            yield from _tag(found, source)


def _content(text: str, at: int, source: str) -> Iterator[Token]:
    if text:
        yield Token(TOKEN_CONTENT, text, at, source)


def _tag(found: re.Match[str], source: str) -> Iterator[Token]:
    if not found[2]:
        raise _fault("a tag without a name", source, found.start())
    yield Token(TOKEN_TAG, found[2], found.start(2), source)
    if rest := found[3].rstrip():
        yield Token(TOKEN_EXPRESSION, rest, found.start(3), source)


def line_tokens(source: str) -> Iterator[Token]:
    """Yield the tokens of a `liquid` tag: one tag a line."""
    for line in source.split("\n"):
        name, rest = _NAME.match(line.strip()).groups()  # type: ignore[union-attr]  # matches all
        if name or rest:
            yield Token(TOKEN_TAG, name, 0, source)
        if rest:
            yield Token(TOKEN_EXPRESSION, rest, 0, source)


def _fault(problem: str, source: str, at: int) -> LiquidSyntaxError:
    """Say what is wrong with what begins at a place."""
    token = Token(TOKEN_EOF, source[at:], at, source)
    return LiquidSyntaxError(f"{source[at : at + 30]!r} is {problem}", token=token)
