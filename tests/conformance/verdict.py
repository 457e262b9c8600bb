"""What a vector gave: the result of our engine, and the verdict on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Vector = Mapping[str, Any]
Kind = Literal["passed", "deviating", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Result:
    """What our engine made of a vector: ``expect`` or ``error``, shaped like the vector's.

    ``skipped`` gives the reason why this engine does not have what the vector is about;
    ``deviations`` names codes of ``docs/deviations.md`` that were needed to compare at all
    (a normalisation is a deviation too: it must be listed); ``argued`` is a listed code that
    explains the whole difference, for vectors that are no deviation candidates.
    """

    expect: Any = None
    error: Mapping[str, Any] | None = None
    skipped: str | None = None
    deviations: frozenset[str] = field(default_factory=frozenset)
    argued: str = ""


def unsupported(reason: str) -> Result:
    """Say that the vector is about something this engine does not do (yet)."""
    return Result(skipped=reason)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one vector; ``place`` is the first differing JSON pointer."""

    vector: str
    feature: str
    kind: Kind
    code: str = ""
    place: str = ""
    wanted: Any = None
    got: Any = None
    reason: str = ""
