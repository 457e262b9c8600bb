"""Paths into an event: ``$.properties['a.b'][0]``, split and compiled."""

import re
from collections.abc import Mapping
from typing import Any, Final

from destination_core.mapping.values import MISSING, Resolver

QUOTED_KEY: Final = r"""\[\s*(?:'[^']*'|"[^"]*")\s*\]"""
"""A key in brackets, in which dots divide nothing."""

_PART: Final = re.compile(
    r"""\[(?:\s*(?:'([^']*)'|"([^"]*)")\s*|([0-9]+))\]"""
    rf"""|((?:(?!{QUOTED_KEY}|\[[0-9]+\])[^.])+)"""
)


def keys_of(path: str) -> tuple[str, ...]:
    """Split a path into its keys: ``$.a['b.c'][0]`` is a, b.c, 0; none for the whole.

    Brackets around anything but a number or a quoted text belong to the key.
    """
    if path == "$" or path.startswith(("$.", "$[")):
        path = path[1:]
    return tuple(
        next(part for part in match.groups() if part is not None) for match in _PART.finditer(path)
    )


def get(value: Any, keys: tuple[str, ...]) -> Any:
    """Return what is at the end of a path in plain data, or MISSING.

    A null or a scalar has no members; a list has its items only, by number.
    """
    if value is None:
        return None  # the hosted engine's answer to any path into null
    for key in keys:
        if isinstance(value, Mapping):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 10:  # noqa: PLR2004
            index = int(key)
            value = value[index] if index < len(value) and str(index) == key else MISSING
        else:
            return MISSING
    return value


def getter(path: str) -> Resolver:
    """Compile a path; the usual lengths have no loop."""
    keys = keys_of(path)
    if not keys:
        return lambda data: data
    if len(keys) == 1:
        (key,) = keys
        return lambda data: data.get(key, MISSING) if type(data) is dict else get(data, keys)
    if len(keys) == 2:  # noqa: PLR2004  properties.x
        first, second = keys

        def two(data: Any) -> Any:
            if type(data) is dict:
                parent = data.get(first)
                if type(parent) is dict:
                    return parent.get(second, MISSING)
            return get(data, keys)

        return two
    return lambda data: get(data, keys)
