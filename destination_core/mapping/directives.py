"""The thirteen directives: each is compiled by one method, found through one table."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from destination_core.mapping.json_text import decode, encode
from destination_core.mapping.paths import getter, keys_of
from destination_core.mapping.placeholders import compile_template
from destination_core.mapping.validation import directive_of
from destination_core.mapping.values import (
    MISSING,
    Fault,
    Resolver,
    copied,
    text,
    type_name,
)


class Member(NamedTuple):
    """One member of an object in a mapping: a constant, or what finds its value in the event.

    ``path`` are the keys of a plain ``@path``.
    """

    key: str
    resolve: Resolver | None
    constant: Any = None
    path: tuple[str, ...] = ()


class Compiler:
    """Compile checked JSON into resolvers; ``now`` is the clock of ``@liquid``."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def value(self, value: Any) -> Resolver:
        """Compile a directive, or raw data with directives inside."""
        name = directive_of(value)
        if name is not None:
            return DIRECTIVES[name](self, value[name])
        if isinstance(value, Mapping):
            return object_of(self.members(value))
        if isinstance(value, list | tuple):
            return self._array(value)
        return _constant(value)

    def members(self, value: Mapping[str, Any]) -> tuple[Member, ...]:
        """Compile the members of raw data."""
        return tuple(self._member(key, one) for key, one in value.items())

    def _member(self, key: str, value: Any) -> Member:
        name = directive_of(value)
        constant = value["@literal"] if name == "@literal" else value
        if _is_scalar(constant):
            return Member(key, None, constant)
        path = value["@path"] if name == "@path" else None
        keys = keys_of(path) if isinstance(path, str) else ()
        return Member(key, self.value(value), path=keys)

    def _array(self, value: Any) -> Resolver:
        items = tuple(self.value(one) for one in value)

        def resolve(data: Any) -> Any:
            made: list[Any] = []
            index = 0
            try:
                for index, item in enumerate(items):  # noqa: B007  a fault below needs it
                    found = item(data)
                    if found is not MISSING:
                        made.append(found)
            except Fault as fault:
                fault.path.insert(0, str(index))
                raise
            return made

        return resolve

    def path(self, value: Any) -> Resolver:
        """Compile ``@path``: the value at a path; the path may come from a directive."""
        if isinstance(value, str):
            return getter(value)
        inner = self.value(value)
        return lambda data: getter(_expect_text("@path", inner(data)))(data)

    def template(self, value: Any) -> Resolver:
        """Compile ``@template``: a text with ``{{path}}`` filled in."""
        if isinstance(value, str):
            return compile_template(value)
        inner = self.value(value)
        return lambda data: compile_template(_expect_text("@template", inner(data)))(data)

    def literal(self, value: Any) -> Resolver:
        """Compile ``@literal``: the value as it is, directives and all (a copy each time)."""
        return (lambda _: value) if _is_scalar(value) else (lambda _: copied(value))

    def if_(self, options: Mapping[str, Any]) -> Resolver:
        """Compile ``@if``: by whether a value ``exists``, or is not ``blank``."""
        key = next((key for key in ("exists", "blank") if key in options), None)
        if key is None:
            return _failing('@if requires an "exists" key or a "blank" key')
        condition = self.value(options[key])
        then = self.value(options["then"]) if "then" in options else _missing
        other = self.value(options["else"]) if options.get("else") is not None else _missing
        if key == "exists" and options.get("then") == options["exists"]:
            # the usual case, "this if it exists, else that", looks once
            def first(data: Any) -> Any:
                found = condition(data)
                return other(data) if found is MISSING or found is None else found

            return first
        if key == "exists":

            def exists(data: Any) -> Any:
                found = condition(data)
                return other(data) if found is MISSING or found is None else then(data)

            return exists

        def blank(data: Any) -> Any:
            found = condition(data)
            empty = found is MISSING or found is None or (isinstance(found, str) and not found)
            return other(data) if empty else then(data)

        return blank

    def case(self, options: Mapping[str, Any]) -> Resolver:
        """Compile ``@case``: texts in another case, other values as they are."""
        operator = options.get("operator")
        if not operator:
            return _failing('@case requires a "operator" key')
        if "value" not in options:
            return _missing
        inner = self.value(options["value"])
        change = {"lower": str.lower, "upper": str.upper}.get(operator)

        def resolve(data: Any) -> Any:
            found = inner(data)
            if not isinstance(found, str):
                return found
            if change is None:
                raise Fault('operator key should have a value of "lower" or "upper"')
            return change(found)

        return resolve

    def replace(self, options: Mapping[str, Any]) -> Resolver:
        """Compile ``@replace``: texts, literally, everywhere unless ``global`` is false."""
        if options["value"] == "":
            return _missing  # as in the hosted engine: there is nothing to replace in
        inner = self.value(options["value"])
        flags = re.IGNORECASE if options.get("ignorecase") else re.NOFLAG
        count = 1 if options.get("global") is False else 0
        steps: list[tuple[re.Pattern[str], str]] = []
        for number in ("", "2"):
            pattern = options.get(f"pattern{number}")
            if pattern:
                replacement = options.get(f"replacement{number}") or ""
                steps.append((re.compile(re.escape(pattern), flags), replacement))

        def resolve(data: Any) -> Any:
            found = text(inner(data))
            if found is None:
                return MISSING
            for pattern, replacement in steps:
                found = pattern.sub(lambda _, new=replacement: new, found, count=count)  # type: ignore[misc]
            return found

        return resolve

    def array_path(self, options: Any) -> Resolver:
        """Compile ``@arrayPath``: a list whose items are given a shape."""
        root = self.path(options[0]) if isinstance(options[0], str) else self.value(options[0])
        shape = options[1] if len(options) > 1 else None
        if not isinstance(shape, Mapping) or not shape:
            return root
        item = self.value(shape)

        def resolve(data: Any) -> Any:
            found = root(data)
            if isinstance(found, Mapping):
                found = [found]
            elif not isinstance(found, list | tuple):
                return found
            shaped = [item(one) for one in found]
            return [one for one in shaped if one is not MISSING]

        return resolve

    def flatten(self, options: Mapping[str, Any]) -> Resolver:
        """Compile ``@flatten``: a nested object with its keys joined; scalars stay as they are."""
        separator = options.get("separator")
        if not isinstance(separator, str):
            return _failing('@flatten requires a "separator" key')
        inner = self.value(options["value"])
        keep_arrays = bool(options.get("omitArrays"))

        def resolve(data: Any) -> Any:
            found = inner(data)
            containers = Mapping if keep_arrays else (Mapping, list)
            if not isinstance(found, containers) or not found:
                return found
            made: dict[str, Any] = {}
            _flatten(found, None, separator, made, keep_arrays=keep_arrays)
            return made

        return resolve

    def json(self, options: Mapping[str, Any]) -> Resolver:
        """Compile ``@json``: to JSON text, or from it (a text that is no JSON stays)."""
        inner = self.value(options["value"])
        if options["mode"].lower() == "encode":

            def encoded(data: Any) -> Any:
                found = inner(data)
                return MISSING if found is MISSING else encode(found)

            return encoded

        def decoded(data: Any) -> Any:
            found = inner(data)
            if not isinstance(found, str):
                return found
            try:
                return decode(found)
            except ValueError:
                return found

        return decoded

    def merge(self, options: Mapping[str, Any]) -> Resolver:
        """Compile ``@merge``: with ``right`` the last object wins, with ``left`` the first."""
        objects = [self.value(one) for one in options["objects"]]
        if options["direction"].lower() == "left":
            objects.reverse()

        def resolve(data: Any) -> Any:
            made: dict[str, Any] = {}
            for one in objects:
                found = one(data)
                if isinstance(found, Mapping):
                    made.update(found)
            return made

        return resolve

    def transform(self, options: Mapping[str, Any]) -> Resolver:
        """Compile ``@transform``: map what another mapping makes."""
        apply = self.value(options["apply"])
        mapping = self.value(options["mapping"])
        return lambda data: mapping(apply(data))

    def exclude_when_null(self, value: Any) -> Resolver:
        """Compile ``@excludeWhenNull``: nothing for null, and no nulls inside."""
        inner = self.value(value)

        def resolve(data: Any) -> Any:
            found = inner(data)
            return MISSING if found is None or found is MISSING else _without_nulls(found)

        return resolve

    def liquid(self, value: str) -> Resolver:
        """Compile ``@liquid``: a Liquid template, within Segment's limits."""
        from destination_core.mapping.liquid import compile_liquid  # noqa: PLC0415

        return compile_liquid(value, self._now)


DIRECTIVES: Final[Mapping[str, Callable[[Compiler, Any], Resolver]]] = {
    "@if": Compiler.if_,
    "@case": Compiler.case,
    "@replace": Compiler.replace,
    "@arrayPath": Compiler.array_path,
    "@path": Compiler.path,
    "@template": Compiler.template,
    "@literal": Compiler.literal,
    "@flatten": Compiler.flatten,
    "@json": Compiler.json,
    "@merge": Compiler.merge,
    "@transform": Compiler.transform,
    "@excludeWhenNull": Compiler.exclude_when_null,
    "@liquid": Compiler.liquid,
}


def object_of(members: Sequence[Member]) -> Resolver:
    """Return what makes an object of its members."""
    steps = tuple((one.key, one.resolve, one.constant) for one in members)

    def resolve(data: Any) -> Any:
        made: dict[str, Any] = {}
        key = ""
        try:
            for key, resolver, constant in steps:
                if resolver is None:
                    made[key] = constant
                else:
                    found = resolver(data)
                    if found is not MISSING:
                        made[key] = found
        except Fault as fault:
            fault.path.insert(0, key)
            raise
        return made

    return resolve


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | list | tuple)


def _constant(value: Any) -> Resolver:
    return lambda _: value


def _missing(_: Any) -> Any:
    return MISSING


def _failing(message: str) -> Resolver:
    """Fail on every event: Segment accepts these mappings and fails when it resolves them."""

    def fail(_: Any) -> Any:
        raise Fault(message, always=True)

    return fail


def _expect_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Fault(f"{name}: expected string, got {type_name(value)}")
    return value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_nulls(one) for one in value if one is not None]
    return value


def _flatten(
    value: Any, prefix: str | None, separator: str, made: dict[str, Any], *, keep_arrays: bool
) -> None:
    members = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, one in members:
        name = str(key) if prefix is None else f"{prefix}{separator}{key}"
        nested = isinstance(one, Mapping) or (isinstance(one, list) and not keep_arrays)
        if nested:  # an empty container inside vanishes, as in the hosted engine
            _flatten(one, name, separator, made, keep_arrays=keep_arrays)
        else:
            made[name] = one
