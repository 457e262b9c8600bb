"""OAuth 2 against the simulator: one renewal for all, one more attempt, nothing lost or shown."""

import asyncio
from pathlib import Path

import pytest

import destination_core as dc
from plugins.hubspot.tests.sending import ONCE, connection, identify, subscription
from plugins.hubspot.tests.simulator import HubSpot

MANY = 50


def engine(hub: HubSpot, tokens: dc.TokenStore | None = None, **settings: object) -> dc.Engine:
    """Open an engine with one subscription to contacts, on the simulator's clock."""
    one = connection(hub, subscription("upsertContact"), tokens=tokens, **settings)
    return dc.Engine([one], retry=ONCE, concurrency=MANY, clock=hub.now)


async def send(running: dc.Engine, number: int) -> dc.Delivery:
    (delivery,) = await running.send(identify(f"p{number}@example.com"))
    return delivery


async def test_fifty_events_ask_for_one_token(hub: HubSpot) -> None:
    """The first attempt waits for a token, and all others with it."""
    async with engine(hub) as running:
        settled = await asyncio.gather(*[send(running, n) for n in range(MANY)])
    assert all(one.ok for one in settled)
    assert hub.tokens.grants == 1


async def test_a_token_that_was_revoked_is_renewed_once_for_all(hub: HubSpot) -> None:
    """Fifty attempts meet a 401; one renewal, and each is made once more and succeeds."""
    async with engine(hub) as running:
        assert (await send(running, 0)).ok
        hub.tokens.revoke()
        hub.later(10)
        settled = await asyncio.gather(*[send(running, n) for n in range(MANY)])
    assert [one.ok for one in settled] == [True] * MANY
    assert {one.attempts for one in settled} == {2}
    assert hub.tokens.grants == 2


async def test_a_batch_that_meets_a_401_is_sent_again(hub: HubSpot) -> None:
    """Each contact is written once, with the new token."""
    async with engine(hub) as running:
        assert (await send(running, 0)).ok
        hub.tokens.revoke()
        hub.later(10)
        settled = await running.send_batch([identify(f"b{n}@example.com") for n in range(3)])
    assert [one.ok for (one,) in settled] == [True] * 3
    assert hub.tokens.grants == 2
    assert len(hub.objects.of("contacts")) == 4


async def test_a_token_is_renewed_before_it_ends(hub: HubSpot) -> None:
    """HubSpot's half hour: no request goes out with a token that is about to end."""
    async with engine(hub) as running:
        assert (await send(running, 0)).attempts == 1
        hub.later(hub.tokens.lifetime - 30)
        assert (await send(running, 1)).attempts == 1
    assert hub.tokens.grants == 2


async def test_a_token_is_kept_and_a_replaced_refresh_token_too(tmp_path: Path) -> None:
    """The next run goes on with the token of the last; the old refresh token is worth nothing."""
    async with HubSpot(rotates=True) as hub:
        for number, grants in ((0, 1), (1, 1)):
            async with engine(hub, dc.FileTokens(tmp_path)) as running:
                assert (await send(running, number)).ok
            assert hub.tokens.grants == grants
        hub.later(hub.tokens.lifetime)
        async with engine(hub, dc.FileTokens(tmp_path)) as running:
            assert (await send(running, 2)).ok
        assert (hub.tokens.grants, hub.tokens.refresh) == (2, "refresh-002")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"refresh_token": "refresh-of-somebody"}, "authorise the connection anew"),
        ({"client_secret": "secret-of-somebody"}, "authorise the connection anew"),
    ],
    ids=["refresh-token", "client-secret"],
)
async def test_credentials_that_are_refused_pause_the_destination(
    hub: HubSpot, settings: dict[str, str], words: str
) -> None:
    """A set-up error that says what to do, and shows no secret."""
    async with engine(hub, **settings) as running:
        delivery = await send(running, 0)
        live = (await running.test_authentication())["hubspot"]
    for error in (delivery.error, live):
        assert isinstance(error, dc.InvalidAuthentication)
        assert words in str(error)
        shown = f"{error} {error.detail} {delivery!r} {delivery.requests()}"
        assert not any(one in shown for one in (*settings.values(), "client-s3cret"))
    assert hub.objects.of("contacts") == {}


async def test_no_token_is_shown(hub: HubSpot) -> None:
    """Neither in what is remembered of requests, nor in errors about them."""
    hub.fail("batch/read", 400, {"message": "bad token access-001"})
    async with engine(hub) as running:
        delivery = await send(running, 0)
    shown = f"{delivery.reason} {delivery.requests()} {delivery!r}"
    assert delivery.status == "refused"
    assert "access-001" not in shown


async def test_credentials_are_asked_about(hub: HubSpot) -> None:
    """Good ones are good, whatever scopes the app has; a missing scope pauses what needs it."""
    hub.without = {"crm.objects.contacts"}
    async with engine(hub) as running:
        assert (await running.test_authentication())["hubspot"] is None
        delivery = await send(running, 0)
    assert delivery.status == "setup_error"
    assert "MISSING_SCOPES" in delivery.reason
