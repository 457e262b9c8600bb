"""Scripted faults: what the network and a bad day do to requests."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson
from pydantic import TypeAdapter

from destination_customerio.simulator.answers import Answer


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, for some requests.

    ``times`` requests (None: all of them) whose path starts with ``path`` and whose method is
    ``method`` are hit; ``share`` is the part of them that is, 0 to 1. A hit request waits
    ``delay`` seconds. Then: with ``reset`` the connection is cut; with ``status`` that status is
    answered, with ``headers`` and ``body`` (JSON, or a text sent as it is); with ``refuse`` the
    batch items at those indexes are refused in a 207 and the others accepted; otherwise, the
    answer is the usual one. ``applied`` lets a request take effect although its answer is lost.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = ""
    delay: float = 0.0
    reset: bool = False
    refuse: tuple[int, ...] = ()
    applied: bool = False
    times: int | None = 1
    share: float = 1.0
    path: str = "/"
    method: str | None = None

    @classmethod
    def from_json(cls, value: Any) -> "Fault":
        """Return the fault that a JSON object describes by the names above.

        Raises ``ValueError`` when it is no object, or has a name or a type that does not fit.
        """
        if not isinstance(value, dict):
            raise ValueError(f"a fault must be an object, got {value!r}")  # noqa: TRY004
        known = {one.name for one in fields(cls)}
        for name in value:
            if name not in known:
                raise ValueError(
                    f"fault: {name!r} is unknown; known are {', '.join(sorted(known))}"
                )
        return TypeAdapter(cls).validate_python(value)

    def answer(self) -> Answer | None:
        """Return the answer it makes, or None when the usual one is given."""
        if self.status is None:
            return None
        body = self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)
        return Answer(self.status, body, self.headers)

    def concerns(self, method: str, path: str) -> bool:
        """Tell whether a request is one of those it is for."""
        return path.startswith(self.path) and self.method in (None, method)


class Faults:
    """The faults in force, first added first hit; ``seed`` decides which requests a share is."""

    def __init__(self, seed: int = 0) -> None:
        self._left: list[tuple[Fault, int | None]] = []
        self._random = random.Random(seed)  # noqa: S311  a script, not a secret

    def __bool__(self) -> bool:
        return bool(self._left)

    def __len__(self) -> int:
        return len(self._left)

    def add(self, *faults: Fault) -> None:
        """Put faults in force, after those that are."""
        self._left.extend((fault, fault.times) for fault in faults)

    def clear(self) -> None:
        """Make everything work again."""
        self._left.clear()

    def hit(self, method: str, path: str) -> Fault | None:
        """Return the fault that this request runs into, if any, and count it."""
        for index, (fault, left) in enumerate(self._left):
            if not fault.concerns(method, path) or self._random.random() >= fault.share:
                continue
            if left is not None and left <= 1:
                del self._left[index]
            elif left is not None:
                self._left[index] = (fault, left - 1)
            return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        """Return the faults in force with the times they have left."""
        return [
            {one.name: getattr(fault, one.name) for one in fields(fault)} | {"times": left}
            for fault, left in self._left
        ]
