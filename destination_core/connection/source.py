"""Read a configuration file: YAML, TOML or JSON, with the place of every key."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from destination_core.errors import ConfigurationError

Location = tuple[str | int, ...]

FORMATS: Final = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
LARGEST: Final = 10_000_000
"""Bytes of a configuration file."""


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
    return {"yaml": _yaml, "toml": _toml, "json": _json}[kind](str(path), text)


def _yaml(path: str, text: str) -> Source:
    from ruamel.yaml import YAML  # noqa: PLC0415  slow to import, and only YAML needs it
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    try:
        loaded = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise ConfigurationError(f"{place}: not YAML: {error.problem or error.context}") from error
    except (YAMLError, RecursionError, ValueError) as error:
        said = " ".join(str(error).split())  # ruamel writes the place on a line of its own
        raise ConfigurationError(f"{path}: not YAML: {said}") from error
    positions: dict[Location, tuple[int, int]] = {}
    return Source(path, _plain(loaded, (), positions), lambda: positions)


def _plain(value: Any, location: Location, positions: dict[Location, tuple[int, int]]) -> Any:
    """Turn ruamel's values into plain ones, and note where their keys stand."""
    marks = getattr(value, "lc", None)
    if isinstance(value, Mapping):
        made = {}
        for key, one in value.items():
            there = (*location, str(key))
            if marks is not None:
                line, column = marks.key(key)
                positions[there] = (line + 1, column + 1)
            made[str(key)] = _plain(one, there, positions)
        return made
    if isinstance(value, list):
        items = []
        for index, one in enumerate(value):
            there = (*location, index)
            if marks is not None:
                line, column = marks.item(index)
                positions[there] = (line + 1, column + 1)
            items.append(_plain(one, there, positions))
        return items
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value.isoformat() if isinstance(value, date) else value


def _json(path: str, text: str) -> Source:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise ConfigurationError(f"{place}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{path}: is nested too deeply") from error
    return Source(path, data, cache(lambda: _json_positions(path, text)))


def _json_positions(path: str, text: str) -> Positions:
    """Return the places of keys: JSON is YAML, but for tabs. Only who made a mistake waits."""
    try:
        return _yaml(path, text.replace("\t", " ")).positions()
    except ConfigurationError:
        return {}


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
