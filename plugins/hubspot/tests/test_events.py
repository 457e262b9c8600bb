"""Custom Event against the simulator: defined by saving, sent one by one and in batches."""

import uuid
from typing import Any

import pytest

import destination_core as dc
from destination_hubspot.actions.events import Kept, Wanted
from plugins.hubspot.tests.sending import connection, outcomes, sent, subscription, track
from plugins.hubspot.tests.simulator import HubSpot


async def save(hub: HubSpot, **inputs: Any) -> Kept:
    """Save a mapping with these inputs."""
    one = connection(hub)
    action = one.relay.destination.action("customEvent")
    async with dc.Engine([one]) as engine:
        return await engine.ask(
            "hubspot", lambda ctx: one.relay.on_mapping_save(ctx, action, Wanted(**inputs))
        )


def order(number: int, **properties: Any) -> dict[str, Any]:
    return track(
        properties={"email": f"p{number}@example.com", "Order ID": f"o-{number}", **properties},
        messageId=f"m-{number}",
    )


def event(name: str | None, **mapping: Any) -> dc.Subscription:
    """Subscribe with the properties of an order, without its email."""
    wanted = {"Order ID": {"@path": "$.properties['Order ID']"}}
    return subscription("customEvent", **{"event_name": name, "properties": wanted, **mapping})


async def test_saving_defines_the_event_once(hub: HubSpot) -> None:
    """The first time it is defined, with its properties; afterwards it is there."""
    for _ in range(2):
        kept = await save(hub, label="Order Completed", properties=["Order ID", "total"])
        assert kept.event_name == "pe123_order_completed"
    found = hub.events.definitions["order_completed"]
    assert [one["name"] for one in found["properties"]] == ["order_id", "total"]
    assert hub.asked.count(("POST", "/events/v3/event-definitions")) == 1


async def test_somebody_else_was_faster_to_define_it(hub: HubSpot) -> None:
    """A conflict is looked at again: the event is there."""
    hub.events.define("signup")
    hub.fail("event-definitions/signup", 404, {"category": "OBJECT_NOT_FOUND"})
    assert (await save(hub, label="Signup")).event_name == "pe123_signup"


async def test_a_name_that_cannot_be_one_is_refused_before_it_is_sent(hub: HubSpot) -> None:
    """Names begin with a letter."""
    with pytest.raises(dc.PermanentError, match="'1st_order' is not a letter"):
        await save(hub, label="1st order")
    assert hub.paths() == []


async def test_an_event_is_sent_as_it_was_saved(hub: HubSpot) -> None:
    """Name, time, contact, properties in HubSpot's form, and an id that stays the same."""
    kept = await save(hub, label="Order Completed", properties=["Order ID"])
    chosen = subscription(
        "customEvent",
        saved=dc.Saved({"label": "Order Completed"}, {"event_name": kept.event_name}),
        properties={"Order ID": {"@path": "$.properties['Order ID']"}},
    )
    for _ in range(2):
        (delivery,) = await sent(hub, chosen, order(1))
        assert delivery.ok, delivery.reason
    first, again = hub.events.sent
    assert first == again
    assert first["eventName"] == "pe123_order_completed"
    assert (first["email"], first["properties"]) == ("p1@example.com", {"order_id": "o-1"})
    assert first["occurredAt"] == "2026-11-23T10:00:00.000Z"
    assert uuid.UUID(first["uuid"]).version == 5


async def test_a_message_id_that_is_a_uuid_is_sent_as_it_is(hub: HubSpot) -> None:
    """Nothing is made of what fits already."""
    name, given = hub.events.define("seen"), str(uuid.uuid4())
    await sent(hub, event(name, properties={}), {**order(1), "messageId": given})
    assert hub.events.sent[0]["uuid"] == given


async def test_a_batch_is_one_request_of_at_most_500(hub: HubSpot) -> None:
    """Six hundred events are two requests."""
    name = hub.events.define("order_completed", "order_id")
    deliveries = await sent(hub, event(name), *[order(n) for n in range(600)])
    assert set(outcomes(deliveries)) == {"delivered"}
    assert len(hub.events.sent) == 600
    assert hub.paths() == ["/events/v3/send/batch"] * 2


async def test_one_event_that_hubspot_refuses_is_found(hub: HubSpot) -> None:
    """HubSpot takes all or none; the batch is halved until the culprit is alone."""
    name = hub.events.define("order_completed", "order_id")
    chosen = event(name, event_name={"@path": "$.properties.name"})
    events = [order(n, name="pe123_nope" if n == 3 else name) for n in range(6)]
    deliveries = await sent(hub, chosen, *events)
    assert outcomes(deliveries) == ["delivered"] * 3 + ["refused"] + ["delivered"] * 2
    assert "pe123_nope" in deliveries[3].reason
    assert len(hub.events.sent) == 5


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"event_name": None}, "event_name is required"),
        ({"email": None, "utk": None}, "one of email, utk and object_id says which CONTACT"),
        ({"object_type": "DEAL"}, "object_id says which DEAL it is of"),
        ({"properties": {f"p{n}": 1 for n in range(51)}}, "51 properties"),
    ],
    ids=["name", "contact", "deal", "properties"],
)
async def test_what_hubspot_could_not_take_is_rejected(
    hub: HubSpot, mapping: dict[str, Any], words: str
) -> None:
    """By itself and in a batch, with what is missing."""
    name = hub.events.define("order_completed")
    chosen = event(name, **mapping)
    (alone,) = await sent(hub, chosen, order(1))
    both = await sent(hub, chosen, order(1), order(2))
    assert outcomes([alone, *both]) == ["rejected"] * 3
    assert all(words in one.reason for one in (alone, *both))
    assert hub.paths() == []


async def test_an_event_is_of_the_record_that_it_was_defined_for(hub: HubSpot) -> None:
    """What was saved says so: the customer need not map it once more."""
    kept = await save(hub, label="Signed", object_type="DEAL")
    saved = dc.Saved({"label": "Signed", "object_type": "DEAL"}, kept.to_json())
    for mapped, ok in (({"object_id": "77"}, True), ({}, False)):
        chosen = subscription("customEvent", saved=saved, properties={}, **mapped)
        (delivery,) = await sent(hub, chosen, order(1))
        assert delivery.ok == ok
    assert "object_id says which DEAL it is of" in delivery.reason
    assert [("email" in one, one["objectId"]) for one in hub.events.sent] == [(False, "77")]


async def test_an_event_of_another_record(hub: HubSpot) -> None:
    """A deal is named by its id alone, whatever email the event has."""
    name = hub.events.define("signed", kind="DEAL")
    chosen = event(name, object_type="DEAL", object_id="77", properties={})
    (delivery,) = await sent(hub, chosen, order(1))
    assert delivery.ok, delivery.reason
    assert hub.events.sent[0]["objectId"] == "77"
    assert "email" not in hub.events.sent[0]
