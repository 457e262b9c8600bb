"""Segment's second look at a payload: drop what is empty, convert what can be, list the faults.

Everything here works on JSON values and on :class:`FieldSpec` trees; the model comes after. The
order is that of the hosted engine: empty values go, scalars become lists, conditions are read,
then each value is converted and checked. The payload that came is never changed.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from destination_core.schema import messages
from destination_core.schema.conditions import nulled, rules_of, same, unmet
from destination_core.schema.fields import EXEMPT, MISSING, FieldSpec, JsonType
from destination_core.schema.formats import CHECKS
from destination_core.schema.messages import Fault, pointer_to
from destination_core.schema.numbers import is_integer, is_number, number_of, text_of

_FROM_NULL: Final[Mapping[JsonType, Any]] = MappingProxyType(
    {"string": "", "number": 0, "integer": 0, "boolean": False, "null": None}
)


def coerce(
    fields: Sequence[FieldSpec], payload: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Fault]]:
    """Return the payload as the hosted engine would hand it on, and what is wrong with it.

    The result is only meaningful when there are no faults.
    """
    faults: list[Fault] = []
    cleaned = _without_empty(fields, payload, root=True)
    coerced = _object(fields, cleaned, "", None, faults, additional=False, root=True)
    if EXEMPT in cleaned:
        coerced[EXEMPT] = cleaned[EXEMPT]
    return coerced, faults


def _without_empty(
    fields: Sequence[FieldSpec], payload: Mapping[str, Any], *, root: bool = False
) -> dict[str, Any]:
    by_key = {spec.key: spec for spec in fields}
    cleaned = {}
    for key, value in payload.items():
        spec = by_key.get(key)
        kept = value if spec is None else _unless_empty(spec, value, multiple=spec.multiple)
        if kept is not MISSING and not (root and kept == "" and isinstance(kept, str)):
            cleaned[key] = kept
    return cleaned


def _unless_empty(spec: FieldSpec, value: Any, *, multiple: bool) -> Any:
    """Return the value without what is empty in it; MISSING when it is empty itself.

    Deviations VAL-05 (the same rule for one event and for a batch), VAL-06 (every level wraps)
    and VAL-23 (objects in a list are cleaned too).
    """
    if value is None:
        return None if spec.nullable or not spec.types else MISSING
    if isinstance(value, str) and value == "":
        keeps = not multiple and ("string" in spec.types or not spec.types)
        return value if keeps else MISSING
    if multiple:
        items = value if isinstance(value, list) else [value]
        kept = [_item_unless_empty(spec, item) for item in items]
        return [item for item in kept if item is not MISSING]
    if spec.properties is not None and isinstance(value, Mapping):
        return _without_empty(spec.properties, value)
    return value


def _item_unless_empty(spec: FieldSpec, item: Any) -> Any:
    # Null is a value of the field, never of an item (VAL-03).
    return MISSING if item is None and spec.types else _unless_empty(spec, item, multiple=False)


def _object(
    fields: Sequence[FieldSpec],
    payload: Mapping[str, Any],
    pointer: str,
    label: str | None,
    faults: list[Fault],
    *,
    additional: bool,
    root: bool = False,
) -> dict[str, Any]:
    rules = rules_of(fields, root=root)
    for path in unmet(rules, payload):
        parent = "".join(pointer_to("", key) for key in path[:-1])
        named = None if parent else label
        faults.append(Fault(pointer + parent, named, messages.missing(path[-1])))
        faults.append(Fault(pointer, label, messages.UNMET_CONDITION))
    blank = nulled(rules, payload)
    coerced: dict[str, Any] = dict(payload) if additional else {}
    for spec in fields:
        if spec.key in payload:
            where = pointer_to(pointer, spec.key)
            value = None if spec.key in blank else payload[spec.key]
            coerced[spec.key] = _field(spec, value, where, faults)
        elif spec.required:
            faults.append(Fault(pointer, label, messages.missing(spec.key)))
    return coerced


def _field(spec: FieldSpec, value: Any, pointer: str, faults: list[Fault]) -> Any:
    if value is None and spec.nullable:
        return None
    if not spec.multiple:
        return _value(spec, value, pointer, spec.label, faults, nullable=spec.nullable)
    # Items have no label of their own: the place says which one it is.
    return [
        _value(spec, item, pointer_to(pointer, index), None, faults, nullable=False)
        for index, item in enumerate([value] if value is None else value)
    ]


def _value(
    spec: FieldSpec,
    came: Any,
    pointer: str,
    label: str | None,
    faults: list[Fault],
    *,
    nullable: bool,
) -> Any:
    types: tuple[JsonType, ...] = (*spec.types, "null") if nullable else spec.types
    fits, value = _converted(types, came)
    complaints = [] if fits else [messages.wrong_type(types, value)]
    if value is not None or not fits:
        complaints += _complaints(spec, value)
    if not complaints and spec.properties is not None and isinstance(value, Mapping):
        return _object(spec.properties, value, pointer, label, faults, additional=spec.additional)
    if not complaints and spec.convert is not None and value is not None:
        try:
            value = spec.convert(value)
        except ValueError:
            complaints = [messages.wrong_format(spec.format or spec.type)]
    secret = spec.holds_secrets
    faults.extend(Fault(pointer, label, complaint, came, secret) for complaint in complaints)
    return value


def _complaints(spec: FieldSpec, value: Any) -> list[str]:
    complaints = []
    if spec.choices is not None and not _is_choice(spec, value):
        complaints.append(messages.wrong_choice(spec))
    size = _size(spec, value)
    for bound, least in ((spec.minimum, True), (spec.maximum, False)):
        if bound is not None and size is not None and (size < bound if least else size > bound):
            complaints.append(
                messages.wrong_length(bound, value, least=least)
                if isinstance(value, str)
                else messages.out_of_range(bound, least=least)
            )
    check = CHECKS.get(spec.format) if spec.format else None
    if spec.format and check and isinstance(value, str) and not check(value):
        complaints.append(messages.wrong_format(spec.format))
    return complaints


def _size(spec: FieldSpec, value: Any) -> float | None:
    """Return what the bounds of a field are about: a number, or the code points of a text."""
    if isinstance(value, str):
        return len(value) if "string" in spec.types else None
    return value if is_number(value) and "string" not in spec.types else None


def _is_choice(spec: FieldSpec, value: Any) -> bool:
    # A text field may have been given numbers to choose from: they are compared as text (VAL-17).
    return any(
        same(value, choice.value)
        or ("string" in spec.types and is_number(choice.value) and text_of(choice.value) == value)
        for choice in spec.choices or ()
    )


def _converted(types: tuple[JsonType, ...], value: Any) -> tuple[bool, Any]:
    """Return whether a value fits (or can be made to fit) one of the types, and that value."""
    if not types or has_type(types, value):
        return True, value
    if isinstance(value, list) and len(value) == 1 and types != ("object",):
        if value[0] is None and "null" not in types:
            return False, value  # [null] is not 0, "" or false (VAL-15)
        value = value[0]
        # A list around a value of one of several types is converted further, as by the peer:
        # a datetime ["1"] is the number 1, [1] is the text "1".
        if len(types) == 1 and has_type(types, value):
            return True, value
    for kind in types:
        converted = _as(kind, value)
        if converted is not MISSING:
            return True, converted
    return False, value


def has_type(types: Sequence[JsonType], value: Any) -> bool:
    """Tell whether a JSON value has one of the types; ``5.0`` is an integer, ``True`` is not."""
    if isinstance(value, str):
        return "string" in types
    if isinstance(value, bool):
        return "boolean" in types
    if value is None:
        return "null" in types
    if isinstance(value, Mapping):
        return "object" in types
    return ("number" in types and is_number(value)) or ("integer" in types and is_integer(value))


def _as(kind: JsonType, value: Any) -> Any:
    """Convert a scalar to a JSON type; MISSING when it cannot be."""
    if value is None:
        # Only a value that a condition has taken for null comes here.
        return _FROM_NULL.get(kind, MISSING)
    if kind == "string" and (isinstance(value, bool) or is_number(value)):
        return str(value).lower() if isinstance(value, bool) else text_of(value)
    if kind in {"number", "integer"}:
        if isinstance(value, bool):
            return int(value)
        number = number_of(value) if isinstance(value, str) else None
        if number is not None and (kind == "number" or is_integer(number)):
            return number
    if kind == "boolean":
        if value == "true" or same(value, 1):
            return True
        if value == "false" or same(value, 0):
            return False
    if kind == "null" and (value is False or value == "" or same(value, 0)):
        return None
    return MISSING
