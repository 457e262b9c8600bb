"""Texts with `{{path}}` placeholders."""

import re
from collections.abc import Sequence
from typing import Any, Final

from destination_core.mapping.json_text import encode
from destination_core.mapping.paths import getter
from destination_core.mapping.values import MISSING, Resolver, text

_PLACEHOLDER: Final = re.compile(r"\{\{\{([^}]+)\}\}\}|\{\{([^}]+)\}\}")


def compile_template(template: str) -> Resolver:
    """Compile a template; it is filled in one pass, so data is never read as a template.

    Missing and null become nothing, numbers are written as JavaScript does, lists with commas, and
    objects, also those in a list, as JSON. Two braces and three mean the same: nothing is escaped.
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
    if shown is None and isinstance(value, list | tuple):
        shown = _with_commas(value)
    return encode(value) if shown is None else shown


def _with_commas(items: Sequence[Any]) -> str | None:
    """Write a list as JavaScript does; None when there is an object in it."""
    texts = []
    for item in items:
        if isinstance(item, list | tuple):
            shown = _with_commas(item)
        else:
            shown = "" if item is None else text(item)
        if shown is None:
            return None
        texts.append(shown)
    return ",".join(texts)


def _nothing(_: Any) -> Any:
    return MISSING
