"""Signatures, verified by the library that receivers use and by the sample of the README."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from destination_core.testing import RecordingServer
from plugins.webhook.tests.receiving import SECRET, deliver, event

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(name="sample")
def _sample(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return the function that the README gives to receivers, at the time of the requests."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(README), "exec"), names)
    monkeypatch.setattr(names["time"], "time", lambda: 1_700_000_001.0)
    verify: Callable[..., None] = names["verify"]
    return verify


@pytest.fixture(name="now")
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the library believe that it is the time of the tests' requests."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(1_700_000_001, tz)

    monkeypatch.setattr("standardwebhooks.webhooks.datetime", Then)


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
async def test_the_receivers_library_verifies(
    batch: bool, now: None, sample: Callable[..., None]
) -> None:
    """Id, time and body are signed as Standard Webhooks says, byte for byte."""
    async with RecordingServer() as server:
        await deliver(
            server,
            event(1, note="é"),
            event(2),
            settings={"signing_secret": SECRET},
            enable_batching=batch,
        )
    assert len(server.requests) == 2 - batch
    for request in server.requests:
        headers = {key.lower(): value for key, value in request.headers.items()}
        assert Webhook(SECRET).verify(request.body, headers) == request.json()
        sample(SECRET, headers, request.body)


async def test_what_was_changed_is_not_verified(now: None, sample: Callable[..., None]) -> None:
    """Another body, id, time or secret does not fit the signature."""
    async with RecordingServer() as server:
        await deliver(server, event(), settings={"signing_secret": SECRET})
    (request,) = server.requests
    headers = {key.lower(): value for key, value in request.headers.items()}
    changed = [
        (SECRET, headers, request.body + b" "),
        (SECRET, {**headers, "webhook-id": "m2"}, request.body),
        (SECRET, {**headers, "webhook-timestamp": "1700000001"}, request.body),
        ("whsec_" + "A" * 44, headers, request.body),
    ]
    for secret, given, body in changed:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, given)
        with pytest.raises(ValueError, match="nobody"):
            sample(secret, given, body)
    with pytest.raises(ValueError, match="too old"):
        sample(SECRET, {**headers, "webhook-timestamp": "1699990000"}, request.body)


async def test_both_secrets_sign_while_one_is_changed(sample: Callable[..., None]) -> None:
    """A receiver may know the old secret or the new one."""
    new = "a text that is long enough"
    settings = {"signing_secret": new, "previous_signing_secret": SECRET}
    async with RecordingServer() as server:
        await deliver(server, event(), settings=settings)
    (request,) = server.requests
    headers = {key.lower(): value for key, value in request.headers.items()}
    signatures = headers["webhook-signature"].split()

    def accepts(secret: str, signature: str) -> bool:
        try:
            sample(secret, {**headers, "webhook-signature": signature}, request.body)
        except ValueError:
            return False
        return True

    accepted = [[accepts(secret, one) for one in signatures] for secret in (new, SECRET)]
    assert accepted == [[True, False], [False, True]]


async def test_nothing_is_signed_without_a_secret() -> None:
    """The message has its name and time all the same."""
    async with RecordingServer() as server:
        await deliver(server, event())
    headers = server.requests[0].headers
    assert headers["webhook-timestamp"] == "1700000000"
    assert "webhook-signature" not in headers


async def test_an_attempt_that_is_made_again_has_the_same_id() -> None:
    """Of an event, of a batch, and of events without an id of their own; others have another."""
    nameless = {"type": "track", "event": "e"}
    ids = []
    for batch in (
        [event(1)],
        [event(1), event(2)],
        [event(2), event(1)],
        [nameless],
        [{**nameless, "event": "f"}],
    ):
        async with RecordingServer() as server:
            await deliver(server, *batch, enable_batching=True)
            await deliver(server, *batch, enable_batching=True)
        first, again = (one.headers["webhook-id"] for one in server.requests)
        assert first == again
        ids.append(first)
    assert ids[0] == "m1"
    assert len(set(ids)) == len(ids)
