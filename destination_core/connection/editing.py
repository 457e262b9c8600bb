"""Write single values into a configuration file, and leave the rest as it stands."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from destination_core.connection.source import FORMATS, Location
from destination_core.errors import ConfigurationError

INDENTED: Final = re.compile(r"^( +)[^\s#-]", re.MULTILINE)
"""The first line that is an object's, and under a key: how far people indent them in a file."""


class _Dump(Protocol):
    def __call__(self, document: Any) -> str: ...


class Editor:
    """A configuration file that values are written into: comments, order and quotes stay.

    YAML and JSON only: Python has no writer of TOML that would keep comments. Raises
    ``ConfigurationError`` for another kind of file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        kind = FORMATS.get(path.suffix.lower())
        if kind not in {"yaml", "json"}:
            raise ConfigurationError(
                f"{path}: only YAML and JSON can be written into; what is to be kept would be lost"
            )
        self._document, self._dump = (_yaml if kind == "yaml" else _json)(self._path)

    def set(self, location: Location, value: Any) -> None:
        """Set one value, and write the file at once: what is kept must survive a crash.

        Objects on the way that are not there are made; lists must be long enough.
        """
        place: Any = self._document
        for step in location[:-1]:
            if isinstance(place, Mapping) and place.get(step) is None:
                place[step] = {}  # type: ignore[index]  # ruamel's is mutable
            place = place[step]
        place[location[-1]] = value
        self._write(self._dump(self._document))

    def subscriptions(self, destination: str) -> Sequence[Mapping[str, Any]]:
        """Return the subscriptions of a destination, as they stand in the file."""
        found = self._document["destinations"][destination].get("subscriptions") or []
        return list(found)

    def _write(self, text: str) -> None:
        mode = self._path.stat().st_mode & 0o777
        fresh = self._path.with_name(f".{self._path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def name_of(subscription: Mapping[str, Any]) -> str:
    """Return the name by which a subscription in the file is known."""
    keys = ("name", "preset", "action", "partnerAction", "actionSlug")
    return str(next((subscription[key] for key in keys if subscription.get(key)), ""))


def _yaml(path: Path) -> tuple[Any, _Dump]:
    from io import StringIO  # noqa: PLC0415  with its only user

    from ruamel.yaml import YAML  # noqa: PLC0415  slow to import, and only YAML needs it
    from ruamel.yaml.util import load_yaml_guess_indent  # noqa: PLC0415

    text = path.read_text("utf-8-sig")
    _, indent, offset = load_yaml_guess_indent(text)
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 4_096  # long lines stay long
    offset = offset or 0
    nested = INDENTED.search(text)
    mapping = len(nested[1]) if nested else 2
    yaml.indent(mapping=mapping, sequence=max(indent or 2, offset + 2), offset=offset)

    def dump(document: Any) -> str:
        written = StringIO()
        yaml.dump(document, written)
        return written.getvalue()

    return yaml.load(text), dump


def _json(path: Path) -> tuple[Any, _Dump]:
    def dump(document: Any) -> str:
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    return json.loads(path.read_text("utf-8-sig")), dump
