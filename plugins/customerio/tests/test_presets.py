"""The presets: which events each takes, and what Quick Setup makes of a day's traffic."""

from typing import Any

import pytest
from aioresponses import aioresponses

import destination_core as dc
from plugins.customerio.tests.sending import BATCH, US, batched, connection, sent

PRESETS = {
    "Track Event": ("trackEvent", True),
    "Create or Update Person": ("createUpdatePerson", True),
    "Create or Update Device": ("createUpdateDevice", True),
    "Delete Device": ("deleteDevice", False),
    "Track Page View": ("trackPageView", False),
    "Track Screen View": ("trackScreenView", False),
    "Create or Update Object": ("createUpdateObject", False),
    "Delete Object": ("deleteObject", False),
    "Delete Relationship": ("deleteRelationship", False),
    "Merge People": ("mergePeople", False),
    "Delete Person": ("deletePerson", False),
    "Suppress Person": ("suppressPerson", False),
    "Unsuppress Person": ("unsuppressPerson", False),
    "Report Delivery Event": ("reportDeliveryEvent", False),
    "Report Content Event": ("reportContentEvent", False),
}
QUICK_SETUP = [name for name, (_, quick) in PRESETS.items() if quick]


def destination() -> dc.Destination[Any]:
    """Return the installed plugin's destination."""
    return dc.Registry.discover().relay("customerio").destination


def subscribed(*names: str) -> list[dc.Subscription]:
    """Subscribe presets, by name."""
    return [dc.Subscription.from_preset(destination(), name) for name in names]


def test_the_presets() -> None:
    """Three are Quick Setup, those of the later actions are there to be chosen."""
    found = {one.name: (one.action, one.quick_setup) for one in destination().presets}
    assert found == PRESETS


def test_presets_use_the_default_mapping() -> None:
    """A preset's mapping is its action's own, as Segment's are."""
    assert all(one.mapping is None for one in destination().presets)


def test_triggers_are_the_default_ones_of_their_actions() -> None:
    """What an action is subscribed to by default is what its preset says."""
    triggers = {one.slug: one.subscribe for one in destination().actions}
    for one in destination().presets:
        assert one.subscribe == triggers[one.action], one.name


@pytest.mark.parametrize(
    ("event", "names"),
    [
        ({"type": "track", "event": "Order Completed"}, ["Track Event"]),
        ({"type": "track", "event": "Application Installed"},
         ["Track Event", "Create or Update Device"]),
        ({"type": "track", "event": "Application Opened"}, ["Track Event"]),
        ({"type": "track", "event": "Application Uninstalled"}, ["Track Event", "Delete Device"]),
        ({"type": "track", "event": "Device Deleted"}, ["Track Event", "Delete Device"]),
        ({"type": "track", "event": "Object Deleted"}, ["Track Event", "Delete Object"]),
        ({"type": "track", "event": "Relationship Deleted"},
         ["Track Event", "Delete Relationship"]),
        ({"type": "track", "event": "User Deleted"}, ["Track Event", "Delete Person"]),
        ({"type": "track", "event": "User Suppressed"}, ["Track Event", "Suppress Person"]),
        ({"type": "track", "event": "User Unsuppressed"}, ["Track Event", "Unsuppress Person"]),
        ({"type": "track", "event": "Report Delivery Event"},
         ["Track Event", "Report Delivery Event"]),
        ({"type": "track", "event": "Report Content Event"},
         ["Track Event", "Report Content Event"]),
        ({"type": "identify"}, ["Create or Update Person"]),
        ({"type": "page", "name": "Home"}, ["Track Page View"]),
        ({"type": "screen", "name": "Main"}, ["Track Screen View"]),
        ({"type": "group", "groupId": "g1"}, ["Create or Update Object"]),
        ({"type": "alias", "previousId": "u0"}, ["Merge People"]),
    ],
)  # fmt: skip
async def test_which_presets_take_an_event(
    answers: aioresponses, event: dict[str, Any], names: list[str]
) -> None:
    """Each trigger takes its own events and no others, whatever becomes of them."""
    for path in ("v2/entity", "v1/metrics"):
        answers.post(f"{US}/api/{path}", payload={}, repeat=True)
    async with dc.Engine([connection(*subscribed(*PRESETS))]) as engine:
        deliveries = await engine.send({"userId": "u1", **event})
    assert [one.subscription for one in deliveries] == names


async def test_quick_setup_delivers_what_it_documents(answers: aioresponses) -> None:
    """Track calls, identify calls and installed applications go, in order; the rest is filtered."""
    answers.post(BATCH, payload={})
    device = {"device": {"id": "d1", "type": "ios"}}
    events: list[dict[str, Any]] = [
        {"type": "identify", "userId": "u1", "traits": {"email": "a@example.com"}},
        {"type": "track", "userId": "u1", "event": "Order Completed"},
        {"type": "track", "userId": "u1", "event": "Application Installed", "context": device},
    ]
    deliveries = await batched(events, *subscribed(*QUICK_SETUP))
    assert all(one.ok for one in deliveries)
    ((_, _, body),) = sent(answers)
    actions = [one["action"] for one in body["batch"]]
    assert actions == ["identify", "event", "event", "add_device"]


@pytest.mark.parametrize("kind", ["page", "screen", "group", "alias"])
async def test_quick_setup_filters_what_it_does_not_document(
    answers: aioresponses, kind: str
) -> None:
    """Other calls need a subscription of their own."""
    event = {"type": kind, "userId": "u1", "groupId": "g", "previousId": "p", "name": "n"}
    async with dc.Engine([connection(*subscribed(*QUICK_SETUP))]) as engine:
        assert await engine.send(event) == []
    assert sent(answers) == []
