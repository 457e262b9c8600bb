"""Cases that nobody recorded, made from nothing, of the kinds that have much to vary."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final

from tests.conformance.verdict import Vector
from tests.differential.made import customerio, fields, liquid, mappings, triggers

MAKERS: Final[Mapping[str, tuple[Callable[[Random], Any], ...]]] = {
    "fql": (triggers.matched, triggers.parsed),
    "mapping": (liquid.template, liquid.template, mappings.mapping),
    "validation": (fields.payload, fields.date, fields.format_of_text),
    "customerio": (customerio.event, customerio.event, customerio.batch),
}


def made(kind: str, random: Random, count: int) -> Iterator[Vector]:
    """Yield vectors without a result; a seed gives the same ones every time."""
    for number in range(count):
        maker = random.choice(MAKERS[kind])
        feature = f"{maker.__module__.rpartition('.')[2]}-{maker.__name__}"
        yield {"id": f"{kind}.{number}", "kind": kind, "feature": feature, "input": maker(random)}
