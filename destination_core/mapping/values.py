"""Values on their way through a mapping: missing, types by their JSON names, texts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from destination_core.numbers import text_of

Resolver = Callable[[Any], Any]
"""A compiled piece of a mapping: the event (or what a directive applies to) to a value."""


class _Missing:
    """What JavaScript calls undefined: no value, which is not null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "missing"

    def __bool__(self) -> bool:
        return False


MISSING: Final[Any] = _Missing()


class Fault(Exception):
    """A directive fails on this event, or ``always``; ``path`` grows on the way out."""

    def __init__(self, message: str, code: str = "MAPPING_ERROR", *, always: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.always = always
        self.path: list[str] = []


def copied(value: Any) -> Any:
    """Return JSON that shares nothing with a value that can be changed."""
    if isinstance(value, Mapping):
        return {key: copied(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [copied(one) for one in value]
    return value


def type_name(value: Any) -> str:
    """Return the JSON type of a value, with JavaScript's undefined for what is missing."""
    if value is None:
        return "null"
    if value is MISSING:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, list | tuple) else type(value).__name__


def text(value: Any) -> str | None:
    """Return a scalar as the text that a template shows; None for what is no scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return None


def number_text(value: float) -> str:
    """Write a number as JavaScript does; also the ones that are no JSON."""
    if value != value:  # noqa: PLR0124  NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return text_of(value)
