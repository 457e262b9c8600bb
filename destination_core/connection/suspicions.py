"""What is legal in a subscription and probably not meant: told before the first event comes."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from destination_core.fql import Trigger, leaves
from destination_core.mapping import directive_of
from destination_core.schema import PayloadSchema

TYPES: Final = ("track", "identify", "page", "screen", "group", "alias", "delete")
"""What events may be: Segment's spec, and the deletion of a user."""


def of_trigger(trigger: Trigger) -> Iterator[str]:
    """Say which types of events a trigger asks for that no event has."""
    for leaf in leaves(trigger.root):
        kind = leaf.value
        asks = leaf.path == ("type",) and leaf.operator in ("=", "!=") and isinstance(kind, str)
        if asks and kind and kind not in TYPES:
            close = difflib.get_close_matches(str(kind), TYPES, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"types are {', '.join(TYPES)}"
            yield f"trigger asks for type {kind!r}, which no event has; {hint}"


def of_constants(source: Mapping[str, Any], schema: PayloadSchema[Any]) -> Iterator[str]:
    """Say which constants of a mapping no event could be delivered with, and why."""
    for key, value in source.items():
        literal = directive_of(value) == "@literal"
        if literal or not _has_directive(value):
            for said in schema.objections(key, value["@literal"] if literal else value):
                yield f"mapping of /{key} is rejected on every event: {said}"


def _has_directive(value: Any) -> bool:
    if isinstance(value, Mapping):
        return directive_of(value) is not None or any(map(_has_directive, value.values()))
    return isinstance(value, list) and any(map(_has_directive, value))
