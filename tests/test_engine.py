"""Events in, deliveries out."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import orjson
import pytest

import destination_core as dc
from tests import acme
from tests.sampled import IDENTIFY, SETTINGS, UPSERT, connection, sample
from tests.scripted import ScriptedTransport


def statuses(deliveries: Sequence[dc.Delivery]) -> list[str]:
    return [str(delivery.status) for delivery in deliveries]


async def test_event_becomes_a_request() -> None:
    """A matching event is mapped, validated and sent with the connection's base URL and headers."""
    transport = ScriptedTransport()
    async with dc.Engine([connection()], transport=transport) as engine:
        (delivery,) = await engine.send(IDENTIFY)
    (request,) = transport.requests
    assert (request.method, request.url) == ("PUT", "https://us.acme.test/v1/contacts/u1")
    assert request.body is not None
    assert orjson.loads(request.body)["attributes"] == {"email": "a@example.com", "x": 1}
    assert (delivery.status, delivery.subscription, delivery.attempts) == ("delivered", "Upsert", 1)


async def test_no_matching_subscription_is_no_delivery() -> None:
    """An event that no subscription selects is filtered: an empty list."""
    transport = ScriptedTransport()
    async with dc.Engine([connection()], transport=transport) as engine:
        assert await engine.send({"type": "page"}) == []
    assert transport.requests == []


async def test_invalid_payload_sends_nothing() -> None:
    """A payload that misses a required field is rejected with the field's name."""
    transport = ScriptedTransport()
    async with dc.Engine([connection()], transport=transport) as engine:
        (delivery,) = await engine.send({"type": "identify", "traits": {}})
    assert (delivery.status, transport.requests) == ("rejected", [])
    assert "id" in delivery.reason


@pytest.mark.parametrize("event", [None, [], "x", {}, {"type": 5}, {"type": ""}])
async def test_unreadable_event_is_one_rejection(event: Any) -> None:
    """What is no event settles as a rejection that says why; nothing is raised."""
    async with dc.Engine([connection()], transport=ScriptedTransport()) as engine:
        (delivery,) = await engine.send(event)
        ((in_batch,),) = await engine.send_batch([event])
    for one in (delivery, in_batch):
        assert one.status == "rejected"
        assert isinstance(one.error, dc.InvalidEvent)


@pytest.mark.parametrize("connections", [1, 2])
@pytest.mark.parametrize("levels", [2_000, 100_000])
async def test_an_event_without_end_is_one_rejection(connections: int, levels: int) -> None:
    """What a program made, and no JSON could hold, disturbs nothing, shared or not."""
    traits: dict[str, Any] = {}
    traits["self"] = traits
    deep: dict[str, Any] = {}
    for _ in range(levels):
        deep = {"a": deep}
    opened = [connection(name=str(n)) for n in range(connections)]
    async with dc.Engine(opened, transport=ScriptedTransport()) as engine:
        for bottomless in (traits, deep):
            event = {**IDENTIFY, "traits": bottomless}
            deliveries = await engine.send(event)
            assert statuses(deliveries) == ["rejected"] * connections
            ended, sound = await engine.send_batch([event, IDENTIFY])
            assert statuses(ended) == ["rejected"] * connections
            assert statuses(sound) == ["delivered"] * connections


@pytest.mark.parametrize(
    ("status", "settled"),
    [(200, "delivered"), (400, "refused"), (401, "setup_error"), (429, "retryable")],
)
async def test_error_class_decides_the_status(status: int, settled: str) -> None:
    """What the destination answers decides what becomes of the delivery."""
    async with dc.Engine([connection()], transport=ScriptedTransport(status)) as engine:
        (delivery,) = await engine.send(IDENTIFY)
    assert (delivery.status, len(delivery.exchanges)) == (settled, 1)


async def test_one_failing_subscription_does_not_disturb_the_other() -> None:
    """Each subscription settles by itself, in order, over several connections."""
    both = [UPSERT, dc.Subscription("Copy", "upsertContact", "userId != null")]
    transport = ScriptedTransport(500, 200, 200)
    connections = [connection(*both), connection(name="second")]
    async with dc.Engine(connections, transport=transport) as engine:
        deliveries = await engine.send(IDENTIFY)
    assert statuses(deliveries) == ["retryable", "delivered", "delivered"]
    assert [(one.connection, one.subscription) for one in deliveries] == [
        ("crm", "Upsert"),
        ("crm", "Copy"),
        ("second", "Upsert"),
    ]


async def test_mixed_batch_settles_each_event_in_its_place() -> None:
    """Invalid and unmatched events keep their places beside those that are sent together."""
    transport = ScriptedTransport()
    events = [IDENTIFY, {"type": "page"}, {"type": "identify"}, {}, {**IDENTIFY, "userId": "u2"}]
    async with dc.Engine([connection()], transport=transport) as engine:
        results = await engine.send_batch(events)
    assert [statuses(one) for one in results] == [
        ["delivered"],
        [],
        ["rejected"],
        ["rejected"],
        ["delivered"],
    ]
    (request,) = transport.requests
    assert request.url.endswith("/contacts/batch")
    assert request.body is not None
    assert [contact["id"] for contact in orjson.loads(request.body)] == ["u1", "u2"]


async def test_refused_batch_is_halved_until_the_culprit_is_alone() -> None:
    """A batch answered 400 as a whole costs only the item that is at fault."""

    def answer(request: dc.Request) -> dc.Response:
        assert request.body is not None
        bad = any(contact["id"] == "u5" for contact in orjson.loads(request.body))
        return dc.Response(400 if bad else 200, {}, b"{}")

    transport = ScriptedTransport(answer)
    events = [{**IDENTIFY, "userId": f"u{n}"} for n in range(8)]
    async with dc.Engine([connection()], transport=transport) as engine:
        results = await engine.send_batch(events)
    assert [one.status for (one,) in results] == [
        "refused" if n == 5 else "delivered" for n in range(8)
    ]
    assert len(transport.requests) == 7  # 8, then 4+4, 2+2, 1+1


async def test_retry_sends_only_what_failed_for_now() -> None:
    """The engine tries again as often as it was told, then settles as retryable."""
    transport = ScriptedTransport(503, 503, 200)
    retry = dc.Retry(attempts=3, base=0.001)
    async with dc.Engine([connection()], transport=transport, retry=retry) as engine:
        (delivery,) = await engine.send(IDENTIFY)
        ((in_batch,),) = await engine.send_batch([IDENTIFY])
    assert (delivery.status, delivery.attempts) == ("delivered", 3)
    assert (in_batch.status, in_batch.attempts) == ("delivered", 1)


async def test_retry_after_is_the_shortest_wait() -> None:
    """A destination that asks for time gets it, whatever the backoff says."""
    assert dc.Retry(base=0.001).delay(1, 7.0) == 7.0
    assert 0 <= dc.Retry(base=1.0, cap=300.0).delay(50, None) <= 300.0


async def test_a_destination_that_asks_for_too_long_is_not_waited_for() -> None:
    """What it was to get ends as retryable: alone, and of a batch."""
    wait = dc.Response(503, {"retry-after": "3600"}, b"")
    retry = dc.Retry(attempts=3)
    async with (
        asyncio.timeout(10),
        dc.Engine([connection()], transport=ScriptedTransport(wait, wait), retry=retry) as engine,
    ):
        (alone,) = await engine.send(IDENTIFY)
        ((in_batch,),) = await engine.send_batch([IDENTIFY])
    assert [(one.status, one.attempts) for one in (alone, in_batch)] == [("retryable", 1)] * 2


async def test_concurrency_is_bounded() -> None:
    """No more attempts are in flight than the engine was told."""
    transport = ScriptedTransport()
    async with dc.Engine([connection()], transport=transport, concurrency=3) as engine:
        await asyncio.gather(*[engine.send(IDENTIFY) for _ in range(20)])
    assert (transport.most_in_flight, len(transport.requests)) == (3, 20)


async def test_handler_that_raises_settles_only_its_own_event() -> None:
    """An exception nobody meant is a permanent error that names the place, not the secret."""

    async def handler(ctx: Any, contact: acme.Contact) -> None:
        if contact.id == "bad":
            raise KeyError(ctx.settings.api_key.get_secret_value())

    do = dc.Subscription("Do", "do", 'type = "identify"')
    connections = [connection(do, plugin=sample(handler))]
    async with dc.Engine(connections, transport=ScriptedTransport()) as engine:
        (bad,) = await engine.send({**IDENTIFY, "userId": "bad"})
        (good,) = await engine.send(IDENTIFY)
    assert (bad.status, good.status) == ("refused", "delivered")
    assert isinstance(bad.error, dc.PermanentError)
    assert "KeyError" in bad.reason
    assert "test_engine.py" in bad.reason
    assert "very-secret" not in bad.reason


async def test_batch_outcomes_settle_each_item() -> None:
    """A batch handler that returns outcomes settles each payload by its own."""

    async def handler(ctx: Any, contact: Any) -> None: ...

    async def batch(ctx: Any, contacts: Sequence[Any]) -> list[dc.Outcome]:
        return [
            dc.Outcome(dc.PermanentError("no thanks") if one.id == "u1" else None, ("trimmed",))
            for one in contacts
        ]

    do = dc.Subscription("Do", "do", 'type = "identify"')
    connections = [connection(do, plugin=sample(handler, batch))]
    async with dc.Engine(connections, transport=ScriptedTransport()) as engine:
        (one,), (two,) = await engine.send_batch([IDENTIFY, {**IDENTIFY, "userId": "u2"}])
    assert (one.status, one.reason) == ("refused", "no thanks")
    assert (two.status, two.warnings) == ("delivered", ("trimmed",))


async def test_no_warning_shows_a_secret() -> None:
    """Whoever quotes an answer or the settings: in a handler, an outcome, a deletion."""
    said = "it said: very-secret"

    async def handler(ctx: Any, contact: Any) -> None:
        ctx.warn(said)

    async def batch(ctx: Any, contacts: Sequence[Any]) -> list[dc.Outcome]:
        ctx.warn(said)
        return [dc.Outcome(None, (said,)) for _ in contacts]

    async def on_delete(ctx: Any, deletion: Any) -> None:
        ctx.warn(said)

    do = dc.Subscription("Do", "do", 'type = "identify"')
    plugin = sample(handler, batch, on_delete=on_delete)
    async with dc.Engine([connection(do, plugin=plugin)], transport=ScriptedTransport()) as engine:
        settled = [
            *await engine.send(IDENTIFY),
            *[one for (one,) in await engine.send_batch([IDENTIFY, IDENTIFY])],
            *await engine.delete({"type": "delete", "userId": "u1"}),
        ]
    assert {text for one in settled for text in one.warnings} == {"it said: [redacted]"}
    assert [len(one.warnings) for one in settled] == [1, 2, 2, 1]


async def test_an_item_that_cannot_be_made_settles_its_own_event_without_secrets() -> None:
    """What ``encode`` raises, and what it returns instead of an item, is of one event alone."""

    def encode(ctx: Any, action: Any, contact: Any) -> Any:
        if contact.id == "u1":
            raise ValueError(f"no {ctx.settings.api_key.get_secret_value()}")
        return dc.Encoded(b"{}") if contact.id == "u3" else (b"{}", ())

    async def perform_batch(ctx: Any, items: Any) -> None: ...

    destination = replace(acme.register_destination(), batching=dc.Batching(encode=encode))
    plugin = ModuleType("acme")
    plugin.register_destination = dc.hookimpl(lambda: destination)  # type: ignore[attr-defined]
    plugin.perform_batch = dc.hookimpl(perform_batch)  # type: ignore[attr-defined]
    events = [{**IDENTIFY, "userId": user} for user in ("u1", "u2", "u3")]
    async with dc.Engine([connection(plugin=plugin)], transport=ScriptedTransport()) as engine:
        (one,), (two,), (three,) = await engine.send_batch(events)
    assert "encoding 'upsertContact' raised ValueError: no [redacted] at test_engine" in one.reason
    assert two.reason.endswith("must return a destination_core.Encoded, or None, not tuple")
    assert [one.status, two.status, three.status] == ["rejected", "rejected", "delivered"]


@pytest.mark.parametrize(
    ("answer", "came"),
    [
        ([], "0 of them"),
        ([dc.Outcome()] * 3, "3 of them"),
        (["yes", "no"], "a list with str in it"),
        ([dc.Outcome(), None], "a list with NoneType in it"),
        ("ok", "str"),
        ({dc.Outcome()}, "set"),
        (7, "int"),
    ],
    ids=repr,
)
async def test_nonsense_from_a_batch_handler_never_counts_as_success(
    answer: Any, came: str
) -> None:
    """An answer that does not say which payload it is about is an error of the plugin."""

    async def handler(ctx: Any, contact: Any) -> None: ...

    async def batch(ctx: Any, contacts: Sequence[Any]) -> Any:
        return answer

    do = dc.Subscription("Do", "do", 'type = "identify"')
    connections = [connection(do, plugin=sample(handler, batch))]
    async with dc.Engine(connections, transport=ScriptedTransport()) as engine:
        results = await engine.send_batch([IDENTIFY, {**IDENTIFY, "userId": "u2"}])
    assert [one.status for (one,) in results] == ["refused", "refused"]
    assert results[0][0].reason.startswith("sample: do must return None or one Outcome per payload")
    assert results[0][0].reason.endswith(f"it returned {came}")


async def test_observers_see_plans_attempts_and_deliveries() -> None:
    """An ambient plugin watches the whole way of an event, single and batched."""
    seen: list[str] = []
    watcher = ModuleType("watcher")
    for name, hook in {
        "event_planned": lambda event, plan: seen.append(f"planned {len(plan.steps)}"),
        "attempt_finished": lambda attempt: seen.append(f"attempt {len(attempt.tasks)}"),
        "delivery_settled": lambda delivery: seen.append(str(delivery.status)),
    }.items():
        setattr(watcher, name, dc.hookimpl(hook))
    relay = dc.Registry.of(watcher, acme).relay("acme")
    crm = dc.Connection("crm", relay, settings=SETTINGS, subscriptions=[UPSERT])
    async with dc.Engine([crm], transport=ScriptedTransport()) as engine:
        await engine.send(IDENTIFY)
        await engine.send({"type": "identify"})
        await engine.send({"type": "page"})
        await engine.send_batch([IDENTIFY, IDENTIFY])
    assert seen[:3] == ["planned 1", "attempt 1", "delivered"]
    assert seen[3:6] == ["planned 1", "rejected", "planned 0"]
    assert seen[6:] == ["planned 1", "planned 1", "attempt 2", "delivered", "delivered"]


async def test_request_and_response_are_there_without_secrets() -> None:
    """A delivery shows what was sent and what came back; credentials are blanked out."""
    transport = ScriptedTransport(dc.Response(400, {}, b'{"error": "very-secret is wrong"}'))
    async with dc.Engine([connection()], transport=transport) as engine:
        (delivery,) = await engine.send(IDENTIFY)
    shown = orjson.dumps(delivery.requests()).decode()
    assert "contacts/u1" in shown
    assert "is wrong" in shown
    assert "very-secret" not in shown + repr(delivery) + delivery.reason


async def test_delete_goes_to_on_delete() -> None:
    """A deletion reaches the plugins that can forget, with the user's ids."""
    forgotten: list[dc.Deletion] = []

    async def handler(ctx: Any, contact: Any) -> None: ...

    async def on_delete(ctx: Any, deletion: dc.Deletion) -> None:
        forgotten.append(deletion)

    do = dc.Subscription("Do", "do", 'type = "identify"')
    able = connection(do, plugin=sample(handler, on_delete=on_delete))
    async with dc.Engine([able, connection()], transport=ScriptedTransport()) as engine:
        (delivery,) = await engine.delete({"type": "delete", "userId": "u1"})
        (rejected,) = await engine.delete({"type": "delete"})
    assert (delivery.status, delivery.action) == ("delivered", "on_delete")
    assert [(one.user_id, one.anonymous_id) for one in forgotten] == [("u1", None)]
    assert rejected.status == "rejected"


async def test_authentication_is_asked_per_connection() -> None:
    """The answer is by connection: None when the credentials are good, else the error."""
    async with dc.Engine([connection()], transport=ScriptedTransport(401)) as engine:
        answers = await engine.test_authentication()
    assert isinstance(answers["crm"], dc.InvalidAuthentication)


async def test_engine_must_be_open() -> None:
    """An engine that was not entered says how to enter it."""
    with pytest.raises(RuntimeError, match="async with"):
        await dc.Engine([connection()]).send(IDENTIFY)


async def test_only_the_wanted_subscriptions_are_delivered() -> None:
    """What a retry asks for: the subscriptions that are left, each event its own."""
    events = [{"type": "identify", "userId": str(n), "traits": {"email": "e"}} for n in range(3)]
    chosen = [dc.Subscription(name, "upsertContact", 'type = "identify"') for name in "ab"]
    one = connection(*chosen)
    async with dc.Engine([one], transport=ScriptedTransport()) as engine:
        settled = await engine.send_batch(events, only=[None, {"b"}, set()])
    names = [[delivery.subscription for delivery in deliveries] for deliveries in settled]
    assert names == [["a", "b"], ["b"], []]


@pytest.mark.parametrize("attempts", [0, -1])
def test_retrying_means_trying_at_least_once(attempts: int) -> None:
    """No attempt at all would settle events that nobody tried to deliver."""
    with pytest.raises(dc.ConfigurationError, match="attempts must be at least 1"):
        dc.Retry(attempts)
