"""A plugin of the tests that ends its process at a named point: as sudden as kill -9, and exact.

The product does not know of it: where it is not installed, nothing is asked and nothing is paid.
``POINT`` in the environment is a file: when it is there, it holds the name of the point.
"""

import functools
import os
import runpy
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import destination_core as dc
from destination_core.queue.books import Books
from destination_core.queue.letters import Letters
from destination_core.queue.marks import HighWater
from destination_core.queue.seen import Seen
from destination_core.queue.store import Store
from destination_core.runner.runner import Runner
from destination_core.runner.worker import Worker

CODE: Final = 77
"""The exit code, to be told from others."""


@dc.hookimpl
def attempt_finished(attempt: dc.Attempt) -> None:
    """Come between a destination's answer and its settlement."""
    _answered()


def _answered() -> None:
    """Do nothing, unless the process is to end here."""


@dataclass(frozen=True)
class Point:
    """Before or after a method.

    At one where ``repeats`` is true the destination has the events and the queue does not know
    it yet: they are delivered twice, whatever anybody does.
    """

    title: str
    owner: type | ModuleType
    method: Callable[..., Any]
    after: bool = False
    repeats: bool = False


INTAKE: Final[Mapping[str, Point]] = {
    "remembered": Point("between messageId and event", Seen, Seen.remember, after=True),
    "put": Point("before the commit of new events", Store, Store.put, after=True),
    "marking": Point("between that commit and the mark", HighWater, HighWater.raise_to),
    "marked": Point("between mark and answer", HighWater, HighWater.raise_to, after=True),
}
DELIVERY: Final[Mapping[str, Point]] = {
    "claim": Point("before the commit of a claim", Store, Store.claim, after=True),
    "claimed": Point("between claim and request", Worker, Worker._deliver),
    "answered": Point(
        "between answer and settlement", sys.modules[__name__], _answered, repeats=True
    ),
    "removed": Point("within a settlement", Store, Store._remove, after=True, repeats=True),
    "settled": Point("after a settlement", Runner, Runner._observe),
}
DEATH: Final[Mapping[str, Point]] = {
    "dying": Point("between end of the job and dead letter", Store, Store._remove, after=True),
    "buried": Point("between dead letter and commit", Letters, Letters.bury, after=True),
}
START: Final[Mapping[str, Point]] = {
    "released": Point("within the recovery at start", Store, Store.release, after=True),
    "expired": Point("within the upkeep", Books, Books.expire, after=True),
}
REVIVAL: Final[Mapping[str, Point]] = {
    "revived": Point("within `dead retry`", Letters, Letters.revive, after=True),
}
POINTS: Final = {**INTAKE, **DELIVERY, **DEATH, **START, **REVIVAL}


def _arm(name: str, point: Point, file: Path) -> None:
    def is_meant() -> bool:
        return file.exists() and file.read_text("utf-8") == name

    # a point before it and one after it may share a method: each wraps what it finds there
    method = getattr(point.owner, point.method.__name__)

    @functools.wraps(method)
    def deadly(*arguments: Any, **named: Any) -> Any:
        if not point.after and is_meant():
            os._exit(CODE)
        result = method(*arguments, **named)
        if point.after and result != [] and is_meant():  # a claim of nothing is none
            os._exit(CODE)
        return result

    setattr(point.owner, point.method.__name__, deadly)


if "POINT" in os.environ:
    for _name, _point in POINTS.items():
        _arm(_name, _point, Path(os.environ["POINT"]))

if __name__ == "__main__":  # before a program: `dead` loads no plugins, and so not this one
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
