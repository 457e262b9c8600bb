"""Find the triggers that select an event, without asking each of them."""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal

from destination_core.fql.nodes import All, Condition, Either, Literal_, Node, Not, group, leaves
from destination_core.fql.predicate import Predicate, compile_node, lookup, test_of
from destination_core.fql.trigger import Trigger

Position = int


class _Unmentioned(Enum):
    """Stands for every type, or every event name, that no trigger mentions."""

    OTHER = "other"


_OTHER: Final = _Unmentioned.OTHER
_Value = str | Literal[_Unmentioned.OTHER] | None
_Open = dict[Position, Node | Literal[True]]
_Table = tuple[dict["_Value", "_Row | None"], "_Row"]


class _Row:
    """What is left to ask when type and event name are known."""

    __slots__ = ("always", "asks", "buckets", "open", "rest")

    def __init__(self, left: _Open) -> None:
        self.open = left
        self.always: tuple[Position, ...] = tuple(p for p, node in left.items() if node is True)
        self.buckets: dict[tuple[str, ...], dict[Any, list[tuple[Position, Predicate | None]]]] = {}
        rest: list[tuple[Position, Predicate]] = []
        for position, node in left.items():
            if node is not True and not self._bucket(position, node):
                rest.append((position, compile_node(node)))
        self.rest = tuple(rest)
        self.asks = bool(self.rest or self.buckets)

    def _bucket(self, position: Position, node: Node) -> bool:
        """File a trigger under a literal that it asks for; True when it has one."""
        parts = node.children if isinstance(node, All) else (node,)
        for part in parts:
            if isinstance(part, Condition) and part.operator == "=" and _filed(part.value):
                others = [one for one in parts if one is not part]
                predicate = compile_node(group(All, others)) if others else None
                bucket = self.buckets.setdefault(part.path, {})
                bucket.setdefault(part.value, []).append((position, predicate))
                return True
        return False

    def positions(self, event: Mapping[str, Any]) -> Sequence[Position]:
        """Return the positions that hold for the event, ascending."""
        found = list(self.always)
        for path, bucket in self.buckets.items():
            root, leaf = path[0], path[-1]
            parent = event.get(root)
            value = (
                parent.get(leaf)
                if type(parent) is dict and len(path) == 2  # noqa: PLR2004  properties.x
                else lookup(event, path)
            )
            try:
                hits = bucket.get(value)
            except TypeError:  # a list or an object equals no literal
                continue
            if hits is not None and not isinstance(value, bool):  # to Python, true equals 1
                for position, predicate in hits:
                    if predicate is None or predicate(event):
                        found.append(position)
        for position, predicate in self.rest:
            if predicate(event):
                found.append(position)
        if len(found) > 1:
            found.sort()
        return found


class TriggerIndex:
    """Many triggers, asked at once.

    There is one row per (type, event name) that triggers mention, made when first met; all names
    that no trigger mentions share one row per type, and all such types one table. So memory is
    bounded by the triggers, not by the events. What type and event name leave open is found by
    the value it asks for, or asked.
    """

    __slots__ = ("_by_name", "_other", "_patterns", "_tables", "_triggers")

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self._triggers = tuple(triggers)
        self._by_name: dict[str, set[Position]] = {}
        self._patterns: set[Position] = set()
        kinds: set[_Value] = {None}
        for position, trigger in enumerate(self._triggers):
            for leaf in leaves(trigger.root):
                if leaf.path == ("event",):
                    self._mention(position, leaf)
                elif leaf.path == ("type",) and isinstance(leaf.value, str):
                    kinds.add(leaf.value)
        self._other = self._table(_OTHER)
        self._tables = {kind: self._table(kind) for kind in kinds}

    def _mention(self, position: Position, leaf: Condition) -> None:
        if leaf.operator in ("=", "!=") and isinstance(leaf.value, str):
            self._by_name.setdefault(leaf.value, set()).add(position)
        else:
            self._patterns.add(position)

    def matching(self, event: Mapping[str, Any]) -> Sequence[Position]:
        """Return the positions of the triggers that select an event, ascending."""
        if type(event) is not dict:
            return self._asked(event)
        try:
            # a value that is no text has the row of the texts that nobody mentions: it equals
            # none of them either, and what a function makes of it is asked
            rows, other = self._tables.get(event.get("type"), self._other)
            row = rows.get(event.get("event"), other)
        except TypeError:  # a list or an object has no hash
            return self._asked(event)
        if row is None:
            row = self._named_row(event.get("type"), event["event"])
        return row.positions(event) if row.asks else row.always

    def _asked(self, event: Mapping[str, Any]) -> Sequence[Position]:
        return [
            position for position, trigger in enumerate(self._triggers) if trigger.matches(event)
        ]

    def _table(self, kind: _Value) -> _Table:
        """Make the rows of a type: without a name, with any other, and places for the named."""
        rows: dict[_Value, _Row | None] = dict.fromkeys(self._by_name)
        everything = range(len(self._triggers))
        rows[None] = self._row({}, everything, {"type": kind, "event": None})
        return rows, self._row({}, everything, {"type": kind, "event": _OTHER})

    def _named_row(self, kind: Any, name: str) -> _Row:
        """Make the row of a name: it differs from the shared row only where it is mentioned."""
        rows, other = self._tables.get(kind, self._other)
        known = {"type": kind if kind in self._tables else _OTHER, "event": name}
        row = rows[name] = self._row(other.open, self._by_name[name] | self._patterns, known)
        return row

    def _row(self, shared: _Open, asked: Collection[Position], known: Mapping[str, _Value]) -> _Row:
        left = {position: node for position, node in shared.items() if position not in asked}
        for position in asked:
            node = _reduce(self._triggers[position].root, known)
            if node is not False:
                left[position] = node
        return _Row(dict(sorted(left.items())))


def _reduce(node: Node, known: Mapping[str, _Value]) -> Node | bool:
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
    return group(type(node), left) if left else not final


def _decide(condition: Condition, known: Mapping[str, _Value]) -> Node | bool:
    if len(condition.path) > 1 or condition.path[0] not in known:
        return condition
    value = known[condition.path[0]]
    if not isinstance(value, _Unmentioned):
        return test_of(condition)(value)
    if condition.operator in ("=", "!=") and isinstance(condition.value, str | None):
        # whatever it is, it is a text and none of those that are compared with
        return condition.operator == "!="
    return condition


def _filed(value: Literal_) -> bool:
    """Tell literals by which triggers are filed: texts and numbers, not booleans and null."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)
