"""The plugin as a plugin: how it is found, its settings, credentials, region and deletions."""

import ast
from pathlib import Path
from typing import Any

import pytest
from aioresponses import aioresponses
from yarl import URL

import destination_core as dc
import destination_customerio
from plugins.customerio.tests.sending import CREDENTIALS, US, by_default, connection, sent

REGION = f"{US}/api/v1/accounts/region"
SOURCE = Path(destination_customerio.__file__).parent


def test_it_is_found_by_its_entry_point() -> None:
    """The registry finds it as it finds anybody's plugin."""
    relay = dc.Registry.discover().relay("customerio")
    assert relay.origin.distribution == "destination-customerio"
    assert relay.destination.title == "Customer.io"


def test_it_uses_public_names_only() -> None:
    """Whatever a stranger could not import, the plugin does not import either."""
    public = set(dc.__all__)
    modules = list(SOURCE.rglob("*.py"))
    assert len(modules) > 20
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("destination_core"), path
            elif isinstance(node, ast.Import):
                assert all(not one.name.startswith("destination_core.") for one in node.names), path
                named = [one.asname for one in node.names if one.name == "destination_core"]
                assert named in ([], ["dc"]), path
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "dc" or node.attr in public, (path, node.attr)


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("US", US),
        ("EU", "https://track-eu.customer.io"),
        ("US 🇺🇸", US),
        ("EU 🇪🇺", "https://track-eu.customer.io"),
    ],
)
def test_segments_keys_and_values_are_accepted(region: str, url: str) -> None:
    """Settings can be copied from Segment as they are."""
    raw = {"siteId": "s", "apiKey": "k", "accountRegion": region}
    relay = dc.Registry.discover().relay("customerio")
    assert dc.Connection("cio", relay, settings=raw).options.base_url == url


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"site_id": "s"}, "'api_key'"),
        ({**CREDENTIALS, "account_region": "MARS"}, "MARS"),
        ({**CREDENTIALS, "acount_region": "EU"}, "did you mean 'account_region'"),
        ({**CREDENTIALS, "oversized": "maybe"}, "oversized"),
        ({**CREDENTIALS, "requests_per_second": 0}, "requests_per_second"),
        ({**CREDENTIALS, "track_url": "ftp://x"}, "track_url"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], said: str) -> None:
    """The message names the setting, and never a credential."""
    relay = dc.Registry.discover().relay("customerio")
    with pytest.raises(dc.InvalidSettings) as caught:
        dc.Connection("cio", relay, settings=settings)
    assert said in str(caught.value)
    assert not any(secret in str(caught.value) for secret in CREDENTIALS.values())


def test_credentials_are_in_no_representation() -> None:
    """Neither the settings nor the connection shows them."""
    one = connection()
    assert not any(secret in f"{one!r} {one.settings!r}" for secret in CREDENTIALS.values())


async def asked(one: dc.Connection[Any]) -> dc.DeliveryError | None:
    """Ask about the credentials."""
    async with dc.Engine([one]) as engine:
        return (await engine.test_authentication())["customerio"]


async def test_good_credentials(answers: aioresponses) -> None:
    """The region is the configured one: nothing is wrong."""
    answers.get(REGION, payload={"region": "us"})
    assert await asked(connection()) is None


async def test_the_other_region_is_named(answers: aioresponses) -> None:
    """An account that lives elsewhere is found before the first event is lost."""
    answers.get(REGION, payload={"region": "eu"})
    error = await asked(connection())
    assert isinstance(error, dc.SetupError)
    assert "set account_region to EU" in str(error)


async def test_wrong_credentials(answers: aioresponses) -> None:
    """401 is an authentication error, without the credentials in it."""
    answers.get(REGION, status=401, payload={"meta": {"error": "unauthorized"}})
    error = await asked(connection())
    assert isinstance(error, dc.InvalidAuthentication)
    assert not any(secret in str(error) for secret in CREDENTIALS.values())


async def test_a_user_is_deleted(answers: aioresponses) -> None:
    """``on_delete`` deletes the person, their id encoded as one path segment."""
    url = URL(f"{US}/api/v1/customers/a%2Fb%40x.test", encoded=True)
    answers.delete(url, payload={})
    async with dc.Engine([connection()]) as engine:
        (delivery,) = await engine.delete({"type": "delete", "userId": "a/b@x.test"})
    assert delivery.ok, delivery.reason
    assert sent(answers)[0][:2] == ("DELETE", f"{US}/api/v1/customers/a%2Fb%40x.test")


@pytest.mark.parametrize(
    ("user_id", "path"),
    [
        ("u1", "u1"),
        (42, "42"),
        ("cio_03000001", "cio_03000001"),
        ("a+b@example.com", "a%2Bb%40example.com"),
        ("ü ñ", "%C3%BC%20%C3%B1"),
        ("../segments/1", "..%2Fsegments%2F1"),
        ("u1?x=1#y", "u1%3Fx%3D1%23y"),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
    ],
)
async def test_an_id_is_one_segment_of_the_path(
    answers: aioresponses, user_id: object, path: str
) -> None:
    """Nothing in an id names another person or another resource."""
    url = f"{US}/api/v1/customers/{path}"
    answers.delete(URL(url, encoded=True), payload={})
    async with dc.Engine([connection()]) as engine:
        (delivery,) = await engine.delete({"type": "delete", "userId": user_id})
    assert delivery.ok, delivery.reason
    assert sent(answers) == [("DELETE", url, None)]


@pytest.mark.parametrize(
    "members", [{"anonymousId": "a1"}, {"userId": ""}, {"userId": "."}, {"userId": ".."}, {}]
)
async def test_a_deletion_without_a_user_is_rejected(
    answers: aioresponses, members: dict[str, str]
) -> None:
    """Customer.io deletes by user id only, and dots would name the collection above."""
    async with dc.Engine([connection()]) as engine:
        (delivery,) = await engine.delete({"type": "delete", **members})
    assert (delivery.status, sent(answers)) == ("rejected", [])


@pytest.mark.parametrize(
    ("status", "settled"),
    [(200, "delivered"), (401, "setup_error"), (404, "refused"), (429, "retryable"),
     (503, "retryable")],
)  # fmt: skip
async def test_what_the_answer_to_a_deletion_means(
    answers: aioresponses, status: int, settled: str
) -> None:
    """A deletion that is not done yet is never reported as done."""
    answers.delete(f"{US}/api/v1/customers/u1", status=status)
    async with dc.Engine([connection()]) as engine:
        (delivery,) = await engine.delete({"type": "delete", "userId": "u1"})
    assert (delivery.status, delivery.action) == (settled, "on_delete")


QUICK_SETUP = {
    "Track Event": ("trackEvent", 'type = "track"'),
    "Create or Update Person": ("createUpdatePerson", 'type = "identify"'),
    "Create or Update Device": ("createUpdateDevice", 'event = "Application Installed"'),
}


def test_the_documented_prebuilt_subscriptions() -> None:
    """Quick Setup is the table of Segment's page of 2021."""
    presets = dc.Registry.discover().relay("customerio").destination.presets
    found = {one.name: (one.action, one.subscribe) for one in presets if one.quick_setup}
    assert found == QUICK_SETUP


def test_every_preset_compiles() -> None:
    """Triggers and mappings of all presets are sound, and every action is named by one."""
    destination = dc.Registry.discover().relay("customerio").destination
    names = [one.name for one in destination.presets]
    one = connection(*[dc.Subscription.from_preset(destination, name) for name in names])
    assert len(one.subscriptions) == len(names)
    unnamed = {one.slug for one in destination.actions} - {p.action for p in destination.presets}
    assert unnamed == {"trackAnonymousEvent"}  # its events are Track Event's, chosen by hand


@pytest.mark.parametrize("kind", ["track", "identify"])
async def test_names_that_need_encoding_arrive(answers: aioresponses, kind: str) -> None:
    """Nothing of an event becomes part of a URL."""
    url = f"{US}/api/v2/entity"
    answers.post(url, payload={})
    event = {
        "type": kind,
        "event": "a/b?c#d",
        "userId": "ü ñ/..",
        "traits": {"email": "a@example.com"},
    }
    action = "trackEvent" if kind == "track" else "createUpdatePerson"
    async with dc.Engine([connection(by_default(action))]) as engine:
        (delivery,) = await engine.send(event)
    assert delivery.ok, delivery.reason
    assert [one[1] for one in sent(answers)] == [url]
