"""The syntax tree of a trigger."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

ROOTS: Final = ("type", "event", "name", "userId", "properties", "traits", "context")
"""The fields of an event that a trigger may ask about."""

TEXT_ROOTS: Final = frozenset({"type", "event", "name"})
"""Fields that compare as text: a bare number or boolean beside them is read as text."""

LONGEST: Final = 10_000
"""Characters of a trigger."""

DEEPEST: Final = 100
"""Levels of groups and negations."""

Operator = Literal[
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "contains",
    "not_contains",
    "match",
    "not_match",
]

Literal_ = str | int | float | bool | None
"""What a field is compared with; None is FQL's ``null``."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One question about one field; ``path`` starts with one of ``ROOTS``."""

    path: tuple[str, ...]
    operator: Operator
    value: Literal_


@dataclass(frozen=True, slots=True)
class All:
    """Holds when every child does (``and``); two children at least."""

    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Holds when any child does (``or``); two children at least."""

    children: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when the child does not."""

    child: "Node"


Node = Condition | All | Either | Not


def group(kind: type[All] | type[Either], children: Iterable[Node]) -> Node:
    """Join nodes; one child needs no group, and a group in one of its own kind is flat."""
    flat: list[Node] = []
    for child in children:
        flat += child.children if isinstance(child, kind) else [child]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def leaves(node: Node) -> Iterator[Condition]:
    """Yield the conditions of a tree, from left to right."""
    if isinstance(node, Condition):
        yield node
    elif isinstance(node, Not):
        yield from leaves(node.child)
    else:
        for child in node.children:
            yield from leaves(child)
