"""Say why a trigger matched an event, or did not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from destination_core.fql.nodes import All, Condition, Node, Not
from destination_core.fql.predicate import lookup, test_of
from destination_core.fql.render import render


@dataclass(frozen=True, slots=True)
class Held:
    """One condition with the value that its field had, and whether it held."""

    text: str
    actual: Any
    held: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a trigger: every condition, and those that decided."""

    matched: bool
    conditions: tuple[Held, ...]
    decided_by: tuple[Held, ...]


def explain(node: Node, event: Any) -> Decision:
    """Evaluate every condition of a tree on an event.

    A conjunction that fails is decided by its first condition that does not hold, one that holds
    by all of them; a disjunction the other way round.
    """
    if not isinstance(event, Mapping):
        return Decision(matched=False, conditions=(), decided_by=())
    if isinstance(node, Condition):
        actual = lookup(event, node.path)
        held = Held(render(node), actual, test_of(node)(actual))
        return Decision(held.held, (held,), (held,))
    if isinstance(node, Not):
        inner = explain(node.child, event)
        return Decision(not inner.matched, inner.conditions, inner.decided_by)
    decisions = [explain(child, event) for child in node.children]
    conjunction = isinstance(node, All)
    matched = (
        all(one.matched for one in decisions)
        if conjunction
        else any(one.matched for one in decisions)
    )
    deciding = (
        decisions
        if matched == conjunction
        else [next(one for one in decisions if one.matched != conjunction)]
    )
    return Decision(
        matched,
        tuple(held for one in decisions for held in one.conditions),
        tuple(held for one in deciding for held in one.decided_by),
    )
