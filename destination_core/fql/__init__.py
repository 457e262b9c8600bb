"""FQL, the language of triggers: parse, render, evaluate, explain, and find by index."""

from destination_core.fql.explanation import Decision, Held
from destination_core.fql.index import TriggerIndex
from destination_core.fql.nodes import All, Condition, Either, Node, Not, leaves
from destination_core.fql.segment import from_segment, to_segment
from destination_core.fql.trigger import Trigger, parse

__all__ = [
    "All",
    "Condition",
    "Decision",
    "Either",
    "Held",
    "Node",
    "Not",
    "Trigger",
    "TriggerIndex",
    "from_segment",
    "leaves",
    "parse",
    "to_segment",
]
