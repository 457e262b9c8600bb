"""The mapping kit: Segment's directives, compiled."""

from destination_core.mapping.builders import (
    Directive,
    array_path,
    case,
    coalesce,
    exclude_when_null,
    flatten,
    if_,
    json,
    liquid,
    literal,
    merge,
    path,
    replace,
    template,
    transform,
)
from destination_core.mapping.compiled import CompiledMapping, compile  # noqa: A004  as in `re.compile`
from destination_core.mapping.suspicions import suspicions
from destination_core.mapping.validation import directive_of, faults
from destination_core.mapping.values import copied

__all__ = [
    "CompiledMapping",
    "Directive",
    "array_path",
    "case",
    "coalesce",
    "compile",
    "copied",
    "directive_of",
    "exclude_when_null",
    "faults",
    "flatten",
    "if_",
    "json",
    "liquid",
    "literal",
    "merge",
    "path",
    "replace",
    "suspicions",
    "template",
    "transform",
]
