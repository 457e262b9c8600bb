"""Fields read off a pydantic model: Python's annotations, in Segment's terms."""

import datetime as dt
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

import annotated_types
import pydantic
from pydantic.fields import FieldInfo

from destination_core.errors import PluginError
from destination_core.mapping import Directive
from destination_core.schema.dates import date_of
from destination_core.schema.fields import (
    EXEMPT,
    JSON_TYPES,
    MISSING,
    Choice,
    FieldSpec,
    FieldType,
    InputField,
    JsonType,
)
from destination_core.schema.formats import is_known

#: What the classes of Python are among Segment's types; the first that fits counts.
_CLASSES: Final[tuple[tuple[type, FieldType, JsonType], ...]] = (
    (bool, "boolean", "boolean"),
    (int, "integer", "integer"),
    (float, "number", "number"),
    (Decimal, "number", "number"),
    (str, "string", "string"),
    (pydantic.SecretStr, "password", "string"),
    (UUID, "string", "string"),
    (dt.date, "string", "string"),
    (dt.time, "string", "string"),
)
_FORMATS: Final[Mapping[type, str]] = {UUID: "uuid", dt.date: "date", dt.time: "time"}
_MAPPINGS: Final = (dict, Mapping)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What an annotation alone says about a field."""

    kind: FieldType = "string"
    types: tuple[JsonType, ...] = ()
    multiple: bool = False
    format: str | None = None
    choices: tuple[Choice, ...] | None = None
    model: type[pydantic.BaseModel] | None = None
    convert: Callable[[Any], Any] | None = None
    secret: bool = False
    metadata: tuple[Any, ...] = field(default=())


def fields_of(model: type[pydantic.BaseModel]) -> tuple[FieldSpec, ...]:
    """Read the fields of a model; raises ``PluginError`` for metadata that contradicts itself."""
    return _fields_of(model, ())


def _fields_of(
    model: type[pydantic.BaseModel], above: tuple[type[pydantic.BaseModel], ...]
) -> tuple[FieldSpec, ...]:
    specs = []
    for name, info in model.model_fields.items():
        if info.alias == EXEMPT:
            continue
        given = [one for one in info.metadata if isinstance(one, FieldSpec)]
        specs.append(given[0] if given else _field(model, name, info, above))
    return tuple(specs)


def _field(
    model: type[pydantic.BaseModel],
    name: str,
    info: FieldInfo,
    above: tuple[type[pydantic.BaseModel], ...],
) -> FieldSpec:
    if isinstance(info.default, Directive):
        raise PluginError(
            f"{model.__name__}.{name} has a directive as its value; a default mapping goes into the"
            f" annotation: {name}: Annotated[TYPE, DIRECTIVE]"
        )
    shape = _shape(info.annotation)
    metadata = (*shape.metadata, *info.metadata)
    _check_directives(f"{model.__name__}.{name}", metadata)
    said = next((one for one in metadata if isinstance(one, InputField)), InputField())
    directive = next((one for one in metadata if isinstance(one, Directive)), None)
    kind = said.type or shape.kind
    # of a datetime the type decides, whatever format is declared
    format_ = (None if said.type == "datetime" else said.format) or shape.format
    format_ = format_ or ("date-like" if kind == "datetime" else None)
    if format_ is not None and not is_known(format_):
        raise PluginError(f"{model.__name__}.{name} has unknown format {format_!r}")
    known = shape.model if shape.model not in above else None
    # Bounds beside a list are about the list; those of its items are inside the annotation.
    minimum, maximum = _bounds(shape.metadata if shape.multiple else metadata)
    return FieldSpec(
        key=info.alias or name,
        attribute=name,
        type=kind,
        types=_types(said, shape),
        label=said.label or info.title or _words(name),
        description=said.description or info.description,
        multiple=shape.multiple,
        nullable=said.allow_null,
        format=format_,
        declared=said.format,
        choices=said.choices or shape.choices,
        minimum=minimum,
        maximum=maximum,
        properties=_fields_of(known, (*above, model)) if known else None,
        additional=known is None or known.model_config.get("extra") == "allow",
        required=info.is_required() and said.required_when is None,
        requirement=said.required_when,
        asked=said.asked,
        default=directive.value if directive else _default(info),
        convert=shape.convert,
        secret=kind == "password" or shape.secret,
        unmapped=said.unmapped,
        extras=said.extras,
    )


def _check_directives(where: str, metadata: Iterable[Any]) -> None:
    """Refuse what looks like a default mapping and would say nothing."""
    mapped = False
    for one in metadata:
        if isinstance(one, str) and one.startswith(("$.", "{{")):
            raise PluginError(
                f"{where} has the text {one!r} in its annotation, which says nothing; write"
                " dc.path(...) or dc.template(...)"
            )
        if mapped and isinstance(one, Directive):
            raise PluginError(
                f"{where} has two default mappings; keep one: dc.coalesce(...) takes the first of"
                " several that is there"
            )
        mapped = mapped or isinstance(one, Directive)


def _types(said: InputField, shape: _Shape) -> tuple[JsonType, ...]:
    if shape.types or said.type is None or shape.model:
        return shape.types
    return JSON_TYPES[said.type]


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize() or name


def _bounds(metadata: Iterable[Any]) -> tuple[float | None, float | None]:
    minimum: Any = None
    maximum: Any = None
    for one in metadata:
        if isinstance(one, annotated_types.Ge):
            minimum = one.ge
        elif isinstance(one, annotated_types.Le):
            maximum = one.le
        elif isinstance(one, annotated_types.MinLen):
            minimum = one.min_length
        elif isinstance(one, annotated_types.MaxLen):
            maximum = one.max_length
    return minimum, maximum


def _default(info: FieldInfo) -> Any:
    """Return a default that the catalogue can show; "" and empty containers say nothing."""
    default = info.default.value if isinstance(info.default, Enum) else info.default
    return default if isinstance(default, str | int | float) and default != "" else MISSING


def _shape(annotation: Any) -> _Shape:
    # A NewType, and an alias made with "type", stand for something else.
    annotation = getattr(annotation, "__supertype__", getattr(annotation, "__value__", annotation))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        shape = _shape(arguments[0])
        return replace(shape, metadata=(*shape.metadata, *arguments[1:]))
    if origin in {Union, types.UnionType}:
        return _union([one for one in arguments if one is not types.NoneType])
    if origin is Literal:
        return _choices(arguments)
    container = origin or annotation
    return _class(container, arguments) if isinstance(container, type) else _Shape()


def _class(container: type, arguments: tuple[Any, ...]) -> _Shape:
    if issubclass(container, Enum):
        return _choices(tuple(member.value for member in container))
    if issubclass(container, pydantic.BaseModel):
        return _Shape("object", ("object",), model=container)
    if issubclass(container, _MAPPINGS):
        held = [_shape(one) for one in arguments[1:]]
        return _Shape("object", ("object",), secret=any(one.kind == "password" for one in held))
    if issubclass(container, Collection) and not issubclass(container, str | bytes):
        return _several(container, arguments)
    return _scalar(container)


def _scalar(kind: type) -> _Shape:
    if issubclass(kind, dt.datetime):
        return _Shape("datetime", ("string", "number"), convert=date_of)
    for known, segment, json in _CLASSES:
        if issubclass(kind, known):
            return _Shape(segment, (json,), format=_FORMATS.get(known))
    return _Shape()


def _union(members: list[Any]) -> _Shape:
    shapes = [_shape(member) for member in members]
    if len(shapes) == 1:
        return shapes[0]
    metadata = tuple(one for shape in shapes for one in shape.metadata)
    plain = all(shape.types and not shape.multiple and not shape.model for shape in shapes)
    if not plain or any(shape.choices or shape.convert or shape.format for shape in shapes):
        # pydantic alone decides which member it is.
        return _Shape(shapes[0].kind, metadata=metadata)
    accepted = tuple(dict.fromkeys(one for shape in shapes for one in shape.types))
    return _Shape(shapes[0].kind, accepted, metadata=metadata)


def _several(container: type, arguments: tuple[Any, ...]) -> _Shape:
    if issubclass(container, tuple) and (len(arguments) != 2 or arguments[1] is not ...):  # noqa: PLR2004
        return _Shape()
    item = _shape(arguments[0]) if arguments else _Shape()
    return _Shape() if item.multiple else replace(item, multiple=True)


def _choices(values: tuple[Any, ...]) -> _Shape:
    plain = [value for value in values if value is not None]
    shapes = [_scalar(type(value)) for value in plain]
    accepted = tuple(dict.fromkeys(one for shape in shapes for one in shape.types))
    kind = shapes[0].kind if shapes else "string"
    return _Shape(kind, accepted, choices=tuple(Choice(value, str(value)) for value in plain))
