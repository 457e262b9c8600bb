"""Batches: who shares one, how large it gets, and what each answer means for each event."""

from typing import Any

import orjson
import pytest
from aioresponses import CallbackResult, aioresponses

import destination_core as dc
from destination_customerio import limits
from plugins.customerio.tests.sending import (
    BATCH,
    ENTITY,
    batched,
    by_default,
    connection,
    fields,
    sent,
    track,
)


async def test_actions_share_a_batch_in_order(answers: aioresponses) -> None:
    """One batch mixes actions, so that a person is there before their event."""
    answers.post(BATCH, payload={})
    events = [
        {"type": "identify", "userId": "u1", "traits": {"email": "a@example.com"}},
        track(1),
        {"type": "track", "event": "User Suppressed", "userId": "u2"},
    ]
    deliveries = await batched(
        events,
        by_default("createUpdatePerson", 'type = "identify"'),
        by_default("trackEvent", 'event = "Order Completed"'),
        by_default("suppressPerson", 'event = "User Suppressed"'),
    )
    assert [one.status for one in deliveries] == ["delivered"] * 3
    ((_, url, body),) = sent(answers)
    assert url == BATCH
    assert [one["action"] for one in body["batch"]] == ["identify", "event", "suppress"]


async def test_what_v2_does_not_take_goes_alone(answers: aioresponses) -> None:
    """A report about a message is a v1 call, beside the batch."""
    metrics = BATCH.replace("v2/batch", "v1/metrics")
    answers.post(BATCH, payload={})
    answers.post(metrics, payload={})
    report = {
        "type": "track",
        "event": "Report Delivery Event",
        "properties": {"deliveryId": "D", "metric": "opened"},
    }
    await batched(
        [track(1), report],
        by_default("trackEvent", 'event = "Order Completed"'),
        by_default("reportDeliveryEvent", 'event = "Report Delivery Event"'),
    )
    assert {url for _, url, _ in sent(answers)} == {BATCH, metrics}


async def test_an_anonymous_event_without_an_id_goes_alone(answers: aioresponses) -> None:
    """Only v1 takes it; those with an id stay in the batch, and each keeps its own place."""
    events_of_nobody = BATCH.replace("v2/batch", "v1/events")
    answers.post(BATCH, payload={})
    answers.post(events_of_nobody, status=503)
    events = [track(n, userId=None, anonymousId="a1" if n != 1 else None) for n in range(3)]
    deliveries = await batched(events, by_default("trackAnonymousEvent"))
    assert [one.status for one in deliveries] == ["delivered", "retryable", "delivered"]
    assert {url for _, url, _ in sent(answers)} == {BATCH, events_of_nobody}


async def test_batches_are_cut_at_the_byte(answers: aioresponses) -> None:
    """No body is over 475,000 bytes, and none could have taken the item after it."""
    answers.post(BATCH, payload={}, repeat=True)
    events = [track(n, properties={"text": "é" * (5_000 + 97 * n)}) for n in range(90)]
    deliveries = await batched(events)
    bodies = [orjson.dumps(body) for _, _, body in sent(answers)]
    items = [orjson.loads(body)["batch"] for body in bodies]
    assert all(one.ok for one in deliveries)
    assert sum(map(len, items)) == len(events)
    assert len(bodies) > 1
    assert all(len(body) <= limits.BATCH_BYTES for body in bodies)
    for body, after in zip(bodies, items[1:], strict=False):
        full_by_count = len(orjson.loads(body)["batch"]) == 50
        assert full_by_count or len(body) + 1 + len(orjson.dumps(after[0])) > limits.BATCH_BYTES


@pytest.mark.parametrize(("over", "status"), [(0, "delivered"), (1, "rejected")])
async def test_an_item_is_measured_to_the_byte(
    answers: aioresponses, over: int, status: str
) -> None:
    """32,000 bytes go, 32,001 do not; the neighbour goes either way."""
    answers.post(BATCH, payload={}, repeat=True)
    first = await batched([track(1, properties={"text": ""})])
    size = len(orjson.dumps(sent(answers)[0][2]["batch"][0]))
    text = "x" * (limits.ITEM_BYTES - size + over)
    assert first[0].ok
    large, small = await batched([track(1, properties={"text": text}), track(2)])
    assert (large.status, small.status) == (status, "delivered")
    assert over == 0 or "32,001 bytes" in large.reason


def errors(*listed: Any) -> dict[str, Any]:
    """Make the body of a 207."""
    return {"errors": list(listed)}


REFUSED = {"batch_index": 1, "reason": "invalid", "field": "name", "message": "is too long"}


async def test_a_207_settles_each_item(answers: aioresponses) -> None:
    """The items that are listed are refused, in Customer.io's words; the others are delivered."""
    answers.post(BATCH, status=207, payload=errors(REFUSED))
    deliveries = await batched([track(n) for n in range(3)])
    assert [one.status for one in deliveries] == ["delivered", "refused", "delivered"]
    assert "name: is too long" in deliveries[1].reason


@pytest.mark.parametrize(
    "body",
    [
        b"<html>bad gateway</html>",
        b"",
        b"{}",
        b'{"errors": []}',
        b'{"errors": null}',
        b'{"errors": "none"}',
        b'{"errors": [1]}',
        b'{"errors": [{"message": "no index"}]}',
        b'{"errors": [{"batch_index": 3}]}',
        b'{"errors": [{"batch_index": -1}]}',
        b'{"errors": [{"batch_index": "1"}]}',
        b'{"errors": [{"batch_index": true}]}',
        b'{"errors": [{"batch_index": 1.0}]}',
        b'{"errors": [{"batch_index": 0}, {"batch_index": 7}]}',
        b'{"errors": [{"batch_index": 1}',
    ],
)
async def test_a_207_that_cannot_be_read_is_never_a_success(
    answers: aioresponses, body: bytes
) -> None:
    """No item counts as delivered: all are to be sent again."""
    answers.post(BATCH, status=207, body=body)
    deliveries = await batched([track(n) for n in range(3)])
    assert [one.status for one in deliveries] == ["retryable"] * 3


async def test_a_200_with_errors_is_read_as_well(answers: aioresponses) -> None:
    """The status alone does not make a success."""
    answers.post(BATCH, status=200, payload=errors(REFUSED))
    deliveries = await batched([track(n) for n in range(3)])
    assert [one.status for one in deliveries] == ["delivered", "refused", "delivered"]


@pytest.mark.parametrize("status", [400, 413])
async def test_a_batch_refused_as_a_whole_is_halved(answers: aioresponses, status: int) -> None:
    """One bad item does not sink its neighbours, at about two calls per halving."""

    def answer(_: Any, **options: Any) -> CallbackResult:
        bad = any(one["name"] == "Bad" for one in orjson.loads(options["data"])["batch"])
        return CallbackResult(status=status if bad else 200, payload={})

    answers.post(BATCH, callback=answer, repeat=True)
    events = [track(n, event="Bad" if n == 11 else "Good") for n in range(32)]
    deliveries = await batched(events)
    assert [n for n, one in enumerate(deliveries) if not one.ok] == [11]
    assert deliveries[11].status == "refused"
    assert len(sent(answers)) <= 1 + 2 * 5


@pytest.mark.parametrize(
    ("status", "headers", "settled", "after"),
    [
        (429, {"Retry-After": "7"}, "retryable", 7.0),
        (500, {}, "retryable", None),
        (503, {"Retry-After": "3"}, "retryable", 3.0),
        (401, {}, "setup_error", None),
    ],
)
async def test_an_answer_to_all_settles_all(
    answers: aioresponses,
    status: int,
    headers: dict[str, str],
    settled: str,
    after: float | None,
) -> None:
    """Every event of the batch gets the class of the answer, and how long to wait."""
    answers.post(BATCH, status=status, headers=headers, payload={})
    deliveries = await batched([track(n) for n in range(2)])
    assert [one.status for one in deliveries] == [settled] * 2
    error = deliveries[0].error
    assert after is None or (isinstance(error, dc.RetryableError) and error.retry_after == after)


async def test_a_redirect_is_a_region_error(answers: aioresponses) -> None:
    """Following it would turn POST into GET and lose the body: it says which region to set."""
    location = {"Location": "https://track-eu.customer.io/api/v2/batch"}
    answers.post(BATCH, status=301, headers=location)
    (delivery,) = await batched([track(1)])
    assert delivery.status == "setup_error"
    assert "set account_region to EU" in delivery.reason
    assert len(sent(answers)) == 1


async def test_every_event_keeps_its_place(answers: aioresponses) -> None:
    """Invalid, filtered, refused and delivered events are settled where they came."""
    answers.post(BATCH, status=207, payload=errors(REFUSED))
    events = [track(0), track(1, event=None), track(2), track(3)]
    deliveries = await batched(events)
    assert [one.status for one in deliveries] == ["delivered", "rejected", "refused", "delivered"]


EACH: list[tuple[str, dict[str, Any]]] = [
    ("createUpdatePerson", {"traits": {"email": "a@example.com"}}),
    ("createUpdateObject", {"groupId": "g1"}),
    ("createUpdateDevice", {"context": {"device": {"token": "t", "type": "ios"}}}),
    ("trackEvent", {}),
    ("trackAnonymousEvent", {"anonymousId": "a1"}),
    ("trackPageView", {"properties": {"url": "/"}}),
    ("trackScreenView", {"name": "Main"}),
    ("reportContentEvent", {"anonymousId": "a1", "properties": {"actionType": "viewed_content"}}),
    ("deleteRelationship", {"properties": {"objectId": "g1"}}),
    ("deleteObject", {"properties": {"objectId": "g1"}}),
    ("deleteDevice", {"context": {"device": {"token": "t"}}}),
    ("mergePeople", {"previousId": "u0"}),
    ("unsuppressPerson", {}),
    ("suppressPerson", {}),
    ("deletePerson", {}),
]


async def test_every_action_of_v2_shares_the_batch(answers: aioresponses) -> None:
    """All but reports about messages go in one request, in the order of their events."""
    answers.post(BATCH, payload={})
    events = [track(0, event=slug, **members) for slug, members in EACH]
    deliveries = await batched(events, *[by_default(slug, f'event = "{slug}"') for slug, _ in EACH])
    assert [one.reason for one in deliveries if not one.ok] == []
    ((_, url, body),) = sent(answers)
    assert url == BATCH
    assert [(one["type"], one["action"]) for one in body["batch"]] == [
        ("person", "identify"), ("object", "identify"), ("person", "add_device"),
        ("person", "event"), ("person", "event"), ("person", "page"), ("person", "screen"),
        ("person", "viewed_content"), ("object", "delete_relationships"), ("object", "delete"),
        ("person", "delete_device"), ("person", "merge"), ("person", "unsuppress"),
        ("person", "suppress"), ("person", "delete"),
    ]  # fmt: skip


async def test_an_item_is_the_body_that_would_go_alone(answers: aioresponses) -> None:
    """A batch says of each event exactly what a call by itself would have said."""
    answers.post(BATCH, payload={})
    answers.post(ENTITY, payload={}, repeat=True)
    events = [track(0, event=slug, **members) for slug, members in EACH]
    subscriptions = [by_default(slug, f'event = "{slug}"') for slug, _ in EACH]
    async with dc.Engine([connection(*subscriptions)]) as engine:
        await engine.send_batch(events)
        for event in events:
            await engine.send(event)
    bodies = [(url, body) for _, url, body in sent(answers)]
    ((_, whole),) = [one for one in bodies if one[0] == BATCH]
    assert whole["batch"] == [body for url, body in bodies if url == ENTITY]


@pytest.mark.parametrize(
    ("mapped", "sizes"),
    [
        ({}, [50, 10]),
        ({"batch_size": 7}, [7, 7, 7, 7, 7, 7, 7, 7, 4]),
        ({"batch_size": 100}, [60]),
    ],
)
async def test_a_mapping_says_how_large_batches_are(
    answers: aioresponses, mapped: dict[str, Any], sizes: list[int]
) -> None:
    """50 unless the mapping has another ``batch_size``."""
    answers.post(BATCH, payload={}, repeat=True)
    mapping = {key: default for key, (_, default, _) in fields("trackEvent").items()}
    one = dc.Subscription("sized", "trackEvent", 'type = "track"', {**mapping, **mapped})
    deliveries = await batched([track(n) for n in range(60)], one)
    assert all(one.ok for one in deliveries)
    assert sorted((len(body["batch"]) for _, _, body in sent(answers)), reverse=True) == sizes


async def test_a_mapping_may_switch_batches_off(answers: aioresponses) -> None:
    """With ``enable_batching`` off each event goes by itself."""
    answers.post(ENTITY, payload={}, repeat=True)
    mapping = {key: default for key, (_, default, _) in fields("trackEvent").items()}
    one = dc.Subscription(
        "alone", "trackEvent", 'type = "track"', {**mapping, "enable_batching": False}
    )
    deliveries = await batched([track(n) for n in range(3)], one)
    assert all(one.ok for one in deliveries)
    assert [url for _, url, _ in sent(answers)] == [ENTITY] * 3
