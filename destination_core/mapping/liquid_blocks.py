"""The tags that decide what of a template counts, as in liquidjs."""

from collections.abc import Iterable
from typing import Final, NamedTuple, TextIO

from liquid import RenderContext, Tag
from liquid.ast import BlockNode, Node
from liquid.builtin.content import Literal
from liquid.builtin.illegal import Illegal
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.exceptions import LiquidSyntaxError, StopRender
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.token import TOKEN_EOF, TOKEN_EXPRESSION, TOKEN_TAG, Token

from destination_core.mapping.liquid_expressions import Filtered
from destination_core.mapping.liquid_lexer import line_tokens
from destination_core.mapping.liquid_tags import block_until, inside


class _Branch(NamedTuple):
    condition: Filtered
    wanted: bool
    block: BlockNode


class _Branches(Node):
    """The first branch whose condition is as wanted, else the last block."""

    __slots__ = ("_branches", "_otherwise")

    def __init__(self, token: Token, branches: list[_Branch], otherwise: BlockNode) -> None:
        super().__init__(token)
        self._branches, self._otherwise = branches, otherwise

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        for condition, wanted, block in self._branches:
            if condition.holds(context) is wanted:
                return block.render(context, buffer)
        return self._otherwise.render(context, buffer)


class _IfTag(Tag):
    """`if`; what follows its `else` must be its end."""

    name = "if"
    end = "endif"
    wanted = True

    def parse(self, stream: TokenStream) -> Node:
        token = stream.current
        until = ("elsif", "else", self.end)
        branches = [self._branch(stream, self.wanted, until)]
        while stream.current.is_tag("elsif"):
            branches.append(self._branch(stream, True, until))
        otherwise = BlockNode(token, [])
        if stream.current.is_tag("else"):
            otherwise = self._otherwise(stream, until)
        self._close(stream)
        return _Branches(token, branches, otherwise)

    def _branch(self, stream: TokenStream, wanted: bool, until: Iterable[str]) -> _Branch:
        condition = inside(stream).filtered()
        return _Branch(condition, wanted, block_until(self, stream, until))

    def _otherwise(self, stream: TokenStream, _: Iterable[str]) -> BlockNode:
        _nothing(stream)
        return block_until(self, stream, (self.end, "else", "elsif"))

    def _close(self, stream: TokenStream) -> None:
        stream.expect(TOKEN_TAG, value=self.end)
        _nothing(stream)


def _nothing(stream: TokenStream) -> None:
    markup = inside(stream)
    if not markup.ends():
        raise markup.error("nothing may follow")


class _UnlessTag(_IfTag):
    """`unless`, of which everything after its first `else` block is ignored."""

    name = "unless"
    end = "endunless"
    wanted = False

    def _otherwise(self, stream: TokenStream, until: Iterable[str]) -> BlockNode:
        inside(stream)
        block = block_until(self, stream, until)
        while not stream.current.is_tag(self.end):
            inside(stream)
            block_until(self, stream, until)
        return block

    def _close(self, stream: TokenStream) -> None:
        inside(stream)


class _BlockTag(Tag):
    """`block`, which without a layout is what is in it."""

    name = "block"
    end = "endblock"

    def parse(self, stream: TokenStream) -> Node:
        inside(stream)
        block = block_until(self, stream, {self.end})
        inside(stream)
        return block


class _CommentTag(Tag):
    """`comment`, in which everything but its end is ignored."""

    name = "comment"
    end = "endcomment"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.current
        while not next(stream).is_tag(self.end):
            if stream.current.kind == TOKEN_EOF:
                raise LiquidSyntaxError("tag 'comment' is not closed", token=token)
        stream.pos -= 1
        inside(stream)
        return BlockNode(token, [])


class _LiquidTag(Tag):
    """`liquid`: a tag on each line."""

    name = "liquid"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        text = ""
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
            text = stream.current.value
        inner = TokenStream(line_tokens(text), block_depth_carry=stream.block_depth)
        return get_parser(self.env).parse_block(inner, frozenset())


class _Stop(Node):
    def render_to_output(self, _: RenderContext, __: TextIO) -> int:
        raise StopRender


class _BreakTag(Tag):
    """`break`, which outside of a loop ends the template."""

    name = "break"
    block = False

    def parse(self, stream: TokenStream) -> Node:
        return _Stop(stream.current)


class _ContinueTag(_BreakTag):
    name = "continue"


BLOCK_TAGS: Final[tuple[type[Tag], ...]] = (
    Literal,
    Illegal,
    InlineCommentTag,
    _IfTag,
    _UnlessTag,
    _BlockTag,
    _CommentTag,
    _LiquidTag,
    _BreakTag,
    _ContinueTag,
)
"""`raw` is the lexer's."""
