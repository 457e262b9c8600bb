"""What a rendering knows beside the event, and its bounds: the time, and the size of a value."""

from collections.abc import Callable, Mapping
from datetime import datetime
from time import perf_counter
from typing import Any, Final

from liquid import RenderContext
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate

from destination_core.mapping.liquid_values import extent

SECONDS: Final = 0.5
"""Time to render a template."""

LONGEST: Final = 1_000_000
"""Characters of a text that a filter, a comparison or the output may get or make."""

MOST_ITEMS: Final = 50_000
"""Items of a list, with those of lists and objects in it, of which the same holds.

The clock is looked at between two steps and not within one: this many numbers are written in half
the time that there is.
"""


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


def check_extent(value: Any, where: str) -> None:
    """Raise ``LiquidError`` when a text or a list is too long to do anything with it.

    An object by itself passes: what it holds is not looked at.
    """
    if isinstance(value, str):
        if len(value) > LONGEST:
            message = f"{where}: text has more than {LONGEST:,} characters"
            raise LiquidError(message, token=None)
    elif isinstance(value, list) and extent(value, LONGEST, LONGEST // MOST_ITEMS) > LONGEST:
        message = f"{where}: list has more than {MOST_ITEMS:,} items or {LONGEST:,} characters"
        raise LiquidError(message, token=None)
