"""Find the triggers that select an event, without asking each of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from destination_core.fql.nodes import All, Condition, Either, Node, Not, group
from destination_core.fql.predicate import Predicate, compile_node, lookup, test_of
from destination_core.fql.trigger import Trigger

_OTHER: Final = "\0other"
"""Stands for every type, or every event name, that no trigger mentions."""

_Known = Mapping[str, Any]
Position = int


class _Row:
    """What is left to ask when type and event name are known."""

    __slots__ = ("always", "buckets", "rest")

    def __init__(self, decided: Iterable[tuple[Position, Node | bool]]) -> None:
        always: list[Position] = []
        rest: list[tuple[Position, Predicate]] = []
        self.buckets: dict[tuple[str, ...], dict[Any, list[tuple[Position, Predicate | None]]]] = {}
        for position, node in decided:
            if node is True:
                always.append(position)
            elif not isinstance(node, bool) and not self._bucket(position, node):
                rest.append((position, compile_node(node)))
        self.always = tuple(always)
        self.rest = tuple(rest)

    def _bucket(self, position: Position, node: Node) -> bool:
        """File a trigger under a literal that it asks for; True when it has one."""
        parts = node.children if isinstance(node, All) else (node,)
        for part in parts:
            if isinstance(part, Condition) and part.operator == "=" and _hashable(part.value):
                others = [one for one in parts if one is not part]
                predicate = compile_node(group(All, others)) if others else None
                bucket = self.buckets.setdefault(part.path, {})
                bucket.setdefault(part.value, []).append((position, predicate))
                return True
        return False

    def positions(self, event: Mapping[str, Any]) -> Sequence[Position]:
        if not self.rest and not self.buckets:
            return self.always
        found = list(self.always)
        for path, bucket in self.buckets.items():
            value = lookup(event, path)
            # a boolean equals a number in Python, and a list has no hash
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                for position, predicate in bucket.get(value, ()):
                    if predicate is None or predicate(event):
                        found.append(position)
        for position, predicate in self.rest:
            if predicate(event):
                found.append(position)
        found.sort()
        return found


class TriggerIndex:
    """Many triggers, asked at once.

    Rows are made on demand, one per (type, event name) that a trigger mentions; all names that no
    trigger mentions share one row per type, so memory is bounded by the triggers, not by the
    events. What type and event name leave open is found by the value it asks for, or asked.
    """

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._triggers = tuple(triggers)
        conditions = [leaf for one in triggers for leaf in _leaves(one.root)]
        self._types = _mentioned(conditions, "type")
        self._names = _mentioned(conditions, "event")
        self._rows: dict[tuple[str, str | None], _Row] = {}

    def matching(self, event: Mapping[str, Any]) -> Sequence[Position]:
        """Return the positions of the triggers that select an event, ascending."""
        kind, name = event.get("type"), event.get("event")
        if type(kind) is not str or not (name is None or type(name) is str):
            return [
                position
                for position, trigger in enumerate(self._triggers)
                if trigger.predicate(event)
            ]
        key = (
            kind if kind in self._types else _OTHER,
            name if name is None or name in self._names else _OTHER,
        )
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._row(key)
        return row.positions(event)

    def _row(self, key: tuple[str, str | None]) -> _Row:
        known = {"type": key[0], "event": key[1]}
        return _Row(
            (position, _reduce(trigger.root, known))
            for position, trigger in enumerate(self._triggers)
        )


def _leaves(node: Node) -> Iterable[Condition]:
    if isinstance(node, Condition):
        yield node
    elif isinstance(node, Not):
        yield from _leaves(node.child)
    else:
        for child in node.children:
            yield from _leaves(child)


def _mentioned(conditions: Iterable[Condition], root: str) -> frozenset[str]:
    return frozenset(
        one.value for one in conditions if one.path == (root,) and isinstance(one.value, str)
    )


def _reduce(node: Node, known: _Known) -> Node | bool:
    """Decide what type and event name decide; return what is left, or the answer."""
    if isinstance(node, Condition):
        return _decide(node, known)
    if isinstance(node, Not):
        child = _reduce(node.child, known)
        return not child if isinstance(child, bool) else Not(child)
    final = isinstance(node, Either)  # the answer of one child that decides the group
    left: list[Node] = []
    for one in node.children:
        child = _reduce(one, known)
        if child is final:
            return final
        if not isinstance(child, bool):
            left.append(child)
    if not left:
        return not final
    return group(Either if final else All, left)


def _decide(condition: Condition, known: _Known) -> Node | bool:
    if len(condition.path) > 1 or condition.path[0] not in known:
        return condition
    value = known[condition.path[0]]
    if value != _OTHER:
        return test_of(condition)(value)
    if condition.operator in ("=", "!="):
        # whatever the name is, it is a text and none of those that are compared with
        return test_of(condition)(_OTHER)
    return condition


def _hashable(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
