"""What a fault is, and what became of running one."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Size(StrEnum):
    """How much of a fault is run: a few seconds of it within the tests, or all of it."""

    SHORT = "short"
    LONG = "long"


class Unavailable(Exception):
    """The machine lacks what a fault needs; the message says what."""


@dataclass(frozen=True)
class Demand:
    """What must hold, and what was seen.

    One that is ``timed`` speaks of the machine too: it is shown and judged by `make faults`, while
    the tests, which run on machines under load, do not assert it.
    """

    text: str
    held: bool
    seen: str
    timed: bool = False


@dataclass
class Result:
    """Figures in the order in which they are shown, and demands."""

    figures: dict[str, str | int | float] = field(default_factory=dict)
    demands: list[Demand] = field(default_factory=list)

    def demand(self, text: str, held: bool, seen: object = "", *, timed: bool = False) -> None:
        """Demand something; ``seen`` is shown beside it."""
        self.demands.append(Demand(text, held, str(seen), timed))

    @property
    def failed(self) -> list[Demand]:
        """Return the demands that did not hold."""
        return [one for one in self.demands if not one.held]


@dataclass(frozen=True)
class Fault:
    """A fault: ``limits`` says in a sentence what passes; ``run`` gets an empty folder."""

    id: str
    title: str
    limits: str
    run: Callable[[Size, Path], Coroutine[Any, Any, Result]]
