"""Liquid templates, with Segment's limits and liquidjs's habits, on python-liquid.

Loaded only when a mapping uses ``@liquid``. The limits are Segment's: 1,000 characters, 500 ms,
bounded memory, no loops and no template inclusion (so a template cannot run for long).
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from time import perf_counter
from typing import Any, Final, TextIO

from liquid import Environment, RenderContext
from liquid.builtin.expressions import parse_identifier, tokenize
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.assign_tag import AssignNode, AssignTag
from liquid.builtin.tags.decrement_tag import DecrementNode, DecrementTag
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.exceptions import LiquidError
from liquid.stream import TokenStream
from liquid.template import BoundTemplate
from liquid.token import TOKEN_ASSIGN, TOKEN_EXPRESSION, TOKEN_OUTPUT, TOKEN_TAG

from destination_core.mapping.liquid_conditions import (
    IfAsInJavaScript,
    UnlessAsInJavaScript,
    filtered,
)
from destination_core.mapping.liquid_filters import DISABLED, FILTERS, Bounded
from destination_core.mapping.liquid_values import shown
from destination_core.mapping.values import Fault, Resolver

LONGEST: Final = 1_000
"""Characters of a template."""

SECONDS: Final = 0.5
"""Time to render one."""

MOST_OUTPUT: Final = 1_000_000
"""Bytes that a template may write or keep in variables."""

TAGS_OUT: Final = (
    "case",
    "doc",
    "for",
    "ifchanged",
    "include",
    "layout",
    "render",
    "tablerow",
)
"""Tags that Segment disables, and those that liquidjs does not have."""

LIQUID_CODE: Final = "LIQUID_ERROR"

_MARKUP: Final = re.compile(r"(\{\{-?|\{%-?)(.*?)(-?\}\}|-?%\})", re.DOTALL)
_RESERVED: Final = (
    "and|as|blank|cols|contains|continue|else|empty|false|for|if|in|limit|nil|not|null|offset|or"
    "|required|reversed|true|with"
)
_RESERVED_KEY: Final = re.compile(rf"\.\s*({_RESERVED})(?![\w-])")
_DOTTED_INDEX: Final = re.compile(r"([A-Za-z_][\w-]*|\])\.([0-9]+)(?!\w)")
_EMPTY_FILTER: Final = re.compile(r"(\|\s*)+(?=$|\|)|(?<=\w):\s*(?=\||$)")
_QUOTED: Final = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class _Output(OutputNode):
    """Write values as liquidjs does."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(shown(self.expression.evaluate(context)))


class _OutputTag(Output):
    node_class = _Output

    def parse(self, stream: TokenStream) -> OutputNode:
        token = stream.eat(TOKEN_OUTPUT)
        written = stream.expect(TOKEN_EXPRESSION)
        tokens = TokenStream(tokenize(written.value, written))
        return self.node_class(token, filtered(self.env, tokens))


class _Echo(EchoNode):
    """Write values as liquidjs does."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(shown(self.expression.evaluate(context)))


class _EchoTag(EchoTag):
    node_class = _Echo


class _AssignTag(AssignTag):
    def parse(self, stream: TokenStream) -> AssignNode:
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token, eat=False)
        name = parse_identifier(self.env, tokens, allow_trailing_question_mark=False)
        tokens.eat(TOKEN_ASSIGN)
        return self.node_class(token, name=name, expression=filtered(self.env, tokens))


class _Decrement(DecrementNode):
    """Count down the counter that `increment` counts up, as liquidjs does."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        value = context.counters.get(self.name, 0) - 1
        context.counters[self.name] = value
        return buffer.write(str(value))


class _DecrementTag(DecrementTag):
    node_class = _Decrement


class _Environment(Environment):
    """python-liquid with Segment's tags, liquidjs's filters, and limits."""

    logical_not_operator = True
    suppress_blank_control_flow_blocks = False
    output_stream_limit = MOST_OUTPUT
    local_namespace_limit = MOST_OUTPUT

    def __init__(self) -> None:
        super().__init__(strict_filters=False)
        for name in TAGS_OUT:
            self.tags.pop(name, None)
        self.add_tag(_OutputTag)
        self.add_tag(_AssignTag)
        self.add_tag(_DecrementTag)
        self.add_tag(_EchoTag)
        self.add_tag(IfAsInJavaScript)
        self.add_tag(UnlessAsInJavaScript)
        self.filters.clear()
        for name, function in FILTERS.items():
            self.add_filter(name, Bounded(name, function))
        for name in DISABLED:
            self.add_filter(name, _disabled(name))


class Watch:
    """The clock and the deadline of one rendering."""

    __slots__ = ("deadline", "now")

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.deadline = perf_counter() + SECONDS

    def check(self) -> None:
        """Raise when the time is up."""
        if perf_counter() > self.deadline:
            raise LiquidError(f"template takes longer than {SECONDS * 1000:g} ms", token=None)


def compile_liquid(source: str, now: Callable[[], datetime]) -> Resolver:
    """Compile a template; what is wrong with it shows on each event, as in the hosted engine."""
    fault = ""
    template: BoundTemplate | None = None
    if len(source) > LONGEST:
        fault = f"liquid template has {len(source):,} characters; at most {LONGEST:,} are accepted"
    else:
        try:
            template = _parsed(source)
        except LiquidError as error:
            fault = _plain(error)

    def render(data: Any) -> Any:
        if template is None:
            raise Fault(fault, LIQUID_CODE, always=True)
        values = dict(data) if isinstance(data, Mapping) else {}
        try:
            return template.render({**values, WATCH: Watch(now)})
        except LiquidError as error:
            raise Fault(_plain(error), LIQUID_CODE) from None
        except (ArithmeticError, ValueError, TypeError, AttributeError, LookupError) as error:
            raise Fault(f"liquid template fails: {error}", LIQUID_CODE) from None

    return render


WATCH: Final = "\0watch"
"""The name, which no template can spell, under which filters find the clock."""


@lru_cache(maxsize=1024)
def _parsed(source: str) -> BoundTemplate:
    return _environment().from_string(_MARKUP.sub(_adapted, source))


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    return _Environment()


def _adapted(match: re.Match[str]) -> str:
    """Spell what liquidjs accepts as python-liquid does: reserved words as keys, empty filters."""
    parts = _QUOTED.split(match[2])
    parts[::2] = [
        _DOTTED_INDEX.sub(r"\1[\2]", _RESERVED_KEY.sub(r'["\1"]', part)) for part in parts[::2]
    ]
    parts[1::2] = map(_unescaped, parts[1::2])
    inner = "".join(parts)
    if match[1].startswith("{{"):
        inner = _EMPTY_FILTER.sub("", inner.rstrip()) + " "
    return match[1] + inner + match[3]


def _unescaped(quoted: str) -> str:
    """Spell a text without escapes, which python-liquid does not have; one quote is not in it."""

    def plain(escape: re.Match[str]) -> str:
        if escape[3] is not None:
            return _CONTROLS.get(escape[3], escape[3])
        return chr(int(escape[1], 16) if escape[1] else int(escape[2], 8))

    if "\\" not in quoted:
        return quoted
    text = _ESCAPE.sub(plain, quoted[1:-1])
    quote = next((one for one in (quoted[0], "'", '"') if one not in text), "")
    return f"{quote}{text}{quote}" if quote else quoted


def _disabled(name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise LiquidError(f'filter "{name}" is disabled', token=None)

    return refuse


def _plain(error: LiquidError) -> str:
    """Return the first line: python-liquid's others repeat the template."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


__all__ = ["LONGEST", "SECONDS", "WATCH", "Watch", "compile_liquid"]
