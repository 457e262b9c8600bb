"""Reports about messages and content: every metric, and what a report needs."""

from typing import Any

import pytest
from aioresponses import aioresponses

import destination_core as dc
from plugins.customerio.tests.sending import (
    ENTITY,
    US,
    by_default,
    connection,
    delivered,
    sent,
    unconverted,
)

SECONDS = 1_767_312_000
METRICS = f"{US}/api/v1/metrics"


def report(**properties: Any) -> dict[str, Any]:
    """Make a report about a message."""
    return {
        "type": "track",
        "event": "Report Delivery Event",
        "timestamp": "2026-01-02",
        "properties": {"deliveryId": "D1", "metric": "opened", **properties},
    }


def content(**members: Any) -> dict[str, Any]:
    """Make a report about content."""
    event = {"type": "track", "event": "Report Content Event", "anonymousId": "a1"}
    return {**event, "properties": {"actionType": "viewed_content"}, **members}


@pytest.mark.parametrize(
    "metric",
    ["delivered", "opened", "clicked", "converted", "spammed", "bounced", "dropped", "deferred"],
)
async def test_every_metric_is_reported(answers: aioresponses, metric: str) -> None:
    """Version 1 of the API takes all of them."""
    delivery, requests = await delivered(answers, "reportDeliveryEvent", report(metric=metric))
    assert delivery.ok, delivery.reason
    body = {"delivery_id": "D1", "metric": metric, "timestamp": SECONDS}
    assert requests == [("POST", METRICS, body)]


@pytest.mark.parametrize(
    ("properties", "body"),
    [
        ({"recipient": "a@example.com", "reason": "full", "href": "https://x.test"},
         {"recipient": "a@example.com", "reason": "full", "href": "https://x.test"}),
        ({"recipient": "", "reason": None}, {}),
        ({"actionName": "ok", "actionValue": 1},
         {"metadata": {"action_name": "ok", "action_value": "1"}}),
        ({"actionValue": "yes"}, {"metadata": {"action_value": "yes"}}),
        ({"odd": 1}, {}),
    ],
)  # fmt: skip
async def test_the_details_of_a_report(
    answers: aioresponses, properties: dict[str, Any], body: dict[str, Any]
) -> None:
    """Those that are there are sent under Customer.io's names, and nothing else."""
    delivery, requests = await delivered(answers, "reportDeliveryEvent", report(**properties))
    assert delivery.ok, delivery.reason
    base = {"delivery_id": "D1", "metric": "opened", "timestamp": SECONDS}
    assert requests[0][2] == {**base, **body}


@pytest.mark.parametrize("timestamp", [None, "2026-13-01"])
async def test_a_report_without_a_time_is_of_now(
    answers: aioresponses, timestamp: str | None
) -> None:
    """The engine's clock is asked, and its seconds are whole."""
    answers.post(METRICS, payload={})
    one = connection(by_default("reportDeliveryEvent"))
    event = report()
    if timestamp is None:
        del event["timestamp"]
    async with dc.Engine([one], clock=lambda: SECONDS + 0.9) as engine:
        (delivery,) = await engine.send(event)
    assert delivery.ok, delivery.reason
    assert sent(answers)[0][2]["timestamp"] == SECONDS


@pytest.mark.parametrize(
    ("action", "event", "key"),
    [
        ("reportDeliveryEvent", report(deliveryId=None), "delivery_id"),
        ("reportDeliveryEvent", report(deliveryId=""), "delivery_id"),
        ("reportDeliveryEvent", report(metric=None), "metric"),
        ("reportDeliveryEvent", report(metric="read"), "Metric must be one of"),
        ("reportDeliveryEvent", report(metric="Opened"), "Metric must be one of"),
        ("reportContentEvent", content(anonymousId=None), "Anonymous ID"),
        ("reportContentEvent", content(anonymousId="", userId="u1"), "Anonymous ID"),
        ("reportContentEvent", content(properties={}), "actionType"),
        ("reportContentEvent", content(properties={"actionType": "liked"}), "Action Type must be"),
    ],
)
async def test_what_a_report_needs(
    answers: aioresponses, action: str, event: dict[str, Any], key: str
) -> None:
    """Without it, or with a metric that does not exist, nothing is sent."""
    delivery, requests = await delivered(answers, action, event)
    assert (delivery.status, requests) == ("rejected", [])
    assert key in delivery.reason


@pytest.mark.parametrize("kind", ["viewed_content", "clicked_content"])
async def test_content_that_was_seen_or_clicked(answers: aioresponses, kind: str) -> None:
    """It is an action of the anonymous person; the rest of the event's data are attributes."""
    properties = {"actionType": kind, "title": "News", "on": "2026-01-02"}
    event = content(userId="u1", properties=properties, timestamp="2026-01-02")
    delivery, requests = await delivered(answers, "reportContentEvent", event)
    assert delivery.ok, delivery.reason
    body = {
        "type": "person",
        "action": kind,
        "name": kind,
        "identifiers": {"anonymous_id": "a1"},
        "attributes": {"title": "News", "on": SECONDS},
        "timestamp": SECONDS,
    }
    assert requests == [("POST", ENTITY, body)]


async def test_dates_stay_texts_when_that_is_wanted(answers: aioresponses) -> None:
    """With ``convert_timestamp`` off attributes are as they were."""
    answers.post(ENTITY, payload={})
    event = content(properties={"actionType": "viewed_content", "on": "2026-01-02"})
    async with dc.Engine([connection(unconverted("reportContentEvent"))]) as engine:
        (delivery,) = await engine.send(event)
    assert delivery.ok, delivery.reason
    assert sent(answers)[0][2]["attributes"] == {"on": "2026-01-02"}
    assert "timestamp" not in sent(answers)[0][2]
