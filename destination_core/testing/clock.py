"""A clock that tests turn by hand."""


class Clock:
    """Gives the same Unix seconds until it is told otherwise; ``Engine(clock=…)`` takes it."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
