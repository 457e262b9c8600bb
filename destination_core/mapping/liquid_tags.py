"""The tags that write and keep values, read and written as liquidjs does."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, Final, TextIO

from liquid import RenderContext, Tag
from liquid.ast import BlockNode, Node
from liquid.exceptions import LiquidSyntaxError
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_OUTPUT, Token

from destination_core.mapping.liquid_context import check_extent
from destination_core.mapping.liquid_expressions import Expression, Filtered
from destination_core.mapping.liquid_reader import Reader
from destination_core.mapping.liquid_values import is_set, plain, shown


def inside(stream: TokenStream) -> Reader:
    """Return a reader of what follows the name of the tag; there need not be anything."""
    token = stream.current
    if stream.peek.kind != TOKEN_EXPRESSION:
        return Reader("", token)
    next(stream)
    return Reader(stream.current.value, token)


class _LoneTag(Tag):
    """A tag without an end: what follows its name says all."""

    block = False

    def parse(self, stream: TokenStream) -> Node:
        return self.read(inside(stream))

    @abstractmethod
    def read(self, markup: Reader) -> Node:
        """Return what is rendered; raises ``LiquidSyntaxError``."""


def _written(value: Any) -> str:
    check_extent(value, "output")
    return shown(value)


class _Output(Node):
    __slots__ = ("_value",)

    def __init__(self, token: Token, value: Expression) -> None:
        super().__init__(token)
        self._value = value

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(_written(self._value.evaluate(context)))


class _OutputTag(_LoneTag):
    """`{{ … }}`."""

    name = TOKEN_OUTPUT

    def read(self, markup: Reader) -> Node:
        return _Output(markup.token, markup.filtered())


class _EchoTag(_OutputTag):
    """`echo`, of which nothing is nothing."""

    name = "echo"

    def read(self, markup: Reader) -> Node:
        return BlockNode(markup.token, []) if markup.ends() else super().read(markup)


class _Assign(Node):
    __slots__ = ("_name", "_value")

    def __init__(self, token: Token, name: str, value: Expression) -> None:
        super().__init__(token)
        self._name, self._value = name, value

    def render_to_output(self, context: RenderContext, _: TextIO) -> int:
        context.assign(self._name, self._value.evaluate(context))
        return 0


class _AssignTag(_LoneTag):
    name = "assign"

    def read(self, markup: Reader) -> Node:
        name = markup.word()
        if not name or not markup.take("="):
            raise markup.error("an assignment is written name = value")
        return _Assign(markup.token, name, markup.filtered())


class _Capture(Node):
    __slots__ = ("_block", "_name")

    def __init__(self, token: Token, name: str, block: BlockNode) -> None:
        super().__init__(token)
        self._name, self._block = name, block

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        captured = context.get_buffer(buffer)
        self._block.render(context, captured)
        context.assign(self._name, captured.getvalue())
        return 0


class _CaptureTag(Tag):
    """`capture`, whose name may be quoted."""

    name = "capture"
    end = "endcapture"

    def parse(self, stream: TokenStream) -> Node:
        markup = inside(stream)
        name = markup.name()
        if name is None:
            raise markup.error("a name is needed")
        block = block_until(self, stream, {self.end})
        inside(stream)
        return _Capture(markup.token, name, block)


def block_until(tag: Tag, stream: TokenStream, until: Iterable[str]) -> BlockNode:
    """Read up to one of the tags, which must be there."""
    token = next(stream)
    block = get_parser(tag.env).parse_block(stream, frozenset(until))
    if stream.current.kind == TOKEN_EOF:
        raise LiquidSyntaxError(f"tag {tag.name!r} is not closed", token=token)
    return block


class _Count(Node):
    """Count, up or down, a number of this name; anything else starts at 0.

    Counters and the event share their names, as in liquidjs, but the event stays as it is: the
    renderer's own copy of its first level is what changes.
    """

    __slots__ = ("_name", "_step")

    def __init__(self, token: Token, name: str, step: int) -> None:
        super().__init__(token)
        self._name, self._step = name, step

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        values: Any = context.globals
        before = values.get(self._name)
        if isinstance(before, bool) or not isinstance(before, int | float):
            before = 0
        after = values[self._name] = before + self._step
        return buffer.write(shown(min(before, after) if self._step < 0 else before))


class _IncrementTag(_LoneTag):
    name = "increment"
    step = 1

    def read(self, markup: Reader) -> Node:
        return _Count(markup.token, markup.word(), self.step)


class _DecrementTag(_IncrementTag):
    name = "decrement"
    step = -1


class _Cycle(Node):
    __slots__ = ("_group", "_text", "_values")

    def __init__(
        self, token: Token, group: Expression | None, text: str, values: list[Filtered]
    ) -> None:
        super().__init__(token)
        self._group, self._text, self._values = group, text, values

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        group = _written(self._group.evaluate(context)) if self._group else ""
        turn = context.cycle((group, self._text), len(self._values))
        value = plain(self._values[turn].evaluate(context))
        return buffer.write(_written(value)) if is_set(value) else 0


class _CycleTag(_LoneTag):
    """`cycle`, one after the other among tags that are written alike; false and 0 show nothing."""

    name = "cycle"

    def read(self, markup: Reader) -> Node:
        group, text = markup.group()
        values = []
        while not markup.ends():
            values.append(markup.filtered())
            markup.go_past(",")
        if not values:
            raise markup.error("values to take turns are needed")
        return _Cycle(markup.token, group, text, values)


VALUE_TAGS: Final[tuple[type[Tag], ...]] = (
    _OutputTag,
    _EchoTag,
    _AssignTag,
    _CaptureTag,
    _IncrementTag,
    _DecrementTag,
    _CycleTag,
)
