"""Liquid templates, with Segment's limits and liquidjs's habits, on python-liquid.

Loaded only when a mapping uses ``@liquid``. The limits are Segment's: 1,000 characters, 500 ms,
bounded memory, no loops and no template inclusion (so a template cannot run for long).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.template import BoundTemplate
from liquid.token import Token

from destination_core.mapping.liquid_blocks import BLOCK_TAGS
from destination_core.mapping.liquid_context import Context
from destination_core.mapping.liquid_lexer import template_tokens
from destination_core.mapping.liquid_tags import VALUE_TAGS
from destination_core.mapping.values import Fault, Resolver

LONGEST: Final = 1_000
"""Characters of a template."""

MOST_OUTPUT: Final = 1_000_000
"""Bytes that a template may write or keep in variables."""

LIQUID_CODE: Final = "LIQUID_ERROR"


class _Environment(Environment):
    """python-liquid with liquidjs's tags and Segment's limits."""

    suppress_blank_control_flow_blocks = False
    output_stream_limit = MOST_OUTPUT
    local_namespace_limit = MOST_OUTPUT

    def setup_tags_and_filters(self, **_: bool) -> None:
        """Add the tags; the expressions know their filters."""
        for tag in (*VALUE_TAGS, *BLOCK_TAGS):
            self.add_tag(tag)

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        """Return what cuts a template."""
        return template_tokens


def compile_liquid(source: str, now: Callable[[], datetime]) -> Resolver:
    """Compile a template; what is wrong with it shows on each event, as in the hosted engine."""
    fault = ""
    template: BoundTemplate | None = None
    if len(source) > LONGEST:
        fault = f"liquid template has {len(source):,} characters; at most {LONGEST:,} are accepted"
    else:
        try:
            template = _parsed(source)
        except LiquidError as error:
            fault = _plain(error)

    def render(data: Any) -> Any:
        if template is None:
            raise Fault(fault, LIQUID_CODE, always=True)
        values = dict(data) if isinstance(data, Mapping) else {}
        try:
            context = Context(template, values, now)
            buffer = context.get_buffer()
            template.render_with_context(context, buffer)
            return buffer.getvalue()
        except LiquidError as error:
            raise Fault(_plain(error), LIQUID_CODE) from None
        except (ArithmeticError, ValueError, TypeError, AttributeError, LookupError) as error:
            raise Fault(f"liquid template fails: {error}", LIQUID_CODE) from None
        except RecursionError:
            message = "liquid template, or what it writes, is nested too deeply"
            raise Fault(message, LIQUID_CODE) from None

    return render


@lru_cache(maxsize=1024)
def _parsed(source: str) -> BoundTemplate:
    return _environment().from_string(source)


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    return _Environment()


def _plain(error: LiquidError) -> str:
    """Return the first line: python-liquid's others repeat the template."""
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


__all__ = ["LONGEST", "compile_liquid"]
