"""Conditionally required fields: which ones the values of other fields make required.

Conditions are read off the payload before its values are coerced, like the hosted engine does:
the text "5" is not the number 5. The deviations are VAL-08 to VAL-14.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from destination_core.schema.fields import MISSING, Condition, FieldSpec, Requirement

#: Where a mapping keeps its sync mode; Segment's key.
SYNC_MODE_KEY = "__segment_internal_sync_mode"


#: The path of a field, and when it is required.
Rule = tuple[tuple[str, ...], Requirement]


def rules_of(fields: Sequence[FieldSpec], *, root: bool = True) -> tuple[Rule, ...]:
    """Return what is conditionally required of an object with these fields.

    The conditions of an object's property speak of the object's siblings, so they belong to the
    object around it. Those of the items of a list are not read, as by the hosted engine.
    """
    rules: list[Rule] = []
    for spec in fields:
        if root and spec.requirement:
            rules.append(((spec.key,), spec.requirement))
        children = () if spec.multiple else spec.properties or ()
        rules.extend(((spec.key, c.key), c.requirement) for c in children if c.requirement)
    return tuple(rules)


def unmet(rules: Sequence[Rule], payload: Mapping[str, Any]) -> list[Rule]:
    """Return the rules that the payload breaks: its values require a field that is missing."""
    missing: list[Rule] = []
    for path, requirement in rules:
        holder: Any = payload if len(path) == 1 else payload.get(path[0])
        # An object that is not there need not have the property (VAL-10).
        if isinstance(holder, Mapping) and path[-1] not in holder and holds(requirement, payload):
            missing.append((path, requirement))
    return missing


def nulled(rules: Sequence[Rule], payload: Mapping[str, Any]) -> set[str]:
    """Return the keys whose value is taken for null because a condition asks if it is there.

    A quirk that the hosted engine's users may lean on: if the one condition of a field asks
    whether another is missing, then 0, false and "" are missing too, and are null from then on.
    """
    return {
        requirement.conditions[0].field_key
        for _, requirement in rules
        if _asks_for_presence(requirement)
        and _is_blank(payload.get(requirement.conditions[0].field_key))
    }


def holds(requirement: Requirement, payload: Mapping[str, Any]) -> bool:
    """Tell whether the conditions of a requirement hold, all or any."""
    if _asks_for_presence(requirement):
        condition = requirement.conditions[0]
        value = payload.get(condition.field_key)
        there = value is not None and not _is_blank(value)
        return there == (condition.operator == "is_not")
    quantify = any if requirement.match == "any" else all
    return quantify(_is_met(condition, payload) for condition in requirement.conditions)


def _asks_for_presence(requirement: Requirement) -> bool:
    if len(requirement.conditions) != 1:
        return False
    condition = requirement.conditions[0]
    alone = condition.type == "field" and "." not in condition.field_key
    return alone and condition.value is MISSING


def _is_blank(value: Any) -> bool:
    if isinstance(value, list) and len(value) == 1:
        return value[0] is None or _is_blank(value[0])
    return value is False or (isinstance(value, str | int | float) and value in {"", 0})


def _is_met(condition: Condition, payload: Mapping[str, Any]) -> bool:
    value = _value(condition, payload)
    there = value is not MISSING and value is not None
    if condition.value is MISSING:
        return there == (condition.operator == "is_not")
    if value is MISSING:
        # "is not a" asks for another value; nothing is not a value.
        return False
    wanted = condition.value if isinstance(condition.value, list) else [condition.value]
    found = any(same(value, one) for one in wanted) or same(value, condition.value)
    return found == (condition.operator == "is")


def _value(condition: Condition, payload: Mapping[str, Any]) -> Any:
    if condition.type == "syncMode":
        return payload.get(SYNC_MODE_KEY, MISSING)
    value: Any = payload
    for key in condition.field_key.split("."):
        value = value.get(key, MISSING) if isinstance(value, Mapping) else MISSING
    return value


def same(one: Any, two: Any) -> bool:
    """Compare two JSON values: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    return bool(one == two)
