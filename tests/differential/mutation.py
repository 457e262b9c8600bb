"""Make new cases out of recorded ones."""

import copy
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from random import Random
from typing import Any, Final

from tests.conformance.verdict import Vector

Path = tuple[str | int, ...]

ODD: Final[Sequence[Any]] = (
    None, True, False, 0, 1, -1, 2.5, 1e21, 1e-7, 9007199254740992, "", " ", "0", "1", "-1", "1e3",
    "007", "true", "null", "abc", "Ünï 日本 🎈", "a.b", "a@b.co", "2022-03-04",
    "2022-03-04T05:06:07Z", "2022-03-04T05:06:07.123456789+02:00",
    "1646370367", "1646370367123", 1646370367, [], [1],
    ["a", "b"], [[1]], [{"a": 1}], {}, {"a": None}, {"a": {"b": [1, {"c": 2}]}},
)  # fmt: skip
"""Values that something takes another way through the engine."""

WILD: Final = frozenset({"data", "event", "events", "payload"})
"""Members whose insides may become anything; elsewhere a value becomes one of its like."""

FIXED: Final = frozenset({"op", "mode", "now_ms", "tz", "report_mapping", "bare"})
LETTERS: Final = " .$'\"[]{}()*!=|:@\\/-_0aé🎈\n"


class Mutations:
    """Recorded inputs, changed in a few places; a seed gives the same ones every time."""

    def __init__(self, vectors: Sequence[Vector], random: Random) -> None:
        self._vectors = vectors
        self._random = random
        self._values: dict[Hashable, list[Any]] = defaultdict(list)
        for vector in vectors:
            for path, value in walk(vector["input"]):
                if path:
                    self._values[_place(vector["feature"], path, value)].append(value)

    def cases(self, count: int) -> Iterator[Vector]:
        """Yield vectors without a result."""
        for _ in range(count):
            base = self._random.choice(self._vectors)
            given = copy.deepcopy(dict(base["input"]))
            for _ in range(self._random.choice((1, 1, 1, 2, 2, 3))):
                self._change(given, base["feature"])
            yield {**{key: base[key] for key in ("id", "kind", "feature")}, "input": given}

    def _change(self, given: Any, feature: str) -> None:
        path = self._random.choice([one for one, _ in walk(given) if one and one[0] not in FIXED])
        parent: Any = given
        for step in path[:-1]:
            parent = parent[step]
        key: Any = path[-1]
        dice = self._random.random()
        likes = self._values[_place(feature, path, parent[key])]
        if likes and (not _is_inside(path) or dice < 0.55):
            parent[key] = copy.deepcopy(self._random.choice(likes))
        elif not _is_inside(path):
            return
        elif dice < 0.75:
            parent[key] = copy.deepcopy(self._random.choice(ODD))
        elif dice < 0.85:
            del parent[key]
        elif isinstance(parent, list):
            parent.insert(self._random.randrange(len(parent) + 1), copy.deepcopy(parent[key]))
        else:
            parent[key] = self._mangled(parent[key])

    def _mangled(self, value: Any) -> Any:
        if isinstance(value, str) and value:
            at, dice = self._random.randrange(len(value) + 1), self._random.random()
            if dice < 0.3:
                return value[:at] + value[at + 1 :]
            if dice < 0.6:
                return value[:at] + self._random.choice(LETTERS) + value[at:]
            return value.upper() if dice < 0.8 else [value]
        if isinstance(value, list):
            return value[0] if value else {}
        return [value] if isinstance(value, dict) else str(value)


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value with its path, the whole first."""
    yield path, value
    members: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for key, item in members:
        yield from walk(item, (*path, key))


def _is_inside(path: Path) -> bool:
    """Tell whether a place is inside an event or a payload, not one itself."""
    return path[0] in WILD and len(path) > (2 if path[0] == "events" else 1)


def _place(feature: str, path: Path, value: Any) -> Hashable:
    """Say what may stand for a value: in events anything of that name, elsewhere its like."""
    if _is_inside(path):
        return feature, path[-1]
    return feature, path[0], len(path), path[-1], type(value)
