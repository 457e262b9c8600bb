"""What became of everything that was read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")

PLACES: Final = 100
"""Places that are kept of each reason."""

REASONS: Final = 5_000
"""Different reasons, and warnings, that are kept: some name a value, each time another."""

OTHERS: Final = "one of too many different reasons to list"
"""What those beyond them are counted as."""


class Reason(NamedTuple):
    """Why events did not arrive, and at whom; nobody is named where no subscription had them."""

    status: str
    reason: str
    destination: str = ""
    subscription: str = ""


@dataclass(slots=True)
class Report:
    """What became of everything that was read."""

    events: int = 0
    unreadable: int = 0
    filtered: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    places: dict[Reason, list[str]] = field(default_factory=dict)

    def blame(self, place: str, why: Reason) -> None:
        """Count a reason, and remember where it came up."""
        why = _listed(why, self.reasons, Reason(why.status, OTHERS))
        self.reasons[why] += 1
        places = self.places.setdefault(why, [])
        if len(places) < PLACES:
            places.append(place)

    def warn(self, warnings: Iterable[str]) -> None:
        """Count what was changed on the way."""
        for one in warnings:
            self.warnings[_listed(one, self.warnings, OTHERS)] += 1

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "events": self.events,
            "unreadable": self.unreadable,
            "filtered": self.filtered,
            "outcomes": dict(self.outcomes),
            "reasons": [
                {**why._asdict(), "count": count, "places": self.places[why]}
                for why, count in self.reasons.most_common()
            ],
            "warnings": dict(self.warnings.most_common(50)),
        }


def _listed(one: T, counted: Counter[T], otherwise: T) -> T:
    """Return what one is counted as: itself, while there are not too many."""
    return one if one in counted or len(counted) < REASONS else otherwise
