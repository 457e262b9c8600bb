"""A trigger: FQL that was read and compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from destination_core.errors import InvalidSubscription
from destination_core.fql.explanation import Decision, explain
from destination_core.fql.nodes import Node
from destination_core.fql.plain import plain
from destination_core.fql.predicate import Predicate, compile_node
from destination_core.fql.render import render


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Trigger:
    """Which events a subscription selects; equal when they read the same in canonical FQL.

    ``text`` is the trigger as it was given, ``root`` its syntax tree.
    """

    root: Node
    text: str = ""
    predicate: Predicate = field(init=False)
    _canonical: str = field(init=False)

    def __post_init__(self) -> None:
        canonical = render(self.root)
        object.__setattr__(self, "_canonical", canonical)
        object.__setattr__(self, "text", self.text or canonical)
        object.__setattr__(self, "predicate", compile_node(self.root))

    def render(self) -> str:
        """Return the trigger in canonical FQL, which reads back as the same tree."""
        return self._canonical

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Tell whether the trigger selects an event; what is no object is never selected."""
        return isinstance(event, dict | Mapping) and self.predicate(event)

    def explain(self, event: Mapping[str, Any]) -> Decision:
        """Say which conditions held, with the values they saw, and which decided."""
        return explain(self.root, event)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trigger) and self._canonical == other._canonical

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __repr__(self) -> str:
        return f"<Trigger {self._canonical}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # the compiled function cannot be pickled; it is made again
        return (Trigger, (self.root, self.text))


def parse(text: str) -> Trigger:
    """Read a trigger; raises ``InvalidSubscription`` with the place and what was expected."""
    if not isinstance(text, str):
        raise InvalidSubscription(f"trigger must be a text in FQL, got {text!r}")
    return Trigger(plain(text) or _read(text), text)


def _read(text: str) -> Node:
    from destination_core.fql.parser import read  # noqa: PLC0415  slow to import, and seldom needed

    return read(text)
