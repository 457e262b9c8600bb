"""References to secrets: `${env:NAME}` and `${file:PATH}`, resolved when a configuration loads."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from destination_core.schema import FieldSpec

REFERENCE: Final = re.compile(r"\$\{(?:(env|file):([^}]*)|([^}]*))\}")
LARGEST: Final = 65_536
"""Bytes of a file with a secret."""

SHORTEST: Final = 8
"""Shorter values of references are regions and numbers, not secrets; of a setting that is one,
shorter ones are."""


def variable_of(slug: str, setting: str) -> str:
    """Return the environment variable that a setting of a destination is suggested to be in."""
    return f"{slug}_{setting}".upper().replace("-", "_")


class Resolver:
    """Resolve references; ``faults`` collects (location, message) of those that lead nowhere.

    ``given`` collects what the others stand for. Files are relative to ``folder``, the
    configuration's; one trailing line end is not part of the secret.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._environment = environment
        self._folder = folder
        self.faults: list[tuple[tuple[str | int, ...], str]] = []
        self.given: set[str] = set()

    def resolve(self, value: Any, location: tuple[str | int, ...]) -> Any:
        """Return a value with every reference in its texts replaced."""
        if isinstance(value, str):
            return REFERENCE.sub(lambda match: self._one(match, location), value)
        if isinstance(value, dict):
            return {key: self.resolve(one, (*location, key)) for key, one in value.items()}
        if isinstance(value, list):
            return [self.resolve(one, (*location, n)) for n, one in enumerate(value)]
        return value

    def _one(self, match: re.Match[str], location: tuple[str | int, ...]) -> str:
        kind, name = match[1], match[2]
        if kind is None:
            return self._fault(location, f"{match[0]} is no reference; write ${{env:NAME}}")
        if not name.strip():
            what = "name" if kind == "env" else "path"
            return self._fault(location, f"there is no {what} in {match[0]}")
        finders: dict[str, Callable[[str, tuple[str | int, ...]], str]] = {
            "env": self._from_environment,
            "file": self._from_file,
        }
        found = finders[kind](name.strip(), location)
        self.given.add(found)
        return found

    def _from_environment(self, name: str, location: tuple[str | int, ...]) -> str:
        value = self._environment.get(name)
        if value is None:
            return self._fault(location, f"environment variable {name!r} is not set")
        if not value:
            return self._fault(location, f"environment variable {name!r} is empty")
        return value

    def _from_file(self, name: str, location: tuple[str | int, ...]) -> str:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
            if len(content) > LARGEST:
                return self._fault(location, f"file {name!r} is larger than {LARGEST:,} bytes")
            text = content.decode("utf-8")
        except OSError as error:
            return self._fault(location, f"file {name!r} cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            return self._fault(location, f"file {name!r} is not UTF-8")
        return text.removesuffix("\n").removesuffix("\r")

    def _fault(self, location: tuple[str | int, ...], message: str) -> str:
        self.faults.append((location, message))
        return ""


def concealed(given: Iterable[str]) -> frozenset[str]:
    """Return what must not be seen of the values of references, whatever settings they are in.

    Of a URL that is what follows its host, too: requests are told of without the scheme.
    """
    found: set[str] = set()
    for value in given:
        found.add(value)
        if "://" in value:
            found.update(_parts(value))
    return frozenset(one for one in found if len(one) >= SHORTEST)


def _parts(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that hold no address
        return
    yield parts.netloc.rpartition("@")[0]
    yield parts.path
    yield from (value for _, value in parse_qsl(parts.query))


def has_reference(value: Any) -> bool:
    """Tell whether a text has a reference in it, or any text within a value."""
    if isinstance(value, dict | list):
        return any(map(has_reference, value.values() if isinstance(value, dict) else value))
    return is_reference(value)


def is_reference(value: Any) -> bool:
    """Tell whether a text has a reference in it."""
    return isinstance(value, str) and REFERENCE.search(value) is not None


def unreferenced(
    fields: Sequence[FieldSpec], raw: Mapping[str, Any], here: tuple[str | int, ...]
) -> Iterator[tuple[str | int, ...]]:
    """Yield the places of secrets that stand in the settings themselves.

    A secret is a reference and nothing else; within an object of secrets, such as headers, there
    may be words beside it: `Bearer ${env:TOKEN}`.
    """
    for spec in fields:
        for key in sorted({spec.key, spec.attribute} & raw.keys()):
            value, place = raw[key], (*here, key)
            if spec.secret and isinstance(value, Mapping | list):
                yield from _plain(value, place)
            elif spec.secret and value is not None and not is_reference(value):
                yield place
            elif spec.properties and isinstance(value, Mapping):
                yield from unreferenced(spec.properties, value, place)


def _plain(value: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """Yield the places of texts and numbers without any reference."""
    if isinstance(value, Mapping | list):
        members = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, one in members:
            yield from _plain(one, (*place, key))
    elif value is not None and not has_reference(value):
        yield place
