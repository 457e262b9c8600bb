"""One value of a field: does it fit, can it be made to fit, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from destination_core.numbers import is_integer, is_number, number_of, text_of
from destination_core.schema import messages
from destination_core.schema.conditions import same
from destination_core.schema.fields import MISSING, FieldSpec, JsonType
from destination_core.schema.formats import CHECKS

_FROM_NULL: Final[Mapping[JsonType, Any]] = MappingProxyType(
    {"string": "", "number": 0, "integer": 0, "boolean": False, "null": None}
)


def complaints_about(spec: FieldSpec, value: Any) -> list[str]:
    """Return what is wrong with a value of the right type: choice, bounds, format."""
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


def converted(types: tuple[JsonType, ...], value: Any) -> tuple[bool, Any]:
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
