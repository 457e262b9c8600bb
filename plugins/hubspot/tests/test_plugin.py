"""The plugin as a plugin: how it is found, its settings, its presets, and deletions."""

import ast
from pathlib import Path
from typing import Any

import pytest

import destination_core as dc
import destination_hubspot
from destination_core.testing import standard_event
from plugins.hubspot.tests.sending import connection, subscription
from plugins.hubspot.tests.simulator import HubSpot

SOURCE = Path(destination_hubspot.__file__).parent
GOOD = {"client_id": "c", "client_secret": "s3cret-1", "refresh_token": "s3cret-2"}


def test_it_is_found_by_its_entry_point() -> None:
    """The registry finds it as it finds anybody's plugin."""
    relay = dc.Registry.discover().relay("hubspot")
    assert relay.origin.distribution == "destination-hubspot"
    assert relay.destination.title == "HubSpot"


def test_it_uses_public_names_only() -> None:
    """Whatever a stranger could not import, the plugin does not import either."""
    public = set(dc.__all__)
    modules = list(SOURCE.rglob("*.py"))
    assert len(modules) > 10
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("destination_core"), path
            elif isinstance(node, ast.Import):
                assert all(not one.name.startswith("destination_core.") for one in node.names), path
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "dc" or node.attr in public, (path, node.attr)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"client_id": "c"}, "'client_secret'"),
        ({**GOOD, "client_id": ""}, "client_id"),
        ({**GOOD, "api_url": "ftp://x"}, "api_url"),
        ({**GOOD, "user_id_property": "User ID"}, "user_id_property"),
        ({**GOOD, "requests_per_second": 0}, "requests_per_second"),
    ],
    ids=["missing", "empty", "url", "property", "rate"],
)
def test_wrong_settings_are_named(settings: dict[str, Any], said: str) -> None:
    """The message names the setting, and never a credential."""
    relay = dc.Registry.discover().relay("hubspot")
    with pytest.raises(dc.InvalidSettings) as caught:
        dc.Connection("hubspot", relay, settings=settings)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_requests_go_to_hubspot_below_its_limit() -> None:
    """Unless another host or rate is set."""
    relay = dc.Registry.discover().relay("hubspot")
    options = dc.Connection("hubspot", relay, settings=GOOD).options
    assert options.base_url == "https://api.hubapi.com"
    assert options.requests_per_second == 10.0
    other = {**GOOD, "api_url": "https://proxy.test/", "requests_per_second": None}
    options = dc.Connection("hubspot", relay, settings=other).options
    assert (options.base_url, options.requests_per_second) == ("https://proxy.test", None)


def test_every_preset_compiles() -> None:
    """Triggers and mappings of all presets are sound; only what needs no choice is Quick Setup."""
    destination = dc.Registry.discover().relay("hubspot").destination
    chosen = [dc.Subscription.from_preset(destination, one.name) for one in destination.presets]
    relay = dc.Registry.discover().relay("hubspot")
    one = dc.Connection("hubspot", relay, settings=GOOD, subscriptions=chosen)
    assert [found.name for found in one.subscriptions] == [
        "Upsert Contact", "Upsert Company", "Custom Event", "Audience List"
    ]  # fmt: skip
    assert one.warnings == []
    assert [found.name for found in destination.presets if found.quick_setup] == ["Upsert Contact"]


@pytest.mark.parametrize("name", ["Track", "Identify"])
def test_only_events_of_audiences_reach_the_list(name: str) -> None:
    """The preset's trigger lets nobody's ordinary event through."""
    destination = dc.Registry.discover().relay("hubspot").destination
    chosen = dc.Subscription.from_preset(destination, "Audience List")
    relay = dc.Registry.discover().relay("hubspot")
    one = dc.Connection("hubspot", relay, settings=GOOD, subscriptions=[chosen])
    ordinary = standard_event(name.lower())
    assert one.matching(ordinary) == []
    personas = {"computation_class": "audience", "computation_key": "vips"}
    assert len(one.matching({**ordinary, "context": {"personas": personas}})) == 1


async def forget(hub: HubSpot, event: dict[str, Any], **settings: Any) -> dc.Delivery:
    """Ask the destination to forget a user."""
    async with dc.Engine([connection(hub, subscription("upsertContact"), **settings)]) as engine:
        (delivery,) = await engine.delete(event)
    return delivery


@pytest.mark.parametrize(
    ("members", "settings"),
    [
        ({"userId": "c-1"}, {"user_id_property": "customer_number"}),
        ({"userId": "x", "traits": {"email": "Ann@Example.com"}}, {}),
        ({"userId": "x", "context": {"traits": {"email": "ann@example.com"}}}, {}),
        ({"userId": "ann@example.com"}, {}),
    ],
    ids=["property", "traits", "context", "user-id"],
)
async def test_a_user_is_forgotten(
    hub: HubSpot, members: dict[str, Any], settings: dict[str, str]
) -> None:
    """The contact is deleted for good, however the event names it; others stay."""
    hub.objects.add("contacts", email="ann@example.com", customer_number="c-1")
    other = hub.objects.add("contacts", email="bob@example.com")
    delivery = await forget(hub, {"type": "delete", **members}, **settings)
    assert delivery.ok, delivery.reason
    assert list(hub.objects.of("contacts")) == [other]


async def test_a_stranger_is_not_blocked(hub: HubSpot) -> None:
    """HubSpot would put an unknown address on its block list: it is not asked to."""
    delivery = await forget(hub, {"type": "delete", "userId": "eve@example.com"})
    assert delivery.ok
    assert "nobody to delete" in delivery.warnings[0]
    assert hub.objects.blocked == set()
    assert hub.paths("gdpr") == []


async def test_who_is_not_named_cannot_be_forgotten(hub: HubSpot) -> None:
    """The event is rejected with what is missing."""
    delivery = await forget(hub, {"type": "delete", "userId": "u-1"})
    assert delivery.error is not None
    assert isinstance(delivery.error, dc.InvalidPayload)
    assert "user_id_property is not set" in delivery.reason


async def test_a_deletion_that_hubspot_refuses_is_not_done(hub: HubSpot) -> None:
    """It is never reported as done; one that was done meanwhile is."""
    hub.objects.add("contacts", email="ann@example.com")
    event = {"type": "delete", "userId": "ann@example.com"}
    hub.fail("gdpr", 403, {"category": "MISSING_SCOPES"})
    assert (await forget(hub, event)).status == "setup_error"
    hub.fail("gdpr", 404, {"category": "OBJECT_NOT_FOUND"})
    assert (await forget(hub, event)).ok
