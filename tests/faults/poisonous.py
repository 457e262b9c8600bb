"""A destination whose handler misbehaves for some events, in every way that a plugin can."""

import asyncio
import ctypes
import os
import sys
from enum import StrEnum

import destination_core as dc
from tests.faults import target

EVERY = 100
"""Of so many events one is poison, and another one odd and harmless; unless SPACING says more."""

SPACING = "POISON_EVERY"
"""A variable of the environment."""


class Kind(StrEnum):
    """What the handler does with a poisonous event."""

    RAISE = "raises"
    SEGFAULT = "segfaults"
    HANG = "waits for ever"
    EXIT = "calls sys.exit"
    BLOCK = "blocks the event loop"
    CANCEL = "cancels itself"


FATAL = (Kind.SEGFAULT, Kind.BLOCK)
"""Those that nobody in the process can survive."""


def kind(number: int, every: int) -> Kind | None:
    """Return how an event is poisonous, None when it is not."""
    turn, place = divmod(number, every)
    return list(Kind)[turn % len(Kind)] if place == every // 2 else None


@dc.action("scribble", subscribe='type = "track"')
async def scribble(_: dc.Context[target.Settings], entry: target.Entry) -> None:
    """Change what it was given, all the way down: the other subscription must not see it."""
    entry.body["text"] = "scribbled"
    entry.body["flags"][2][1]["deep"].clear()


@dc.action("take", subscribe='type = "track"')
async def take(ctx: dc.Context[target.Settings], entry: target.Entry) -> object:
    """Post one entry, unless it is poison; return 100 MB now and then."""
    number = int(entry.body["number"])
    every = int(os.environ.get(SPACING, EVERY))
    match kind(number, every):
        case Kind.RAISE:
            raise ZeroDivisionError("a bug of the plugin")
        case Kind.SEGFAULT:
            ctypes.string_at(0)
        case Kind.HANG:
            await asyncio.Event().wait()
        case Kind.EXIT:
            sys.exit("the plugin has had enough")
        case Kind.BLOCK:
            while True:
                pass
        case Kind.CANCEL:
            raise asyncio.CancelledError
    await ctx.http.post("", json=[entry.model_dump()])
    return bytes(100_000_000) if number % every == 0 else None


@dc.hookimpl
def register_destination() -> dc.Destination[target.Settings]:
    return dc.Destination(
        "poisonous", title="Poisonous", settings=target.Settings, actions=[scribble, take]
    )


@dc.hookimpl
def extend_request(settings: target.Settings) -> dc.RequestOptions:
    return target.extend_request(settings)
