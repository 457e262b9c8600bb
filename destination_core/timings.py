"""How long something took, counted as Prometheus's histograms are."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Timings:
    """How often something took how long; ``bounds`` are seconds, ascending.

    ``counts`` has one place per bound and one more, for what took longer; ``seconds`` is the sum of
    all.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0

    def add(self, seconds: float, many: int = 1) -> None:
        """Count so many that took so long each."""
        self.counts[bisect_left(self.bounds, seconds)] += many
        self.seconds += many * seconds

    @property
    def many(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def buckets(self) -> list[tuple[str, float]]:
        """Return the upper bounds, and how many took at most that long."""
        bounds = [*(str(float(one)) for one in self.bounds), "+Inf"]
        return list(zip(bounds, accumulate(self.counts), strict=True))
