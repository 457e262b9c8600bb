"""Show what strangers wrote: nothing of it may steer a terminal, or look like another line."""

import re
from typing import Any, Final

import orjson

_DOUBTFUL: Final = re.compile(r"[^\n\x20-\x7e]")


def legible(value: object) -> str:
    r"""Return text on one line, each character that is not printable as an escape such as ``\x1b``.

    Those are controls, line ends, and what turns the direction of writing: what `str.isprintable`
    says no to. Anything but text is shown as JSON.
    """
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escape(one) for one in text)


def legible_json(value: Any, *, indented: bool = True) -> str:
    """Return a value as JSON that means the same to programs, and nothing to a terminal."""
    option = orjson.OPT_INDENT_2 if indented else None
    text = orjson.dumps(value, option=option, default=str).decode()
    return _DOUBTFUL.sub(lambda found: _json_escape(found[0]), text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _json_escape(character: str) -> str:
    """Return a character of a JSON string: there is no other one outside of ASCII."""
    if character.isprintable():
        return character
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))
