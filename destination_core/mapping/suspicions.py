"""What is legal in a mapping and probably not meant, to be told before the first event."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from destination_core.mapping.paths import QUOTED_KEY

_BRACES: Final = re.compile(r"\{\{|\}\}")
_FILLED: Final = re.compile(r"\{\{\{[^{}]+\}\}\}|\{\{[^{}]+\}\}")
_QUOTED: Final = re.compile(QUOTED_KEY)
_MARKUP: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_TEXT: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_FILTER: Final = re.compile(r"\|\s*([A-Za-z_]\w*)")
_REFERENCE: Final = re.compile(r"\$\{(?:env|file):[^}]*\}")


def suspicions(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield where in a mapping something looks like a slip, and what."""
    yield from _slips(value, path)
    yield from _references(value, path)


def _slips(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        template, source = value.get("@template"), value.get("@path")
        if isinstance(liquid := value.get("@liquid"), str):
            yield from ((path, slip) for slip in _filters(liquid))
        if isinstance(template, str) and _BRACES.search(_FILLED.sub("", template)):
            yield path, f"template {template!r} has braces without their other half"
        if isinstance(source, str) and _has_gap(source):
            yield path, f"path {source!r} has nothing between two dots, or at its end"
        if "@literal" in value:
            return
        for key, one in value.items():
            yield from _slips(one, f"{path}/{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _slips(one, f"{path}/{index}")


def _has_gap(path: str) -> bool:
    plain = _QUOTED.sub("", path)
    return ".." in plain or (plain.endswith(".") and plain != "$.")


def _filters(liquid: str) -> Iterator[str]:
    from destination_core.mapping.liquid_filters import (  # noqa: PLC0415  loads python-liquid
        DISABLED,
        FILTERS,
    )

    markup = "".join(_MARKUP.findall(liquid))
    for name in dict.fromkeys(_FILTER.findall(_TEXT.sub("", markup))):
        if name in DISABLED:
            yield f"filter {name!r} is disabled; an event that comes to it is rejected"
        elif name not in FILTERS:
            yield f"filter {name!r} is unknown, and leaves what it is given"


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Find what looks like a secret's reference, also in constants: nobody sends one as it is."""
    if isinstance(value, str):
        for reference in _REFERENCE.findall(value):
            yield path, f"{reference} is sent as it stands; references are resolved in settings"
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _references(one, f"{path}/{key}")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _references(one, f"{path}/{index}")
