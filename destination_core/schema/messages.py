"""What is said about a value that does not fit: the words of Segment's human errors.

The hosted engine's delivery reports say the same sentences, so people recognise them. They name
the field by its label, what was expected, and the type that came. The value itself is in the
detail for the operator only, and not there when it is a secret.
"""

import json
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from destination_core.errors import InvalidPayload, Problem
from destination_core.numbers import text_of
from destination_core.schema.fields import MISSING, Condition, FieldSpec, Requirement

_FORMAT_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "date-time": "date and time",
        "email": "email address",
        "ipv4": "IPv4 address",
        "ipv6": "IPv6 address",
        "json-pointer": "JSON Pointer",
        "regex": "regular expression",
        "relative-json-pointer": "relative JSON Pointer",
        "uri": "URI",
        "uri-reference": "URI Reference",
        "uri-template": "URI-template",
    }
)
_MAX_VALUE = 120  # characters of a value shown to the operator


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where, which field, what is wrong with it, and the value that came."""

    pointer: str
    label: str | None
    complaint: str
    value: Any = MISSING
    secret: bool = False

    @property
    def message(self) -> str:
        """Return the sentence for the customer."""
        subject = self.label or (
            f"the value at {self.pointer}" if self.pointer else "the root value"
        )
        return f"{subject[:1].upper()}{subject[1:]} {self.complaint}."

    @property
    def detail(self) -> str:
        """Return the line for the operator, with the value unless it is a secret."""
        where = self.pointer or "/"
        if self.value is MISSING:
            return f"{where}: {self.message}"
        came = "a value that is not shown" if self.secret else shown(self.value)
        return f"{where}: {self.message} Got {came}."


def invalid(subject: str, faults: Sequence[Fault]) -> InvalidPayload:
    """Make the error that reports the faults of one payload; ``subject`` names its schema."""
    problems = [Problem(fault.pointer, fault.message) for fault in faults]
    return InvalidPayload(
        " ".join(problem.message for problem in problems),
        problems=problems,
        detail=f"{subject}: " + "; ".join(fault.detail for fault in faults),
    )


def shown(value: Any) -> str:
    """Write a value for people, shortened however big it is."""
    writer = reprlib.Repr()
    writer.maxstring = writer.maxother = writer.maxlong = _MAX_VALUE
    text = writer.repr(value)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 3]}..."


def pointer_to(parent: str, key: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of a member or an item."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"


def wrong_type(types: Sequence[str], value: Any) -> str:
    """Complain about the type of a value."""
    expected = _listed(types)
    return f"must be {_article(expected)} {expected} but it was {_type_of(value)}"


def wrong_choice(spec: FieldSpec) -> str:
    """Complain that a value is not one of the choices."""
    values = [choice.value for choice in spec.choices or ()]
    texts = [_json(value) for value in [*values, *([None] if spec.nullable else [])]]
    return f"must be one of: {_listed(texts)}"


def wrong_format(name: str) -> str:
    """Complain that a text does not have the format."""
    return f"must be a valid {_FORMAT_LABELS.get(name, name)} string but it was not"


def wrong_length(limit: float, text: str, *, least: bool) -> str:
    """Complain about the length of a text, counted as JavaScript does (UTF-16 units)."""
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    bound = "more" if least else "fewer"
    return f"must be {_characters(limit)} or {bound} but it was {_characters(units)}"


def out_of_range(limit: float, *, least: bool) -> str:
    """Complain about the size of a number."""
    return f"must be equal to or {'greater' if least else 'less'} than {text_of(limit)}"


def missing(key: str, requirement: Requirement | None = None) -> str:
    """Complain that a required field is not there, and say which values of others require it.

    The hosted engine says of the latter that an object must match its "then" schema.
    """
    complaint = f"is missing the required field '{key}'"
    if requirement is None:
        return complaint
    word = " or " if requirement.match == "any" else " and "
    return f"{complaint}, required when {word.join(map(_told, requirement.conditions))}"


def _told(condition: Condition) -> str:
    subject = "the sync mode" if condition.type == "syncMode" else f"'{condition.field_key}'"
    negated = condition.operator == "is_not"
    if condition.value is MISSING:
        return f"{subject} is {'there' if negated else 'missing'}"
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    return f"{subject} is {'not ' if negated else ''}{_listed([_json(one) for one in values])}"


def _listed(texts: Sequence[str]) -> str:
    if not texts:
        return "nothing"
    if len(texts) <= 2:  # noqa: PLR2004  two need no comma
        return " or ".join(texts)
    return f"{', '.join(texts[:-1])}, or {texts[-1]}"


def _article(word: str) -> str:
    return "an" if word[:1] in "aeiou" else "a"


_NO_JSON: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""Numbers that Python has and JSON does not, by their `repr`: a field holds none of them."""


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return _NO_JSON.get(repr(value), "a number")
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def _json(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return text_of(value)
    return json.dumps(value, ensure_ascii=False)


def _characters(number: float) -> str:
    return f"{text_of(number)} character{'' if number == 1 else 's'}"
