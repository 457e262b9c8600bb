"""Conditions in templates: liquidjs's comparisons instead of python-liquid's."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from liquid import Environment, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions import (
    BooleanExpression,
    Filter,
    FilteredExpression,
    Nil,
    logical,
)
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.builtin.tags.if_tag import IfNode, IfTag
from liquid.builtin.tags.unless_tag import UnlessNode, UnlessTag
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.token import (
    TOKEN_BLANK,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_EMPTY,
    TOKEN_EOF,
    TOKEN_FALSE,
    TOKEN_FLOAT,
    TOKEN_INTEGER,
    TOKEN_NIL,
    TOKEN_NULL,
    TOKEN_PIPE,
    TOKEN_STRING,
    TOKEN_TRUE,
    TOKEN_WORD,
)

from destination_core.mapping.liquid_values import (
    converted,
    equal,
    is_nil,
    is_truthy,
    joined,
    plain,
    shown,
)

_Compare = Callable[[Any, Any], bool]


class Comparison(Expression):
    """Two values and how they are compared."""

    __slots__ = ("_compare", "_left", "_right")

    def __init__(self, like: Any, compare: _Compare) -> None:
        super().__init__(token=like.token)
        self._left, self._right, self._compare = like.left, like.right, compare

    def evaluate(self, context: RenderContext) -> bool:
        """Compare what the two sides are in this context."""
        return self._compare(self._left.evaluate(context), self._right.evaluate(context))

    def children(self) -> list[Expression]:
        """Return both sides."""
        return [self._left, self._right]


class Condition(BooleanExpression):
    """A whole condition; only false and nil do not hold."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> bool:
        """Tell whether it holds in this context."""
        return is_truthy(self.expression.evaluate(context))


class IfAsInJavaScript(IfTag):
    """`if` with liquidjs's comparisons."""

    def parse(self, stream: TokenStream) -> Node:
        """Read the tag, then change how its conditions compare."""
        return _adapted(super().parse(stream))


class UnlessAsInJavaScript(UnlessTag):
    """`unless` with liquidjs's comparisons."""

    def parse(self, stream: TokenStream) -> Node:
        """Read the tag, then change how its conditions compare."""
        return _adapted(super().parse(stream))


_LOGICAL: Final = logical.LogicalAndExpression | logical.LogicalOrExpression


_STRAY: Final = frozenset(
    {
        TOKEN_BLANK, TOKEN_DOT, TOKEN_EMPTY, TOKEN_FALSE, TOKEN_FLOAT, TOKEN_INTEGER, TOKEN_NIL,
        TOKEN_NULL, TOKEN_STRING, TOKEN_TRUE, TOKEN_WORD,
    }
)  # fmt: skip
"""What may stand behind a value without a word between them, and is read by nobody."""


def filtered(environment: Environment, tokens: TokenStream) -> FilteredExpression:
    """Read a value and its filters as liquidjs does: it may be a condition, and more is ignored."""
    left = logical.parse_boolean_primitive(environment, tokens)
    while tokens.current.kind in _STRAY:
        next(tokens)
    if tokens.current.kind == TOKEN_COMMA:
        return FilteredExpression(left.token, _part(left), [])
    filters = Filter.parse(environment, tokens, delim=(TOKEN_PIPE,))
    tokens.eat(TOKEN_EOF)
    return FilteredExpression(left.token, _part(left), filters)


def _adapted(node: Node) -> Node:
    if isinstance(node, IfNode | UnlessNode):
        node.condition = _whole(node.condition)
        for alternative in node.alternatives:
            alternative.expression = _whole(alternative.expression)
    return node


def _whole(condition: Expression) -> Expression:
    if not isinstance(condition, BooleanExpression):
        return condition
    return Condition(condition.token, _part(condition.expression))


def _part(part: Any) -> Any:
    if isinstance(part, logical.LogicalNotExpression):
        right = part.right
        if isinstance(right, _LOGICAL):  # `not a and b` is about a alone
            return _part(type(right)(right.token, type(part)(part.token, right.left), right.right))
        return logical.LogicalNotExpression(part.token, _holds(right))
    if isinstance(part, _LOGICAL):
        return type(part)(part.token, _holds(part.left), _holds(part.right))
    compare = _COMPARISONS.get(type(part))
    if compare is None:
        return part
    part.left, part.right = _part(part.left), _part(part.right)
    literals = Nil | Empty | Blank
    if compare in _ORDERED and (
        isinstance(part.left, literals) or isinstance(part.right, literals)
    ):
        compare = _never
    return Comparison(part, compare)


def _holds(part: Any) -> Condition:
    return Condition(part.token, _part(part))


def _never(_: Any, __: Any) -> bool:
    return False


def _ordered(compare: Callable[[Any, Any], Any]) -> _Compare:
    def ordered(left: Any, right: Any) -> bool:
        left, right = _primitive(plain(left)), _primitive(plain(right))
        if isinstance(left, str) and isinstance(right, str):
            return bool(compare(left, right))
        return bool(compare(converted(left), converted(right)))

    return ordered


def _primitive(value: Any) -> Any:
    if isinstance(value, list):
        return joined(value, ",")
    return shown(value) if isinstance(value, Mapping) else value


def _contains(left: Any, right: Any) -> bool:
    left = plain(left)
    if isinstance(left, list):
        return any(equal(one, right) for one in left)
    if not isinstance(left, str):
        return False
    right = plain(right)
    if is_nil(right):
        return ("null" if right is None else "undefined") in left
    return (joined(right, ",") if isinstance(right, list) else shown(right)) in left


_LESS, _MORE = _ordered(operator.lt), _ordered(operator.gt)
_LESS_OR_SAME, _MORE_OR_SAME = _ordered(operator.le), _ordered(operator.ge)
_ORDERED: Final = frozenset({_LESS, _MORE, _LESS_OR_SAME, _MORE_OR_SAME})
_COMPARISONS: Final[Mapping[type, _Compare]] = {
    logical.EqExpression: equal,
    logical.NeExpression: lambda left, right: not equal(left, right),
    logical.LtExpression: _LESS,
    logical.GtExpression: _MORE,
    logical.LeExpression: _LESS_OR_SAME,
    logical.GeExpression: _MORE_OR_SAME,
    logical.ContainsExpression: _contains,
}
