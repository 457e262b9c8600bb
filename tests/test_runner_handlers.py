"""Handlers that misbehave, and destinations that take nothing: who else is touched."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import orjson
import pytest

import destination_core as dc
from destination_core.http import Response
from destination_core.queue import DeadLetter, SqliteQueue
from destination_core.runner import Policy, Runner
from tests import acme
from tests.running import FAST, Destinations, person, running, settled


async def test_handlers_that_misbehave_settle_only_their_own_events(tmp_path: Path) -> None:
    """One raises, one hangs, one gives nonsense; everybody else is delivered."""
    delivered = []

    class Payload(dc.Payload):
        id: str = ""

    @dc.action("upsertContact", subscribe='type = "identify"')
    async def handle(_: dc.Context[acme.Settings], payload: Payload) -> None:
        if payload.id == "u1":
            raise ZeroDivisionError("a bug of the plugin")
        if payload.id == "u2":
            await asyncio.sleep(3600)
        delivered.append(payload.id)

    made = dc.Destination("odd", title="Odd", settings=acme.Settings, actions=[handle])
    plugin = ModuleType("odd")
    plugin.register_destination = dc.hookimpl(lambda: made)  # type: ignore[attr-defined]
    relay = dc.Registry.of(plugin).relay("odd")
    one: dc.Connection[Any] = dc.Connection(
        "a",
        relay,
        settings={"api_key": "k"},
        subscriptions=[
            dc.Subscription(
                "s", "upsertContact", 'type = "identify"', {"id": {"@path": "$.userId"}}
            )
        ],
    )
    async with (
        SqliteQueue(tmp_path / "q", min_free_bytes=0) as queue,
        Runner([one], queue, transport=Destinations(), policies={"a": FAST}) as runner,
    ):
        await runner.put("web", [person(n) for n in range(20)])
        counts = await settled(runner)
        letters = await queue.dead_letters()
    assert sorted(delivered) == sorted(f"u{n}" for n in range(20) if n not in (1, 2))
    assert (counts["a"].delivered, counts["a"].dead) == (18, 2)
    assert {one.code for one in letters} == {"PLUGIN_ERROR", "REQUEST_TIMEOUT"}


def plugin(handle: Callable[..., Any], batch: Callable[..., Any] | None = None) -> ModuleType:
    """Make a plugin with one action, whose payload is the user's id."""
    action = dc.action("upsertContact", subscribe='type = "identify"')(handle)
    if batch is not None:
        action.batch(size=100)(batch)
    made = dc.Destination("odd", title="Odd", settings=acme.Settings, actions=[action])
    module = ModuleType("odd")
    module.register_destination = dc.hookimpl(lambda: made)  # type: ignore[attr-defined]
    module.extend_request = acme.extend_request  # type: ignore[attr-defined]
    return module


class Person(dc.Payload):
    id: Annotated[str, dc.path("$.userId")]


async def only_dead(tmp_path: Path, raised: BaseException) -> DeadLetter:
    """Raise it for one event of five; return its dead letter, once the others went out."""
    delivered = []

    async def handle(_: dc.Context[acme.Settings], payload: Person) -> None:
        if payload.id == "u1":
            raise raised
        delivered.append(payload.id)

    async with running(tmp_path / "q", Destinations(), plugin=plugin(handle)) as runner:
        await runner.put("web", [person(n) for n in range(5)])
        counts = await settled(runner)
        (letter,) = await runner.queue.dead_letters()
    assert (counts["a"].delivered, counts["a"].dead) == (4, 1)
    assert sorted(delivered) == ["u0", "u2", "u3", "u4"]
    return letter


@pytest.mark.parametrize(
    "raised", [SystemExit(3), asyncio.CancelledError(), GeneratorExit()], ids=repr
)
async def test_nothing_that_a_handler_raises_ends_more_than_its_event(
    tmp_path: Path, raised: BaseException
) -> None:
    """Neither an exit nor a cancellation of its own making: one dead letter, no restart."""
    letter = await only_dead(tmp_path, raised)
    assert letter.code == "PLUGIN_ERROR"


@pytest.mark.parametrize(
    "raised",
    [
        ValueError("half an emoji: \ud83d"),
        dc.PermanentError({"errors": ["no"]}),  # type: ignore[arg-type]
        dc.PermanentError("no", detail={"errors": ["no"]}),  # type: ignore[arg-type]
        dc.PermanentError("no", code=404),  # type: ignore[arg-type]
        dc.PermanentError("no", code="\ud83d"),
    ],
    ids=["half-a-character", "message", "detail", "number-as-code", "code"],
)
async def test_an_error_that_cannot_be_written_down_settles_only_its_own_event(
    tmp_path: Path, raised: Exception
) -> None:
    """A plugin may put anything into an error: its event is a dead letter, others go out once."""
    letter = await only_dead(tmp_path, raised)
    assert orjson.loads(letter.record)["event"]["userId"] == "u1"


async def test_a_wait_that_is_no_number_settles_only_its_own_event(tmp_path: Path) -> None:
    """A plugin that passes the header on as it is has raised what it did not mean."""

    async def handle(_: dc.Context[acme.Settings], payload: Person) -> None:
        if payload.id == "u1":
            raise dc.RetryableError("later", retry_after="30")  # type: ignore[arg-type]

    async with running(tmp_path / "q", Destinations(), plugin=plugin(handle)) as runner:
        await runner.put("web", [person(n) for n in range(5)])
        counts = await settled(runner)
        (letter,) = await runner.queue.dead_letters()
    assert (counts["a"].delivered, letter.code) == (4, "PLUGIN_ERROR")
    assert "retry_after" in letter.reason


@pytest.mark.parametrize(
    "put", [10**30, "\ud83d", object()], ids=["large", "half-a-character", "object"]
)
async def test_a_payload_that_cannot_be_written_down_is_a_dead_letter(
    tmp_path: Path, put: object
) -> None:
    """JSON holds whole numbers that not all read; the events beside it go out once."""
    delivered = []

    class Loose(dc.Payload):
        id: Annotated[str, dc.path("$.userId")]
        traits: Annotated[dict[str, Any], dc.path("$.traits")]

    async def handle(_: dc.Context[acme.Settings], payload: Loose) -> None:
        if payload.id == "u1":
            payload.traits["extra"] = put
            raise dc.PermanentError("no")
        delivered.append(payload.id)

    async with running(tmp_path / "q", Destinations(), plugin=plugin(handle)) as runner:
        await runner.put("web", [person(n, traits={"plan": "pro"}) for n in range(3)])
        counts = await settled(runner)
        (letter,) = await runner.queue.dead_letters()
    assert (counts["a"].delivered, letter.code) == (2, "PERMANENT_ERROR")
    assert orjson.loads(letter.record)["deliveries"][0]["payload"]
    assert sorted(delivered) == ["u0", "u2"]


async def test_a_batch_handler_that_raises_for_one_payload_loses_only_that(tmp_path: Path) -> None:
    """The batch is halved, until the culprit is alone; nothing had been sent."""

    async def handle(ctx: dc.Context[acme.Settings], payload: Person) -> None:
        await ctx.http.put("/one", json=[{"id": payload.id, "attributes": {}}])

    async def batch(ctx: dc.Context[acme.Settings], payloads: Sequence[Person]) -> None:
        if any(one.id == "u7" for one in payloads):
            raise ZeroDivisionError
        await ctx.http.put("/all", json=[{"id": one.id, "attributes": {}} for one in payloads])

    world = Destinations()
    async with running(tmp_path / "q", world, plugin=plugin(handle, batch)) as runner:
        await runner.put("web", [person(n) for n in range(20)])
        counts = await settled(runner)
    assert (counts["a"].delivered, counts["a"].dead) == (19, 1)
    assert sorted(world.got["a"]) == sorted(f"u{n}" for n in range(20) if n != 7)


async def test_a_batch_that_was_taken_is_not_sent_again(tmp_path: Path) -> None:
    """A handler that fails on the answer to it would repeat what has arrived."""

    async def handle(_: dc.Context[acme.Settings], payload: Person) -> None: ...

    async def batch(ctx: dc.Context[acme.Settings], payloads: Sequence[Person]) -> None:
        await ctx.http.put("/all", json=[{"id": one.id, "attributes": {}} for one in payloads])
        raise KeyError("results")

    world = Destinations()
    async with running(tmp_path / "q", world, plugin=plugin(handle, batch)) as runner:
        await runner.put("web", [person(n) for n in range(20)])
        counts = await settled(runner)
    assert counts["a"].dead == 20
    assert len(world.got["a"]) == 20


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {}), (429, {"Retry-After": "3600"})], ids=["down", "asks"]
)
async def test_a_chunk_is_not_sent_on_to_a_destination_that_takes_nothing(
    tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    """Of hundreds of claimed events, those go out that were on their way; no attempt is counted."""
    asked = []

    async def handle(ctx: dc.Context[acme.Settings], payload: Person) -> None:
        await ctx.http.put("/one", json={"id": payload.id, "attributes": {}})

    def answer(_: str, who: str) -> Response:
        asked.append(who)
        return Response(status, headers, b"{}")

    world = Destinations()
    world.answer = answer
    policy = Policy(batch_age=0, concurrency=4)
    async with running(tmp_path / "q", world, policy=policy, plugin=plugin(handle)) as runner:
        await runner.put("web", [person(n) for n in range(400)])
        async with asyncio.timeout(10):
            while runner.workers["a"].breaker.state != "open":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        counts = await runner.queue.counts()
    assert counts["a"].queued == 400
    assert len(asked) <= 5 + policy.concurrency


async def test_what_a_handler_changes_is_not_seen_by_another(tmp_path: Path) -> None:
    """Two subscriptions, and two connections, get the same event: each payload is its own."""
    seen = []

    class Traits(dc.Payload):
        traits: Annotated[dict[str, Any], dc.path("$.traits")]

    async def handle(_: dc.Context[acme.Settings], payload: Traits) -> None:
        seen.append(list(payload.traits["tags"]))
        payload.traits["tags"].append("seen")

    relay = dc.Registry.of(plugin(handle)).relay("odd")
    both = [
        dc.Connection(
            name,
            relay,
            settings={"api_key": "k"},
            subscriptions=[
                dc.Subscription(one, "upsertContact", 'type = "identify"') for one in ("x", "y")
            ],
        )
        for name in ("a", "b")
    ]
    async with dc.Engine(both, transport=Destinations()) as engine:
        await engine.send(person(1, traits={"tags": ["new"]}))
        await engine.send_batch([person(1, traits={"tags": ["new"]})])
    assert seen == [["new"]] * 8
