"""Attempts: how long they may take, and what their end is worth."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

import destination_core as dc
from destination_core.errors import PluginFault
from tests.sampled import IDENTIFY, connection, sample
from tests.scripted import ScriptedTransport

DO = dc.Subscription("Do", "do", 'type = "identify"')


async def test_a_handler_that_hangs_is_ended_by_its_deadline() -> None:
    """Its own event is to be tried again; nobody waits longer."""

    async def handler(ctx: Any, contact: Any) -> None:
        await asyncio.sleep(3600)

    one = connection(DO, plugin=sample(handler))
    async with dc.Engine([one], transport=ScriptedTransport(), deadline=0.05) as engine:
        (delivery,) = await engine.send(IDENTIFY)
    assert (delivery.status, delivery.reason) == ("retryable", "sample: do timed out")


async def swallowing() -> None:
    """Wait, and take a cancellation for the end of it."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)


async def excusing() -> None:
    """Wait, and make an error for good of a cancellation."""
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        raise dc.PermanentError("it hangs") from None


@pytest.mark.parametrize("waiting", [swallowing, excusing])
async def test_a_handler_that_swallows_its_deadline_has_not_delivered(
    waiting: Callable[[], Awaitable[None]],
) -> None:
    """Its time was up, whatever it made of that: alone and in a batch it is tried again."""

    async def handler(ctx: Any, contact: Any) -> None:
        await waiting()

    async def batch(ctx: Any, contacts: Sequence[Any]) -> None:
        await waiting()

    one = connection(DO, plugin=sample(handler, batch))
    async with dc.Engine([one], transport=ScriptedTransport(), deadline=0.05) as engine:
        settled = [*await engine.send(IDENTIFY)]
        settled += [made for (made,) in await engine.send_batch([IDENTIFY, IDENTIFY])]
    told = {(made.status, made.reason) for made in settled}
    assert told == {("retryable", "sample: do timed out")}


async def test_a_handler_that_swallows_a_cancellation_from_outside_has_not_delivered() -> None:
    """Whoever breaks a chunk off finds nothing on the board that may not have arrived."""

    async def handler(ctx: Any, contact: Any) -> None:
        await swallowing()

    board: list[list[dc.Delivery | None]] = [[], []]
    one = connection(DO, plugin=sample(handler))
    async with dc.Engine([one], transport=ScriptedTransport(), deadline=60) as engine:
        sending = asyncio.create_task(engine.send_batch([IDENTIFY, IDENTIFY], board=board))
        await asyncio.sleep(0.05)
        engine.break_off()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert board == [[None], [None]]


@pytest.mark.parametrize("batched", [False, True])
async def test_a_handler_may_cope_with_a_group_of_tasks_that_failed(batched: bool) -> None:
    """Python 3.11 and 3.12 leave a cancellation behind then, which is nobody's."""

    async def refuse() -> None:
        raise ValueError("no")

    async def handler(ctx: Any, contact: Any) -> None:
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(5))
                group.create_task(refuse())

    one = connection(DO, plugin=sample(handler, batch=handler if batched else None))
    async with dc.Engine([one], transport=ScriptedTransport(), deadline=60) as engine:
        for _ in range(2):
            ((delivery,),) = await engine.send_batch([IDENTIFY])
            assert delivery.status == "delivered"


async def test_a_deletion_that_hangs_is_ended_by_its_deadline() -> None:
    """It is to be tried again, like any other attempt, and gives its turn back."""

    async def handler(ctx: Any, contact: Any) -> None: ...

    async def on_delete(ctx: Any, deletion: Any) -> None:
        await asyncio.sleep(3600)

    one = connection(DO, plugin=sample(handler, on_delete=on_delete))
    engine = dc.Engine([one], transport=ScriptedTransport(), concurrency=1, deadline=0.05)
    async with engine, asyncio.timeout(10):
        for _ in range(2):
            (delivery,) = await engine.delete({"type": "delete", "userId": "u1"})
            assert delivery.status == "retryable"
            assert delivery.reason == "sample: on_delete timed out"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (dc.Outcome(dc.PermanentError("no")), "returned Outcome; a handler returns nothing and"),
        (dc.Outcome(), "returned Outcome"),
        (dc.RetryableError("later"), "returned RetryableError"),
        (ValueError("no"), "returned ValueError"),
        ([dc.Outcome()], "returned Outcome"),
        ([], ""),
        (dc.Response(200, {}, b"{}"), ""),
        ("done", ""),
    ],
    ids=["outcome", "good", "error", "exception", "list", "empty", "response", "text"],
)
async def test_an_error_that_is_returned_is_no_delivery(answer: object, said: str) -> None:
    """It was meant to be raised; anything else that a handler returns says nothing."""

    async def handler(ctx: Any, contact: Any) -> object:
        return answer

    async def on_delete(ctx: Any, deletion: Any) -> object:
        return answer

    one = connection(DO, plugin=sample(handler, on_delete=on_delete))
    async with dc.Engine([one], transport=ScriptedTransport()) as engine:
        (sent,) = await engine.send(IDENTIFY)
        (deleted,) = await engine.delete({"type": "delete", "userId": "u1"})
    for what, delivery in (("do", sent), ("on_delete", deleted)):
        assert delivery.status == ("refused" if said else "delivered")
        assert delivery.reason.startswith(f"sample: {what} {said}" if said else "")
        assert isinstance(delivery.error, PluginFault) == bool(said)


async def test_what_a_plugin_raises_is_told_on_one_line() -> None:
    """Whoever changes a payload reads what is wrong with that, and not where pydantic's manual is.

    A secret of several lines is blanked out before they become one.
    """

    async def handler(ctx: Any, contact: Any) -> None:
        if contact.id == "u2":
            raise ValueError(f"it has:\n  {ctx.settings.api_key.get_secret_value()}\n")
        contact.id = "other"

    one = connection(DO, plugin=sample(handler), api_key="first\nsecond")
    async with dc.Engine([one], transport=ScriptedTransport()) as engine:
        (frozen,) = await engine.send(IDENTIFY)
        (told,) = await engine.send({**IDENTIFY, "userId": "u2"})
    assert (
        "raised ValidationError: 1 validation error for Contact; id; Instance is" in frozen.reason
    )
    assert "https://" not in frozen.reason
    assert "\n" not in frozen.reason
    assert "raised ValueError: it has:; [redacted] at test_delivery.py:" in told.reason
