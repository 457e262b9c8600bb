"""Settings: both spellings of each, what they default to, and credentials that stay unseen."""

from pathlib import Path
from typing import Any

import pytest
from aioresponses import aioresponses

import destination_core as dc
from destination_customerio.settings import Settings
from plugins.customerio.tests.sending import CREDENTIALS, US, by_default, sent, track

SEGMENT = {"siteId": "site-1234", "apiKey": "key-5678"}


def opened(*subscriptions: dc.Subscription, **raw: Any) -> dc.Connection[Any]:
    """Open a connection with exactly these settings."""
    relay = dc.Registry.discover().relay("customerio")
    return dc.Connection("cio", relay, settings=raw, subscriptions=subscriptions)


@pytest.mark.parametrize("credentials", [CREDENTIALS, SEGMENT])
def test_the_defaults(credentials: dict[str, str]) -> None:
    """Credentials suffice, in either spelling; everything else has a default that is safe."""
    settings = opened(**credentials).settings
    assert settings.site_id.get_secret_value() == "site-1234"
    assert settings.api_key.get_secret_value() == "key-5678"
    assert settings.account_region == "US"
    assert (settings.any_identifier, settings.raw_event_ids) == (False, False)
    assert (settings.oversized, settings.track_url) == ("trim", None)


def test_the_default_rate_is_below_fair_use() -> None:
    """Customer.io's fair use is 1,000 requests a second over all that writes to the account."""
    options = opened(**CREDENTIALS).options
    assert options.requests_per_second is not None
    assert 0 < options.requests_per_second <= 100


@pytest.mark.parametrize("key", ["account_region", "accountRegion"])
@pytest.mark.parametrize(
    ("value", "region"),
    [("US", "US"), ("EU", "EU"), ("US 🇺🇸", "US"), ("EU 🇪🇺", "EU"), ("us", "US"), ("eu", "EU")],
)
def test_a_region_is_read_in_each_spelling(key: str, value: str, region: str) -> None:
    """Segment writes flags; either key takes every spelling."""
    assert opened(**CREDENTIALS, **{key: value}).settings.account_region == region


@pytest.mark.parametrize("value", ["", "EU ", "Europe", "🇪🇺", None, 1, ["US"]])
def test_another_region_is_refused(value: object) -> None:
    """A region that is guessed would send a customer's data to the wrong continent."""
    with pytest.raises(dc.InvalidSettings, match="account_region"):
        opened(**CREDENTIALS, account_region=value)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"site_id": "site-1234"},
        {"api_key": "key-5678"},
        {**CREDENTIALS, "site_id": ""},
        {**CREDENTIALS, "api_key": ""},
        {**CREDENTIALS, "api_key": None},
        {**CREDENTIALS, "api_key": ["key-5678"]},
        {**CREDENTIALS, "api_key": {"key-5678": "site-1234"}},
        {**CREDENTIALS, "secret": "key-5678"},
        {**CREDENTIALS, "apikey": "key-5678"},
    ],
)
def test_wrong_credentials_are_refused_without_being_shown(raw: dict[str, Any]) -> None:
    """Whatever is wrong with them, the message has none of their characters."""
    with pytest.raises(dc.InvalidSettings) as caught:
        opened(**raw)
    shown = f"{caught.value} {caught.value!r}"
    assert not any(secret in shown for secret in CREDENTIALS.values())


def test_credentials_are_hidden_in_every_dump() -> None:
    """Neither a representation nor JSON of the settings shows them."""
    settings = opened(**CREDENTIALS).settings
    for shown in (repr(settings), str(settings), settings.model_dump_json(), f"{settings!s}"):
        assert not any(secret in shown for secret in CREDENTIALS.values())


def test_credentials_are_passwords_in_the_catalogue() -> None:
    """A form that is made from the schema hides them."""
    fields = Settings.model_json_schema()["properties"]
    assert {fields[key]["format"] for key in ("siteId", "apiKey")} == {"password"}


async def test_a_delivery_shows_no_credential(answers: aioresponses) -> None:
    """Not even when the server repeats them in an answer, or the header is asked for."""
    answers.post(f"{US}/api/v2/entity", status=400, body=b"no such key: key-5678 of site-1234")
    one = opened(by_default("trackEvent"), **CREDENTIALS)
    async with dc.Engine([one]) as engine:
        (delivery,) = await engine.send(track(1))
    assert delivery.error is not None
    shown = f"{delivery.error} {delivery.error!r} {delivery.error.detail}"
    assert "no such key" in shown
    assert not any(secret in shown for secret in CREDENTIALS.values())


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"])
async def test_another_address_replaces_the_regions(answers: aioresponses, url: str) -> None:
    """A proxy or the simulator gets the calls, with or without a slash at the end."""
    answers.post("http://127.0.0.1:8080/api/v2/entity", payload={})
    one = opened(by_default("trackEvent"), **CREDENTIALS, track_url=url, account_region="EU")
    async with dc.Engine([one]) as engine:
        (delivery,) = await engine.send(track(1))
    assert delivery.ok, delivery.reason
    assert len(sent(answers)) == 1


def test_every_setting_is_documented() -> None:
    """The reference, which is made from the code, names each with what it is for."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "customerio.md"
    text = page.read_text("utf-8")
    for name, one in Settings.model_fields.items():
        assert f"`{name}`" in text
        assert one.alias is None or f"In Segment: {one.alias}." in text
        assert one.title, name
        assert one.description, name
