"""Vectors of operation ``retry``: how often the engine makes an attempt, and what it reports.

The hosted engine has a function for it; here it is what ``dc.Retry`` makes an engine do with an
action that fails. An attempt that is not good enough raises, as the class of an error is the
policy: where the last one is not, the hosted engine takes it for a success (REQ-RETRY).
"""

import asyncio
from typing import Any, Final

import destination_core as dc
from tests.conformance.verdict import Result, Vector

USUAL: Final = 2
"""Attempts when nothing is said."""

NOT_GOOD: Final = "the answer is not good enough"

EVENT: Final = {"type": "track", "event": "e", "messageId": "m"}


class Nothing(dc.Payload):
    """What the action is given."""


class Watched:
    """An action with scripted outcomes; observes its own attempts."""

    def __init__(self, given: Vector) -> None:
        self._given = given
        self.failed: list[list[Any]] = []
        self.attempts = 0
        self.value: Any = None

    @dc.hookimpl
    def register_destination(self) -> dc.Destination[Any]:
        action = dc.Action("do", self.handler, payload=Nothing)
        return dc.Destination("watched", title="Watched", settings=dc.Settings, actions=[action])

    @dc.hookimpl
    def attempt_finished(self, attempt: dc.Attempt) -> None:
        if attempt.error is not None and str(attempt.error) != NOT_GOOD:
            self.failed.append([str(attempt.error), attempt.number])

    async def handler(self, ctx: dc.Context[Any], payload: Nothing) -> None:
        outcomes, good = self._given["outcomes"], self._given.get("should_retry")
        outcome = outcomes[min(self.attempts, len(outcomes) - 1)]
        self.attempts += 1
        if "throw" in outcome:
            stops = self._given.get("on_failed") == "rethrow"
            raise (dc.PermanentError if stops else dc.RetryableError)(outcome["throw"])
        self.value = outcome["value"]
        if good is not None and not good[min(self.attempts, len(good)) - 1]:
            raise dc.RetryableError(NOT_GOOD)


def run(given: Vector) -> Result:
    """Run one vector through the public engine."""
    return asyncio.run(_run(given))


async def _run(given: Vector) -> Result:
    watched = Watched(given)
    try:
        retry = dc.Retry(given.get("retries", USUAL), base=0)
    except dc.ConfigurationError as error:
        return Result(error={"messages": [str(error)], "attempts": 0, "failed": []})
    connection: dc.Connection[Any] = dc.Connection(
        "watched",
        dc.Registry.of(watched).relay("watched"),
        settings={},
        subscriptions=[dc.Subscription("Do", "do", 'type = "track"')],
    )
    async with dc.Engine([connection], retry=retry) as engine:
        (delivery,) = await engine.send(EVENT)
    # told of failures only where the vector asks for them
    failed = watched.failed if given.get("on_failed") else []
    made = {"attempts": watched.attempts, "failed": failed}
    if delivery.reason == NOT_GOOD:
        return Result(expect={"value": watched.value, **made}, deviations=frozenset({"REQ-RETRY"}))
    if delivery.error is not None:
        return Result(error={"message": delivery.reason, **made})
    return Result(expect={"value": watched.value, **made})
