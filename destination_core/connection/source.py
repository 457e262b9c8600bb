"""Read a configuration file: YAML, TOML or JSON, with the place of every key."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from destination_core.errors import ConfigurationError

Location = tuple[str | int, ...]

FORMATS: Final = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
LARGEST: Final = 10_000_000
"""Bytes of a configuration file."""

DEEPEST: Final = 200
"""Levels of a configuration file, whatever its format; a mapping has half of them at most."""

Positions = Mapping[Location, tuple[int, int]]
"""Line and column of each key."""


@dataclass(frozen=True, slots=True)
class Source:
    """A configuration file that was read: plain data, and how to find where each key stands."""

    path: str
    data: Any
    positions: Callable[[], Positions]

    def place(self, location: Location) -> str:
        """Return ``file:line:column`` of a key, or of the nearest one above it that is known."""
        found = self.position(location)
        return f"{self.path}:{found[0]}:{found[1]}" if found else str(self.path)

    def position(self, location: Location) -> tuple[int, int] | None:
        """Return line and column of a key, or of the nearest one above it that is known."""
        positions = self.positions()
        for length in range(len(location), -1, -1):
            found = positions.get(tuple(location[:length]))
            if found is not None:
                return found[0], found[1]
        return None


def read(path: Path) -> Source:
    """Read a file by its extension; raises ``ConfigurationError`` with the place of a mistake."""
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise ConfigurationError(
            f"{path}: configuration must end in {', '.join(FORMATS)},"
            f" got {path.suffix or 'nothing'!r}"
        )
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 at byte {error.start}") from error
    if len(content) > LARGEST:
        raise ConfigurationError(f"{path}: is larger than {LARGEST:,} bytes")
    source = {"yaml": _yaml, "toml": _toml, "json": _json}[kind](str(path), text)
    if _is_deeper(source.data, DEEPEST):
        raise ConfigurationError(f"{path}: is nested too deeply: more than {DEEPEST} levels")
    return source


def _is_deeper(value: Any, levels: int) -> bool:
    members = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in members)


def _yaml(path: str, text: str) -> Source:
    # slow to import, and only YAML needs it
    from destination_core.connection.yaml_text import read_yaml  # noqa: PLC0415

    data, positions = read_yaml(path, text)
    return Source(path, data, lambda: positions)


class _Twice(Exception):
    """A key of an object is there twice."""


def _json(path: str, text: str) -> Source:
    try:
        data = json.loads(text, object_pairs_hook=_members)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise ConfigurationError(f"{place}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{path}: is nested too deeply") from error
    except _Twice as error:
        _json_as_yaml(path, text)  # says where
        raise ConfigurationError(f"{path}: not JSON: key {error} is there twice") from None
    return Source(path, data, cache(lambda: _json_positions(path, text)))


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(repr(key))
        made[key] = value
    return made


def _json_positions(path: str, text: str) -> Positions:
    """Return the places of keys. Only who made a mistake waits."""
    try:
        return _json_as_yaml(path, text)
    except ConfigurationError:
        return {}


def _json_as_yaml(path: str, text: str) -> Positions:
    """Read JSON as YAML, which it is, but for tabs."""
    from destination_core.connection.yaml_text import read_yaml  # noqa: PLC0415

    return read_yaml(path, text.replace("\t", " "), "JSON")[1]


_TABLE: Final = re.compile(r"^\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_PAIR: Final = re.compile(
    r"^(\s*)((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'")


def _toml(path: str, text: str) -> Source:
    import tomllib  # noqa: PLC0415  only TOML needs it

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        place = f"{path}:{found[1]}:{found[2]}" if found else path
        said = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise ConfigurationError(f"{place}: not TOML: {said}") from error
    return Source(path, data, cache(lambda: _toml_positions(text)))


def _toml_positions(text: str) -> Positions:
    positions: dict[Location, tuple[int, int]] = {}
    table: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header, pair = _TABLE.match(line), _PAIR.match(line)
        if header:
            table = _resolved(_keys(header[2]), counts)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            positions[table] = (number, 1)
        elif pair:
            positions[(*table, *_keys(pair[2]))] = (number, len(pair[1]) + 1)
    return positions


def _keys(text: str) -> Location:
    return tuple(key.strip("\"'") for key in _KEY.findall(text))


def _resolved(keys: Location, counts: Mapping[Location, int]) -> Location:
    """Add the numbers of the arrays of tables that a header is inside of."""
    made: Location = ()
    for position, key in enumerate(keys):
        made = (*made, key)
        if made in counts and position < len(keys) - 1:
            made = (*made, counts[made])
    return made
