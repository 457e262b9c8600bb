"""Directives as authors write them: each call yields Segment's JSON, byte for byte."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Directive:
    """A mapping directive as Segment's JSON; in ``Annotated`` it is a field's default mapping."""

    value: Any

    def __hash__(self) -> int:
        """Hash by the text of the JSON: its objects have no hash of their own."""
        return hash(repr(self.value))


def path(path: str | Directive) -> Directive:
    """Take the value at a path of the event: ``"$.properties.total"``."""
    return Directive({"@path": _json(path)})


def template(template: str | Directive) -> Directive:
    """Fill ``{{path}}`` placeholders of a text; missing values become nothing."""
    return Directive({"@template": _json(template)})


def literal(value: Any) -> Directive:
    """Use a value as it is."""
    return Directive({"@literal": value})


def coalesce(first: str | Directive, *others: str | Directive) -> Directive:
    """Take the first of several paths (or directives) that is there and not null."""
    chosen = first if isinstance(first, Directive) else path(first)
    if not others:
        return chosen
    return if_(exists=chosen, then=chosen, else_=coalesce(*others))


def if_(*, exists: Any = None, blank: Any = None, then: Any = None, else_: Any = None) -> Directive:
    """Choose by whether a value exists (is not null), or is not ``blank`` (null or "")."""
    options = {"exists": exists, "blank": blank, "then": then, "else": else_}
    return Directive(
        {"@if": {key: _json(value) for key, value in options.items() if value is not None}}
    )


def case(value: str | Directive, operator: str) -> Directive:
    """Change a text to ``"lower"`` or ``"upper"`` case; other values stay as they are."""
    return Directive({"@case": {"operator": operator, "value": _json(value)}})


def replace(
    value: str | Directive,
    pattern: str,
    replacement: str = "",
    *,
    pattern2: str | None = None,
    replacement2: str | None = None,
    ignorecase: bool = False,
    all: bool = True,  # noqa: A002  Segment's word is `global`, which Python keeps for itself
) -> Directive:
    """Replace a text of at most 10 characters, and then perhaps a second one."""
    options: dict[str, Any] = {"pattern": pattern, "replacement": replacement}
    if pattern2 is not None:
        options["pattern2"] = pattern2
    if replacement2 is not None:
        options["replacement2"] = replacement2
    options |= {"ignorecase": ignorecase, "global": all, "value": _json(value)}
    return Directive({"@replace": options})


def array_path(path: str | Directive, shape: Any = None) -> Directive:
    """Take a list and give each of its items a shape; paths in it start at the item."""
    return Directive({"@arrayPath": [_json(path), *([] if shape is None else [_json(shape)])]})


def flatten(value: Any, *, separator: str = ".", omit_arrays: bool = False) -> Directive:
    """Make a nested object flat, its keys joined with a separator."""
    options: dict[str, Any] = {"value": _json(value), "separator": separator}
    if omit_arrays:
        options["omitArrays"] = True
    return Directive({"@flatten": options})


def json(value: Any, *, mode: str = "encode") -> Directive:
    """Write a value as JSON text (``encode``), or read one (``decode``)."""
    return Directive({"@json": {"value": _json(value), "mode": mode}})


def merge(*objects: Any, direction: str = "right") -> Directive:
    """Merge objects; with ``right`` the last one wins, with ``left`` the first."""
    return Directive(
        {"@merge": {"objects": [_json(one) for one in objects], "direction": direction}}
    )


def transform(*, apply: Any, mapping: Any) -> Directive:
    """Map the result of another mapping."""
    return Directive({"@transform": {"apply": _json(apply), "mapping": _json(mapping)}})


def exclude_when_null(value: Any) -> Directive:
    """Leave out a value that is null, and nulls inside it."""
    return Directive({"@excludeWhenNull": _json(value)})


def liquid(template: str) -> Directive:
    """Render a Liquid template of at most 1,000 characters."""
    return Directive({"@liquid": template})


def _json(value: Any) -> Any:
    if isinstance(value, Directive):
        return value.value
    if isinstance(value, dict):
        return {key: _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return value
