"""Texts with `{{path}}` placeholders."""

import re
from typing import Any, Final

from destination_core.mapping.json_text import encode
from destination_core.mapping.values import MISSING, Resolver, getter, text

_PLACEHOLDER: Final = re.compile(r"\{\{\{([^}]+)\}\}\}|\{\{([^}]+)\}\}")


def compile_template(template: str) -> Resolver:
    """Compile a template; it is filled in one pass, so data is never read as a template.

    Missing and null become nothing, numbers are written as JavaScript does, objects and lists as
    JSON. Two braces and three mean the same: nothing is escaped.
    """
    pieces: list[str] = []
    getters: list[Resolver] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        pieces.append(template[end : match.start()])
        path = (match[1] or match[2]).strip()
        getters.append(getter(path) if path else _nothing)
        end = match.end()
    tail = template[end:]
    if not getters:
        return lambda _: template
    if len(getters) == 1:
        head, get = pieces[0], getters[0]
        return lambda data: head + _shown(get(data)) + tail
    pairs = tuple(zip(pieces, getters, strict=True))
    return lambda data: "".join([head + _shown(get(data)) for head, get in pairs]) + tail


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return ""
    shown = text(value)
    return encode(value) if shown is None else shown


def _nothing(_: Any) -> Any:
    return MISSING
