"""Read values, conditions and filters as liquidjs does, into what python-liquid evaluates."""

import re
from collections.abc import Iterator
from typing import Final

from liquid.exceptions import LiquidSyntaxError
from liquid.token import Token

from destination_core.mapping.liquid_expressions import (
    NAMED,
    NOTHING,
    Access,
    Constant,
    Expression,
    FilterCall,
    Filtered,
    Operation,
    Range,
)
from destination_core.numbers import number_of

_BLANK: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[\w?-]*")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.(?!\.)\d*)?(?![\w?-])", re.ASCII)
_LITERAL: Final = re.compile(rf"({'|'.join(NAMED)})(?![\w?-])")
_OPERATOR: Final = re.compile(r"==|!=|>=|<=|>|<|(?:contains|not|and|or)(?![\w?-])")
_QUOTED: Final = re.compile(r""""(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?""", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{0,4})|([0-7]{1,3})|(.))", re.DOTALL)
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PRECEDENCE: Final = {"and": 0, "or": 0, "not": 1}
"""Comparisons are above them; what follows binds to the right."""


class Reader:
    """A place in what follows a tag's ``token``; raises ``LiquidSyntaxError``."""

    def __init__(self, text: str, token: Token) -> None:
        self._text, self.token = text, token
        self._at = 0

    def filtered(self) -> Filtered:
        """Read a value or condition and its filters."""
        operands = list(self._operands())
        if not operands:
            raise self.error("a value is needed")
        # values that stand side by side are read, and the first one counts
        return Filtered(operands[0], list(self._filters()))

    def word(self) -> str:
        """Read a word, which may be empty."""
        return self._match(_WORD)[0]  # type: ignore[index]  # the pattern matches nothing, too

    def name(self) -> str | None:
        """Read a word or a quoted text; None when there is none."""
        word = self.word()
        if word:
            return word
        quoted = self._match(_QUOTED)
        return _unescaped(quoted[0]) if quoted else None

    def take(self, mark: str) -> bool:
        """Go past a mark, if it stands here."""
        if not self.stands(mark):
            return False
        self._at += len(mark)
        return True

    def stands(self, mark: str) -> bool:
        """Tell whether a mark stands here."""
        self._match(_BLANK)
        return self._text.startswith(mark, self._at)

    def ends(self) -> bool:
        """Tell whether nothing follows."""
        self._match(_BLANK)
        return self._at >= len(self._text)

    def go_past(self, mark: str) -> bool:
        """Go past the next mark, wherever it is; to the end, if there is none."""
        found = self._text.find(mark, self._at)
        self._at = len(self._text) if found < 0 else found + len(mark)
        return found >= 0

    def group(self) -> tuple[Expression | None, str]:
        """Read the name before a colon, if there is one; return it and the rest of the text."""
        begin = self._at
        value = self.value()
        if value is None or not self.take(":"):
            value, self._at = None, begin
        return value, self._text[self._at :]

    def error(self, problem: str) -> LiquidSyntaxError:
        """Say what is wrong at this place."""
        rest = self._text[self._at : self._at + 20]
        return LiquidSyntaxError(f"{problem}, at {rest!r}", token=self.token)

    def value(self) -> Expression | None:
        """Read a constant, a range or a path; None when there is no value."""
        self._match(_BLANK)
        start: Expression | None = None
        if found := self._match(_LITERAL):
            start = NAMED[found[0]]
        elif found := self._match(_QUOTED):
            start = Constant(_unescaped(found[0]))
        elif found := self._match(_NUMBER):
            start = Constant(number_of(found[0]))
        elif self.stands("("):
            start = self._range()
        keys = list(self._keys(begins=start is None))
        return Access(start, keys) if keys else start

    def _keys(self, *, begins: bool) -> Iterator[Expression]:
        while True:
            if self._text.startswith("[", self._at):
                self._at += 1
                key = self.value() or Constant("")
                if not self.go_past("]"):
                    raise self.error("'[' is not closed")
            elif begins and (word := self.word()):
                key = Constant(word)
            elif self._text.startswith(".", self._at) and not self._text.startswith("..", self._at):
                self._at += 1
                if not (word := self.word()):
                    return
                key = Constant(word)
            else:
                return
            begins = False
            yield key

    def _range(self) -> Expression:
        self.take("(")
        low = self.value()
        if low is None or not self.take(".."):
            raise self.error("a range is written (1..3)")
        high = self.value()
        if high is None or not self.take(")"):
            raise self.error("a range is written (1..3)")
        return Range(low, high)

    def _operands(self) -> Iterator[Expression]:
        """Yield values; operators take theirs as in liquidjs, whose stack may run dry."""
        operands: list[Expression] = []
        waiting: list[str] = []

        def apply() -> None:
            name = waiting.pop()
            right = operands.pop() if operands else NOTHING
            left = NOTHING if name == "not" or not operands else operands.pop()
            operands.append(Operation(name, left, right))

        while True:
            if found := self._match(_OPERATOR):
                rank = _PRECEDENCE.get(found[0], 2)
                while waiting and _PRECEDENCE.get(waiting[-1], 2) > rank:
                    apply()
                waiting.append(found[0])
            elif value := self.value():
                operands.append(value)
            else:
                break
        while waiting:
            apply()
        yield from operands

    def _filters(self) -> Iterator[FilterCall]:
        while not self.ends() and not self.stands(")") and not self.stands(","):
            if not self.take("|"):
                raise self.error("a filter is written after '|'")
            name = self.word()
            if not name:
                if not self.ends():
                    raise self.error("the name of a filter is needed")
                return
            arguments: list[tuple[str | None, Expression]] = []
            if self.stands(":"):
                arguments = list(self._arguments())
            elif not (self.ends() or any(map(self.stands, "|),"))):
                raise self.error("arguments of a filter are written after ':'")
            yield FilterCall(name, arguments)

    def _arguments(self) -> Iterator[tuple[str | None, Expression]]:
        self.take(":")
        while True:
            self._match(_BLANK)
            begin = self._at
            if value := self.value():
                written = self._text[begin : self._at]
                yield (written, self.value() or NOTHING) if self.take(":") else (None, value)
            if self.take(","):
                continue
            if not (self.ends() or self.stands("|") or self.stands(")")):
                raise self.error("arguments are written with commas")
            return

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found


def _unescaped(quoted: str) -> str:
    def plain(escape: re.Match[str]) -> str:
        if escape[3] is not None:
            return _CONTROLS.get(escape[3], escape[3])
        return chr(int(escape[2], 8) if escape[2] else int(escape[1] or "0", 16))

    text = _ESCAPE.sub(plain, quoted[1:-1])
    # two halves of a character are one, half of one is none
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
