"""One call by itself: what each answer of the Track API means for its event."""

from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses

import destination_core as dc
from plugins.customerio.tests.sending import (
    BATCH,
    ENTITY,
    US,
    batched,
    by_default,
    connection,
    sent,
    track,
)

EU = "https://track-eu.customer.io"
REGION = "/api/v1/accounts/region"
REDIRECTS = [301, 302, 303, 307, 308]


async def settled(answers: aioresponses, url: str = ENTITY, **answer: Any) -> dc.Delivery:
    """Send one event, answered so."""
    answers.post(url, **answer)
    async with dc.Engine([connection(by_default("trackEvent"))]) as engine:
        (delivery,) = await engine.send(track(1))
    return delivery


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        (200, b"{}", "delivered", ""),
        (200, b"", "delivered", ""),
        (200, b'{"errors": []}', "delivered", ""),
        (200, b'{"errors": [{"message": "is too long"}]}', "refused", "is too long"),
        (200, b'{"errors": "none"', "retryable", "without saying"),
        (207, b'{"errors": [{"field": "name", "reason": "required"}]}', "refused",
         "name: required"),
        (207, b'{"errors": [{"detail": "odd"}, {}]}', "refused", "odd; no reason given"),
        (207, b"", "retryable", "without saying"),
        (207, b"{}", "retryable", "without saying"),
        (207, b'{"errors": []}', "retryable", "without saying"),
        (207, b'{"errors": [1]}', "retryable", "without saying"),
        (207, b"[]", "retryable", "without saying"),
        (207, b"<html>", "retryable", "without saying"),
        (400, b'{"errors": [{"field": "name"}]}', "refused", "400"),
        (400, b'{"meta": {"error": "name cannot be blank"}}', "refused", "400"),
        (401, b"", "setup_error", "401"),
        (403, b"", "setup_error", "403"),
        (404, b"", "refused", "404"),
        (408, b"", "retryable", "408"),
        (413, b"", "refused", "413"),
        (429, b"", "retryable", "429"),
        (500, b"", "retryable", "500"),
        (502, b"<html>", "retryable", "502"),
        (503, b"", "retryable", "503"),
        (522, b"", "retryable", "522"),
    ],
)  # fmt: skip
async def test_what_an_answer_means(
    answers: aioresponses, status: int, body: bytes, expected: str, said: str
) -> None:
    """Only an answer that speaks of no error is a success; one that cannot be read never is."""
    delivery = await settled(answers, status=status, body=body)
    assert (delivery.status, said in delivery.reason) == (expected, True), delivery.reason
    assert len(sent(answers)) == 1


async def test_a_refusal_keeps_what_customerio_said(answers: aioresponses) -> None:
    """The body of a 400 is the error's detail."""
    delivery = await settled(answers, status=400, body=b'{"meta": {"error": "name is blank"}}')
    assert delivery.error is not None
    assert "name is blank" in (delivery.error.detail or "")


async def test_how_long_to_wait_is_passed_on(answers: aioresponses) -> None:
    """429 with ``Retry-After`` says for how many seconds."""
    delivery = await settled(answers, status=429, headers={"Retry-After": "12"})
    assert isinstance(delivery.error, dc.RetryableError)
    assert delivery.error.retry_after == 12


@pytest.mark.parametrize(
    "members",
    [{"properties": {"a": ["\ud800"]}}, {"properties": {"a": 2**70}}, {"anonymousId": "\ud800"}],
)
async def test_what_json_cannot_hold_is_rejected(
    answers: aioresponses, members: dict[str, Any]
) -> None:
    """Half a surrogate pair or 65 bits: the event is rejected, alone as in a batch."""
    answers.post(BATCH, payload={})
    async with dc.Engine([connection(by_default("trackEvent"))]) as engine:
        deliveries = [
            *await engine.send(track(1, **members)),
            *[one for (one,) in await engine.send_batch([track(1, **members), track(2)])],
        ]
    assert [one.status for one in deliveries] == ["rejected", "rejected", "delivered"]
    assert "cannot be written as JSON" in deliveries[0].reason


@pytest.mark.parametrize("raised", [aiohttp.ClientConnectionError("reset"), TimeoutError()])
async def test_a_network_that_fails_is_retryable(answers: aioresponses, raised: Exception) -> None:
    """Nothing is known of the event then; its id makes a repetition harmless."""
    assert (await settled(answers, exception=raised)).status == "retryable"


async def test_wrong_credentials_are_named_as_such(answers: aioresponses) -> None:
    """401 is an authentication error for an event as it is for a check."""
    delivery = await settled(answers, status=401)
    assert isinstance(delivery.error, dc.InvalidAuthentication)


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize(("region", "host", "other"), [("US", US, "EU"), ("EU", EU, "US")])
async def test_a_redirect_names_the_other_region(
    answers: aioresponses, status: int, region: str, host: str, other: str
) -> None:
    """An event, a batch, a deletion and the check of the credentials all say which to set."""
    options: dict[str, Any] = {"status": status, "headers": {"Location": "https://x.test/"}}
    for path in ("/api/v2/entity", "/api/v2/batch"):
        answers.post(f"{host}{path}", **options)
    answers.delete(f"{host}/api/v1/customers/u1", **options)
    answers.get(f"{host}{REGION}", **options)
    one = connection(by_default("trackEvent"), account_region=region)
    async with dc.Engine([one]) as engine:
        deliveries = [
            *await engine.send(track(1)),
            *(await engine.send_batch([track(1)]))[0],
            *await engine.delete({"type": "delete", "userId": "u1"}),
        ]
        checked = (await engine.test_authentication())["customerio"]
    for error in (*(one.error for one in deliveries), checked):
        assert isinstance(error, dc.SetupError)
        assert f"set account_region to {other}" in str(error)
        assert error.code == "WRONG_REGION"
    assert len(sent(answers)) == 4  # no redirect is followed


@pytest.mark.parametrize(
    ("listed", "statuses", "said"),
    [
        ([{"batch_index": 0}], ["refused", "delivered", "delivered"], "no reason given"),
        ([{"batch_index": 0, "message": "one"}, {"batch_index": 0, "message": "two"}],
         ["refused", "delivered", "delivered"], "one; two"),
        ([{"batch_index": n, "reason": "invalid"} for n in range(3)], ["refused"] * 3, "invalid"),
        ([{"batch_index": n, "reason": "invalid"} for n in range(4)], ["retryable"] * 3, ""),
        ([{"batch_index": 0, "reason": "invalid"}, {"reason": "odd"}], ["retryable"] * 3, ""),
        ([{"batch_index": 0, "message": "x" * 900}], ["refused", "delivered", "delivered"], "x"),
    ],
)  # fmt: skip
async def test_the_errors_of_a_207(
    answers: aioresponses, listed: list[dict[str, Any]], statuses: list[str], said: str
) -> None:
    """All errors of an item are told; one that names no item makes the whole answer unclear."""
    answers.post(BATCH, status=207, payload={"errors": listed})
    deliveries = await batched([track(n) for n in range(3)])
    assert [one.status for one in deliveries] == statuses
    assert said in deliveries[0].reason
    assert len(deliveries[0].reason) < 600


@pytest.mark.parametrize("status", [207, 200])
async def test_an_answer_that_is_unclear_says_so(answers: aioresponses, status: int) -> None:
    """The body is kept, for whoever has to find out."""
    answers.post(BATCH, status=status, body=b'{"errors": {"odd": true}}')
    (delivery,) = await batched([track(1)])
    assert isinstance(delivery.error, dc.RetryableError)
    assert delivery.error.code == "MULTI_STATUS_UNREADABLE"
    assert delivery.error.detail == '{"errors": {"odd": true}}'


@pytest.mark.parametrize("body", [b"[]", b"", b'{"url": "x"}', b'{"region": 3}', b"<html>"])
async def test_a_region_that_is_not_told_is_no_fault(answers: aioresponses, body: bytes) -> None:
    """The credentials were accepted; a proxy that answers something else is no reason to stop."""
    answers.get(f"{US}{REGION}", body=body)
    async with dc.Engine([connection()]) as engine:
        assert (await engine.test_authentication())["customerio"] is None


@pytest.mark.parametrize(("region", "host", "lives"), [("US", US, "eu"), ("EU", EU, "us")])
async def test_the_region_is_asked_of_the_configured_host(
    answers: aioresponses, region: str, host: str, lives: str
) -> None:
    """Either host knows where the account lives; the message names what to set."""
    answers.get(f"{host}{REGION}", payload={"region": lives, "url": "x", "environment_id": 3})
    async with dc.Engine([connection(account_region=region)]) as engine:
        error = (await engine.test_authentication())["customerio"]
    expected = f"account lives in region {lives.upper()}, not in {region}"
    assert str(error) == f"{expected}: set account_region to {lives.upper()}"
