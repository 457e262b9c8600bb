"""Read YAML into plain data, and note where every key stands.

The nodes of ruamel's composer are read here, not its values: they know their places, also those of
keys that are merged in (``<<``), and what a tag would run is never made.
"""

import warnings
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from destination_core.errors import ConfigurationError

Location = tuple[str | int, ...]

CORE: Final = "tag:yaml.org,2002:"
"""What the tags of YAML's own types begin with."""

TEXTS: Final = frozenset({f"{CORE}str", f"{CORE}timestamp", f"{CORE}value"})
"""Tags of what is taken as it is written: a date is a text, as it is in JSON."""

MERGE: Final = f"{CORE}merge"

SCALARS: Final = frozenset({f"{CORE}{one}" for one in ("null", "bool", "int", "float")})

UNFOLDED: Final = 200_000
"""Values that aliases may unfold a file to, where it does not have more characters than that."""

Pairs = dict[str, tuple[Node, Node]]


def read_yaml(
    path: str, text: str, kind: str = "YAML"
) -> tuple[Any, dict[Location, tuple[int, int]]]:
    """Return the data of a text, and line and column of each key and item, both from 1.

    Raises ``ConfigurationError`` with the place of a mistake and no value: it may be a secret.
    ``kind`` is what the text is called there.
    """
    yaml = YAML(typ="safe", pure=True)
    reader = _Reader(path, kind, yaml, max(UNFOLDED, len(text)))
    try:
        with warnings.catch_warnings(action="ignore", category=ReusedAnchorWarning):  # YAML 1.2
            root = yaml.compose(text)
        return (None if root is None else reader.value(root, ())), reader.positions
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        said = error.problem or error.context
        raise ConfigurationError(f"{place}: not {kind}: {said}") from None  # it quotes the line
    except RecursionError as error:
        raise ConfigurationError(
            f"{path}: not {kind}: it is nested too deeply, or an alias is inside of its own anchor"
        ) from error
    except (YAMLError, ValueError) as error:
        said = " ".join(str(error).split())  # ruamel writes the place on a line of its own
        raise ConfigurationError(f"{path}: not {kind}: {said}") from error


class _Reader:
    """Makes plain values of nodes; ``most`` is how many there may be, aliases unfolded."""

    def __init__(self, path: str, kind: str, yaml: YAML, most: int) -> None:
        self.positions: dict[Location, tuple[int, int]] = {}
        self._path = path
        self._kind = kind
        self._yaml = yaml
        self._most = self._left = most
        self._known: dict[int, Pairs] = {}

    def value(self, node: Node, location: Location) -> Any:
        """Return what a node stands for."""
        self._left -= 1
        if self._left < 0:
            self._refuse(node, f"aliases unfold to more than {self._most:,} values")
        if isinstance(node, MappingNode) and node.tag == f"{CORE}map":
            return {
                name: self._member(key, one, (*location, name))
                for name, (key, one) in self._pairs(node).items()
            }
        if isinstance(node, SequenceNode) and node.tag == f"{CORE}seq":
            items = enumerate(node.value)
            return [self._member(one, one, (*location, index)) for index, one in items]
        if isinstance(node, ScalarNode) and node.tag in TEXTS:
            return node.value
        if isinstance(node, ScalarNode) and node.tag in SCALARS:
            return self._scalar(node)
        return self._refuse(node, f"tag {_short(node)} is unknown here; take it out")

    def _member(self, key: Node, node: Node, location: Location) -> Any:
        self.positions[location] = key.start_mark.line + 1, key.start_mark.column + 1
        return self.value(node, location)

    def _scalar(self, node: ScalarNode) -> Any:
        try:
            return self._yaml.constructor.construct_object(node)
        except (ValueError, LookupError):  # their words quote the value
            return self._refuse(node, f"the value is not what {_short(node)} says")

    def _pairs(self, node: MappingNode) -> Pairs:
        """Return the members of a mapping by name: its own, then those that are merged in."""
        known = self._known.get(id(node))
        if known is not None:
            return known
        own: Pairs = {}
        merged: Pairs = {}
        places: dict[str, Node] = {}
        for key, value in node.value:
            merges = key.tag == MERGE
            name = "<<" if merges else self._name(key)
            self._note(name, key, places)
            if merges:
                for one in self._merged(value):
                    merged = self._pairs(one) | merged  # the first that has a key gives it
            else:
                own[name] = key, value
        pairs = own | {name: pair for name, pair in merged.items() if name not in own}
        self._known[id(node)] = pairs
        return pairs

    def _note(self, name: str, key: Node, places: dict[str, Node]) -> None:
        """Refuse a key that is there for the second time: neither value is shown."""
        if name in places:
            mark = places[name].start_mark
            where = f"line {mark.line + 1}, column {mark.column + 1}"
            self._refuse(key, f"key {name!r} is there twice, first in {where}")
        places[name] = key

    def _merged(self, node: Node) -> Iterator[MappingNode]:
        for one in node.value if isinstance(node, SequenceNode) else (node,):
            if not isinstance(one, MappingNode):
                self._refuse(one, "`<<` takes a mapping, or a list of mappings")
            yield one

    def _name(self, key: Node) -> str:
        if isinstance(key, ScalarNode) and key.tag in TEXTS:
            return str(key.value)
        return self._refuse(key, "a name must be a text; quote what looks like something else")

    def _refuse(self, node: Node, message: str) -> NoReturn:
        mark = node.start_mark
        place = f"{self._path}:{mark.line + 1}:{mark.column + 1}"
        raise ConfigurationError(f"{place}: not {self._kind}: {message}") from None


def _short(node: Node) -> str:
    return str(node.tag).replace(CORE, "!!")
