"""Write and read JSON text as JavaScript does."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from destination_core.mapping.values import MISSING, number_text

_HALVES: Final = re.compile("[\ud800-\udfff]")
"""Halves of a character, which no UTF-8 can hold: they stay escaped."""


def encode(value: Any) -> str:
    """Write a value as JSON text: numbers in JavaScript's form, no blanks, no escaped letters.

    What is missing is left out of objects and null in lists; NaN and infinities are null.
    """
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=_HALVES.search(value) is not None)
    if isinstance(value, int | float):
        written = number_text(value)
        return "null" if written in ("NaN", "Infinity", "-Infinity") else written
    if isinstance(value, Mapping):
        members = [
            f"{encode(str(key))}:{encode(one)}" for key, one in value.items() if one is not MISSING
        ]
        return "{" + ",".join(members) + "}"
    return "[" + ",".join(encode(one) for one in value) + "]"


def decode(text: str) -> Any:
    """Read JSON text; raises ``ValueError`` when it is none (NaN is none)."""
    return orjson.loads(text)
