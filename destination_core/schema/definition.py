"""Segment's own field definitions (JSON), read into fields and built into models."""

import keyword
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Final

import pydantic

from destination_core.errors import PluginError
from destination_core.numbers import is_number
from destination_core.schema.conditions import rules_of
from destination_core.schema.fields import (
    EXEMPT,
    FIELD_TYPES,
    JSON_TYPES,
    MISSING,
    Choice,
    Condition,
    FieldSpec,
    Requirement,
)
from destination_core.schema.formats import is_known
from destination_core.schema.models import Payload

#: The members of a definition that have a place in :class:`FieldSpec`; others are carried along.
_READ: Final = frozenset(
    {
        "label",
        "description",
        "type",
        "multiple",
        "choices",
        "default",
        "allowNull",
        "format",
        "minimum",
        "maximum",
        "properties",
        "additionalProperties",
        "required",
    }
)
_COUNTED: Final = frozenset({"string", "text", "password"})
_BOUNDED: Final = _COUNTED | {"number", "integer"}

#: What the members of a definition must be that are not null, and how that is said.
_FORMS: Final[Mapping[str, tuple[Any, str]]] = MappingProxyType(
    {
        "label": (str, "a text"),
        "description": (str, "a text"),
        "format": (str, "a text"),
        "multiple": (bool, "true or false"),
        "allowNull": (bool, "true or false"),
        "additionalProperties": (bool, "true or false"),
        "properties": (Mapping, "an object"),
        "required": (bool | Mapping, "true, false or an object with conditions"),
    }
)


def read_fields(definitions: Mapping[str, Any]) -> tuple[FieldSpec, ...]:
    """Read field definitions; raises ``PluginError`` naming the field that makes no sense."""
    if not isinstance(definitions, Mapping):
        raise PluginError(f"field definitions must be an object, got {definitions!r}")
    return _fields(definitions, "")


def check_conditions(fields: Sequence[FieldSpec]) -> None:
    """Raise ``PluginError`` for a condition on what cannot be there: it would never hold."""
    for path, requirement in rules_of(fields):
        for condition in requirement.conditions:
            if condition.type == "field" and not _is_known(condition.field_key, fields):
                raise PluginError(
                    f"field {'.'.join(path)!r} has a condition on {condition.field_key!r}, which is"
                    " no field"
                )


def _fields(definitions: Mapping[str, Any], path: str) -> tuple[FieldSpec, ...]:
    taken: set[str] = set()
    return tuple(
        _read(key, definition, f"{path}{key}", taken) for key, definition in definitions.items()
    )


def _is_known(key: str, fields: Sequence[FieldSpec]) -> bool:
    """Tell whether a field is named, or what an object of any shape may have."""
    root, *deeper = key.split(".")
    found = next((spec for spec in fields if spec.key == root), None)
    if found is None:
        return root == EXEMPT
    if not deeper:
        return True
    if found.type != "object":
        return False
    return found.additional or _is_known(".".join(deeper), found.properties or ())


def _read(key: str, definition: Mapping[str, Any], path: str, taken: set[str]) -> FieldSpec:
    if not isinstance(key, str):
        raise PluginError(f"field {path!r} must have a text as its key, got {key!r}")
    if not isinstance(definition, Mapping):
        raise PluginError(f"field {path!r} must be an object, got {definition!r}")
    kind = definition.get("type")
    if kind not in FIELD_TYPES:
        raise PluginError(f"field {path!r} has unknown type {kind!r}; use one of {FIELD_TYPES}")
    for name, (form, wanted) in _FORMS.items():
        if not isinstance(definition.get(name), form | None):
            raise PluginError(f"field {path!r}: {name} must be {wanted}, got {definition[name]!r}")
    multiple = bool(definition.get("multiple"))
    format_ = declared = definition.get("format")
    if kind == "datetime":
        # Segment does not check the items of a list of dates.
        format_ = None if multiple else "date-like"
    elif kind in {"text", "password"}:
        format_ = kind
    if format_ is not None and not is_known(format_):
        raise PluginError(f"field {path!r} has unknown format {format_!r}")
    children = definition.get("properties") if kind == "object" else None
    minimum, maximum = _bounds(kind, definition, path)
    required = definition.get("required")
    return FieldSpec(
        key=key,
        attribute=_attribute(key, taken),
        type=kind,
        types=JSON_TYPES[kind],
        label=definition.get("label") or None,
        description=definition.get("description"),
        multiple=multiple,
        # Null is not a value of an object whose properties are known, as with the peer.
        nullable=bool(definition.get("allowNull")) and (multiple or not children),
        format=format_,
        declared=declared,
        choices=_choices(definition.get("choices"), path),
        minimum=minimum,
        maximum=maximum,
        properties=_fields(children, f"{path}.") if children else None,
        additional=bool(definition.get("additionalProperties")) or not children,
        required=required is True,
        requirement=_requirement(required, path) if isinstance(required, Mapping) else None,
        default=definition.get("default", MISSING),
        secret=kind == "password",
        extras={name: value for name, value in definition.items() if name not in _READ},
    )


def _bounds(kind: str, definition: Mapping[str, Any], path: str) -> tuple[Any, Any]:
    """Return minimum and maximum, which for a text count characters."""
    if kind not in _BOUNDED:
        return None, None
    bounds = definition.get("minimum"), definition.get("maximum")
    for name, bound in zip(("minimum", "maximum"), bounds, strict=True):
        if bound is None:
            continue
        if not is_number(bound):
            raise PluginError(f"field {path!r}: {name} must be a finite number, got {bound!r}")
        if kind in _COUNTED and not (isinstance(bound, int) and bound >= 0):
            raise PluginError(f"field {path!r} counts characters: {bound!r} cannot be a bound")
    return bounds


def _choices(choices: Sequence[Any] | None, path: str) -> tuple[Choice, ...] | None:
    if choices is None:
        return None
    if not isinstance(choices, list | tuple) or not choices:
        raise PluginError(f"field {path!r} needs a list of choices that is not empty: {choices!r}")
    read = []
    for choice in choices:
        if isinstance(choice, Mapping):
            if "value" not in choice:
                raise PluginError(f"field {path!r} has a choice without a value: {choice!r}")
            read.append(Choice(choice["value"], str(choice.get("label", choice["value"]))))
        elif isinstance(choice, str):
            read.append(Choice(choice, choice))
        else:
            hint = f"write {{'label': {str(choice)!r}, 'value': {choice!r}}}"
            raise PluginError(f"field {path!r}: a plain choice is a text, got {choice!r}; {hint}")
    values = [(type(one.value) is bool, one.value) for one in read]
    for place, choice in enumerate(read):
        if values[place] in values[:place]:
            raise PluginError(f"field {path!r} has the choice {choice.value!r} twice")
    return tuple(read)


def _requirement(required: Mapping[str, Any], path: str) -> Requirement:
    match = required.get("match", "all")
    if match not in ("all", "any"):
        raise PluginError(f"field {path!r}: match must be 'all' or 'any', not {match!r}")
    conditions = required.get("conditions")
    if not isinstance(conditions, list | tuple) or not conditions:
        raise PluginError(
            f"field {path!r}: conditions must be a list that is not empty, got {conditions!r}"
        )
    return Requirement(tuple(_condition(one, path) for one in conditions), match)


def _condition(condition: Any, path: str) -> Condition:
    if not isinstance(condition, Mapping):
        raise PluginError(f"field {path!r}: a condition must be an object, got {condition!r}")
    operator = condition.get("operator")
    if operator not in ("is", "is_not"):
        raise PluginError(
            f"field {path!r} has a condition with operator {operator!r}; use 'is' or 'is_not'"
        )
    sync_mode = condition.get("type") == "syncMode"
    if not sync_mode and not isinstance(condition.get("fieldKey"), str):
        raise PluginError(f"field {path!r} has a condition without fieldKey: {condition!r}")
    return Condition(
        field_key="" if sync_mode else condition["fieldKey"],
        operator=operator,
        value=condition.get("value", MISSING),
        type="syncMode" if sync_mode else "field",
    )


def _attribute(key: str, taken: set[str]) -> str:
    """Return a name for Python that a model can have, for any key."""
    usable = key.isidentifier() and not keyword.iskeyword(key) and not key.startswith("_")
    name = key if usable and not hasattr(Payload, key) else f"field_{len(taken)}"
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def build_model(name: str, fields: Sequence[FieldSpec], *, additional: bool) -> type[Payload]:
    """Build the model that holds payloads with these fields; absent ones read as None."""
    members: dict[str, Any] = {spec.attribute: _member(name, spec) for spec in fields}
    if not any(spec.key == EXEMPT for spec in fields):
        members[_attribute(EXEMPT, set(members))] = (Any, pydantic.Field(None, alias=EXEMPT))
    base: type[Payload] = _Open if additional else Payload
    model: type[Payload] = pydantic.create_model(name, __base__=base, **members)
    return model


class _Open(Payload):
    model_config = pydantic.ConfigDict(extra="allow")


# An integer field may hold 1e21, which JSON writers make a float.
_PYTHON_TYPES: Final[Mapping[str, Any]] = MappingProxyType(
    {"string": str, "number": int | float, "integer": int | float, "boolean": bool}
)


def _member(model: str, spec: FieldSpec) -> tuple[Any, Any]:
    kind: Any
    if spec.properties is not None:
        kind = build_model(f"{model}.{spec.key}", spec.properties, additional=spec.additional)
    elif spec.types == ("object",):
        kind = dict[str, Any]
    else:
        kind = _scalar(spec)
    if spec.multiple:
        kind = list[kind]
    if not spec.required or spec.nullable:
        kind = kind | None
    default = ... if spec.required else None
    return Annotated[kind, spec], pydantic.Field(
        default, alias=spec.key, title=spec.label, description=spec.description
    )


def _scalar(spec: FieldSpec) -> Any:
    kinds = [_PYTHON_TYPES[kind] for kind in spec.types]
    union = kinds[0]
    for kind in kinds[1:]:
        union |= kind
    return union
