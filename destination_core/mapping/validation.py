"""Find what is wrong with a mapping before it sees an event, in Segment's words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from destination_core.mapping.values import MISSING, type_name

METADATA: Final = "_metadata"
DEEPEST: Final = 100
"""Levels of a mapping."""

LONGEST_PATTERN: Final = 10
"""Characters of a pattern of ``@replace``; Segment's limit."""

Path = tuple[str, ...]
Check = Callable[[Any, Path, list[str]], None]


def faults(mapping: Any) -> list[str]:
    """Return every fault of a mapping: ``/path/@directive should …``; none when it is sound."""
    found: list[str] = []
    if not isinstance(mapping, Mapping):
        return [f"/ should be an object but it is {_a(type_name(mapping))}."]
    _value(mapping, (), found)
    return found


def directive_of(value: Any) -> str | None:
    """Return the name of the directive that an object is, or None."""
    if isinstance(value, Mapping):
        for key in value:
            if isinstance(key, str) and key.startswith("@"):
                return key
    return None


def _value(value: Any, path: Path, found: list[str]) -> None:
    """Check a directive, or raw data with directives inside."""
    if len(path) > DEEPEST:
        found.append(f"/{path[0]} is nested more than {DEEPEST} levels deep.")
        return
    name = directive_of(value)
    if name is not None:
        _directive(name, value, path, found)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            _value(one, (*path, str(key)), found)
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            _value(one, (*path, str(index)), found)


def _directive(name: str, value: Mapping[str, Any], path: Path, found: list[str]) -> None:
    keys = [key for key in value if key != METADATA]
    if len(keys) > 1:
        _fault(found, path, f"should only have one @-prefixed key but it has {len(keys)} keys.")
    elif name not in CHECKS:
        _fault(found, path, f"has an invalid directive: {name}.")
    else:
        CHECKS[name](value[name], (*path, name), found)


def _fault(found: list[str], path: Path, message: str) -> None:
    found.append(f"/{'/'.join(path)} {message}")


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aou" else f"a {kind}"


def _kind(value: Any) -> str:
    return "directive" if directive_of(value) is not None else type_name(value)


def _text_or_directive(value: Any, path: Path, found: list[str]) -> None:
    if directive_of(value) is not None:
        _value(value, path, found)
    elif not isinstance(value, str):
        message = f"should be a string or a mapping directive but it is {_a(_kind(value))}."
        _fault(found, path, message)


def _object_or_directive(value: Any, path: Path, found: list[str]) -> None:
    if isinstance(value, Mapping):
        _value(value, path, found)
    else:
        message = f"should be a object or a mapping directive but it is {_a(_kind(value))}."
        _fault(found, path, message)


def _text(value: Any, path: Path, found: list[str]) -> None:
    if not isinstance(value, str):
        _fault(found, path, f"should be a string but it is {_a(_kind(value))}.")


def _flag(value: Any, path: Path, found: list[str]) -> None:
    if not isinstance(value, bool) and value is not None:
        _fault(found, path, f"should be a boolean but it is {_a(_kind(value))}.")


def _pattern(value: Any, path: Path, found: list[str]) -> None:
    if not isinstance(value, str):
        _text(value, path, found)
    elif not value:
        _fault(found, path, "should be a string of length 1 or greater.")
    elif len(value.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_PATTERN:
        _fault(found, path, f"should be a string of length {LONGEST_PATTERN} or less.")


def _optional_pattern(value: Any, path: Path, found: list[str]) -> None:
    if value is not None and value != "":
        _pattern(value, path, found)


def _optional_text(value: Any, path: Path, found: list[str]) -> None:
    if value is not None:
        _text(value, path, found)


def _one_of(*names: str) -> Check:
    def check(value: Any, path: Path, found: list[str]) -> None:
        if not isinstance(value, str):
            _text(value, path, found)
        elif value.lower() not in names:
            wanted = ", ".join(names)
            _fault(found, path, f'should be one of {wanted} but it is "{value}".')

    return check


def _options(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    def check(value: Any, path: Path, found: list[str]) -> None:
        if not isinstance(value, Mapping) or directive_of(value) is not None:
            _fault(found, path, f"should be an object but it is {_a(_kind(value))}.")
            return
        for name, inner in required.items():
            if name in value:
                inner(value[name], (*path, name), found)
            else:
                _fault(found, path, f'should have field "{name}" but it doesn\'t.')
        for name, inner in optional.items():
            if name in value:
                inner(value[name], (*path, name), found)

    return check


def _array_path(value: Any, path: Path, found: list[str]) -> None:
    if not isinstance(value, list | tuple):
        _fault(found, path, f"should be an array but it is {_a(_kind(value))}.")
        return
    _text_or_directive(value[0] if value else MISSING, path, found)
    if len(value) > 1:
        _value(value[1], path, found)


def _objects(value: Any, path: Path, found: list[str]) -> None:
    if not isinstance(value, list | tuple):
        _fault(found, path, f"should be an array but it is {_a(_kind(value))}.")
        return
    for index, one in enumerate(value):
        _object_or_directive(one, (*path, str(index)), found)


def _merge(value: Any, path: Path, found: list[str]) -> None:
    before = len(found)
    _options({"objects": _objects}, {"direction": _one_of("left", "right")})(value, path, found)
    if len(found) == before and "direction" not in value:
        _fault(found, path, 'should have field "direction" but it doesn\'t.')


CHECKS: Final[Mapping[str, Check]] = {
    "@if": _options({}, {"exists": _value, "blank": _value, "then": _value, "else": _value}),
    "@case": _options({}, {"operator": _text, "value": _text_or_directive}),
    "@replace": _options(
        {"pattern": _pattern, "value": _text_or_directive},
        {
            "replacement": _text,
            "pattern2": _optional_pattern,
            "replacement2": _optional_text,
            "ignorecase": _flag,
            "global": _flag,
        },
    ),
    "@arrayPath": _array_path,
    "@path": _text_or_directive,
    "@template": _text_or_directive,
    "@literal": _value,
    "@flatten": _options({"value": _value}, {"separator": _text, "omitArrays": _flag}),
    "@json": _options({"mode": _one_of("encode", "decode"), "value": _value}, {}),
    "@merge": _merge,
    "@transform": _options({"apply": _object_or_directive, "mapping": _object_or_directive}, {}),
    "@excludeWhenNull": _value,
    "@liquid": _text,
}
"""The thirteen directives and how each is checked."""


def listed(found: Sequence[str]) -> str:
    """Join faults into one message."""
    return found[0] if len(found) == 1 else f"{len(found)} faults: " + " ".join(found)
