"""What a rendering knows beside the event: its clock and its deadline."""

from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Any, Final

from liquid import RenderContext
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

SECONDS: Final = 0.5
"""Time to render a template."""


class Context(RenderContext):
    """One rendering; ``values`` are the first level of the event, and counters are kept in them."""

    def __init__(
        self, template: BoundTemplate, values: Mapping[str, Any], now: Callable[[], datetime]
    ) -> None:
        super().__init__(template, globals=values)
        self.now = now
        self.deadline = perf_counter() + SECONDS


def check_time(context: Any) -> None:
    """Raise ``LiquidError`` when the time is up; whatever may compute for long asks first."""
    if perf_counter() > context.deadline:
        raise LiquidError(f"template takes longer than {SECONDS * 1000:g} ms", token=None)
