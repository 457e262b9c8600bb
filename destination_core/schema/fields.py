"""One input field, as Segment describes it and as the rest of the package reads it.

Field definitions arrive in two ways, as Python annotations (``schema.annotations``) and as
Segment's own JSON (``schema.definition``). Both end as a tree of :class:`FieldSpec`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

FieldType = Literal[
    "string", "text", "number", "integer", "datetime", "boolean", "password", "object"
]
FIELD_TYPES: Final[tuple[str, ...]] = get_args(FieldType)
JsonType = Literal["string", "number", "integer", "boolean", "object", "null"]

#: The JSON types a value of a Segment field type may have.
JSON_TYPES: Final[Mapping[str, tuple[JsonType, ...]]] = {
    "string": ("string",),
    "text": ("string",),
    "password": ("string",),
    "number": ("number",),
    "integer": ("integer",),
    "boolean": ("boolean",),
    "datetime": ("string", "number"),
    "object": ("object",),
}

#: A member that passes through a payload although no field declares it (Segment's exemption).
EXEMPT: Final = "dynamicAuthSettings"


class Missing:
    """The value of what is not there; JSON's null is a value."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a conditionally required field: ``field_key`` is (or is not) ``value``.

    ``field_key`` may reach into an object field: "object.property". Without a value, "is" means
    that the other field is missing (or null) and "is_not" that it is there. A list of values
    means any of them. ``type="syncMode"`` asks for the sync mode of the mapping instead.
    """

    field_key: str
    operator: Literal["is", "is_not"] = "is"
    value: Any = MISSING
    type: Literal["field", "syncMode"] = "field"

    def to_segment(self) -> dict[str, Any]:
        """Return Segment's JSON of the condition."""
        where = {"type": "syncMode"} if self.type == "syncMode" else {"fieldKey": self.field_key}
        value = {} if self.value is MISSING else {"value": self.value}
        return {**where, "operator": self.operator, **value}


@dataclass(frozen=True, slots=True)
class Requirement:
    """When a field is required: if all (or any) of the conditions hold."""

    conditions: tuple[Condition, ...]
    match: Literal["all", "any"] = "all"

    def to_segment(self) -> dict[str, Any]:
        """Return Segment's JSON of the requirement."""
        conditions = [condition.to_segment() for condition in self.conditions]
        return {"match": self.match, "conditions": conditions}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values a field may have, and what people call it."""

    value: Any
    label: str


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field, ready to be checked, catalogued and built into a model.

    ``key`` is the name in payloads and mappings, ``attribute`` the name in Python. ``types`` are
    the JSON types of one value (of an item, when ``multiple``); empty means that only the model
    itself checks the value. ``minimum`` and ``maximum`` bound numbers, or the length of strings
    in code points. ``properties`` are the fields of an object; None is an object of any shape.
    ``default`` is the default mapping, ``unmapped`` the reason why a required field has none.
    ``asked`` shows a field as required that the handler enforces.
    ``convert`` makes the Python value from the JSON one.
    """

    key: str
    attribute: str
    type: str
    types: tuple[JsonType, ...]
    label: str | None = None
    description: str | None = None
    multiple: bool = False
    nullable: bool = False
    format: str | None = None
    declared: str | None = None
    """The format that was said; it is shown, also of a ``datetime``, whose type is what counts."""
    choices: tuple[Choice, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    properties: tuple["FieldSpec", ...] | None = None
    additional: bool = False
    required: bool = False
    requirement: Requirement | None = None
    default: Any = MISSING
    convert: Callable[[Any], Any] | None = None
    secret: bool = False
    unmapped: str = ""
    asked: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def holds_secrets(self) -> bool:
        """Tell whether the value, or a part of it, must never be shown."""
        return self.secret or any(one.holds_secrets for one in self.properties or ())


@dataclass(frozen=True, slots=True)
class InputField:
    """What an annotation says about a field beyond Python's own words; made by :func:`field`."""

    label: str | None = None
    description: str | None = None
    type: FieldType | None = None
    format: str | None = None
    choices: tuple[Choice, ...] | None = None
    required_when: Requirement | None = None
    allow_null: bool = False
    unmapped: str = ""
    asked: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)


def input_field(
    *,
    label: str | None = None,
    description: str | None = None,
    type: FieldType | None = None,  # noqa: A002  Segment's word
    format: str | None = None,  # noqa: A002  Segment's word
    choices: Sequence[Any] | None = None,
    required_when: Requirement | Condition | None = None,
    allow_null: bool = False,
    unmapped: str = "",
    required: bool = False,
    hidden: bool = False,
    read_only: bool = False,
    category: str | None = None,
    placeholder: str | None = None,
    depends_on: Requirement | Condition | None = None,
) -> InputField:
    """Say in ``Annotated`` what Python has no place for: ``Annotated[str, schema.field(...)]``.

    ``choices`` are values or ``(value, label)`` pairs; ``required_when`` a condition or several
    (``Requirement``); ``allow_null`` makes null a value of its own instead of "absent";
    ``unmapped`` says why a required field has no default mapping; ``required`` shows a field as
    required that the model lets be absent, because the handler decides. The last five end in the
    catalogue only, for whoever draws the form.
    """
    shown = {
        "unsafe_hidden": hidden or None,
        "readOnly": read_only or None,
        "category": category,
        "placeholder": placeholder,
        "depends_on": _requirement(depends_on).to_segment() if depends_on else None,
    }
    return InputField(
        label=label,
        description=description,
        type=type,
        format=format,
        choices=None if choices is None else tuple(_choice(one) for one in choices),
        required_when=_requirement(required_when) if required_when else None,
        allow_null=allow_null,
        unmapped=unmapped,
        asked=required,
        extras={name: value for name, value in shown.items() if value is not None},
    )


def _requirement(given: Requirement | Condition) -> Requirement:
    return Requirement((given,)) if isinstance(given, Condition) else given


def _choice(given: Any) -> Choice:
    if isinstance(given, tuple):
        value, label = given
        return Choice(value, label)
    return Choice(given, str(given))
