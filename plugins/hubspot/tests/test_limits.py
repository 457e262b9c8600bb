"""HubSpot's limits: what is tried again, and when."""

import pytest

import destination_core as dc
from plugins.hubspot.tests.sending import identify, outcomes, sent, subscription
from plugins.hubspot.tests.simulator import HubSpot

CONTACT = subscription("upsertContact")


@pytest.mark.parametrize(
    ("policy", "asked", "seconds"),
    [
        ("SECONDLY", None, 1.0),
        ("TEN_SECONDLY_ROLLING", None, 10.0),
        ("DAILY", None, 3_600.0),
        ("DAILY", "60", 60.0),
        ("NOVEL", None, None),
    ],
    ids=["secondly", "rolling", "daily", "asked", "unknown"],
)
async def test_a_limit_says_how_long_to_wait(
    hub: HubSpot, policy: str, asked: str | None, seconds: float | None
) -> None:
    """`Retry-After` counts; without it the policy that the answer names does."""
    headers = {} if asked is None else {"Retry_After": asked}
    hub.fail("contacts/batch", 429, {"message": "slow down", "policyName": policy}, **headers)
    (delivery,) = await sent(hub, CONTACT, identify("a@example.com"))
    error = delivery.error
    assert isinstance(error, dc.RetryableError)
    assert (error.code, error.retry_after) == ("TOO_MANY_REQUESTS", seconds)
    assert f"{policy}: slow down" in str(error)


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [(423, None, 2.0), (477, "86400", 86_400.0), (503, None, None), (502, None, None)],
    ids=["locked", "migrating", "unavailable", "gateway"],
)
async def test_what_passes_is_tried_again(
    hub: HubSpot, status: int, asked: str | None, seconds: float | None
) -> None:
    """Also HubSpot's own statuses: locked for two seconds, moving for up to a day."""
    headers = {} if asked is None else {"Retry_After": asked}
    hub.fail("contacts/batch", status, {"message": "later"}, **headers)
    (delivery,) = await sent(hub, CONTACT, identify("a@example.com"))
    error = delivery.error
    assert isinstance(error, dc.RetryableError)
    assert (error.status, error.retry_after) == (status, seconds)


async def test_an_event_over_the_burst_limit_arrives_later(hub: HubSpot) -> None:
    """HubSpot counts ten rolling seconds: after them the same event is taken."""
    hub.burst = 4  # a contact is looked up, and then created
    for number in range(2):
        assert (await sent(hub, CONTACT, identify(f"p{number}@example.com")))[0].ok
    (limited,) = await sent(hub, CONTACT, identify("late@example.com"))
    assert isinstance(limited.error, dc.RetryableError)
    assert limited.error.retry_after == 10.0
    hub.later(limited.error.retry_after + 1)
    assert (await sent(hub, CONTACT, identify("late@example.com")))[0].ok


async def test_a_batch_waits_and_is_sent_again(hub: HubSpot) -> None:
    """All of it, once HubSpot has time; nobody is written twice."""
    hub.fail("contacts/batch", 429, {"policyName": "SECONDLY"}, Retry_After="0")
    events = [identify(f"p{n}@example.com") for n in range(3)]
    deliveries = await sent(hub, CONTACT, *events, retry=dc.Retry(attempts=2, base=0.001))
    assert outcomes(deliveries) == ["delivered"] * 3
    assert len(hub.objects.of("contacts")) == 3


async def test_an_error_names_what_to_tell_hubspot(hub: HubSpot) -> None:
    """The correlation id is for the operator, the message for the customer."""
    body = {"message": "no", "category": "VALIDATION_ERROR", "correlationId": "c-77"}
    hub.fail("contacts/batch", 400, body)
    (delivery,) = await sent(hub, CONTACT, identify("a@example.com"))
    assert delivery.error is not None
    assert delivery.error.detail == "correlationId c-77"
    assert delivery.reason.endswith("answered 400: VALIDATION_ERROR: no")
