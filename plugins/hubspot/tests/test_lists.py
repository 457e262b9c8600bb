"""Update List against the simulator: audiences, sync modes, members that are not there."""

from typing import Any

import pytest

import destination_core as dc
from destination_hubspot import AudienceSettings
from destination_hubspot.actions.lists import Wanted
from plugins.hubspot.tests.sending import (
    connection,
    identify,
    member,
    outcomes,
    sent,
    subscription,
)
from plugins.hubspot.tests.simulator import HubSpot


def audience(external_id: str | None, key: str = "vips", **settings: Any) -> dc.Audience:
    return dc.Audience(key, "VIPs", AudienceSettings(**settings), external_id)


def members(hub: HubSpot, list_id: str) -> set[str]:
    """Return who is in a list, by email."""
    contacts = hub.objects.of("contacts")
    return {contacts[one]["email"] for one in hub.lists.members[list_id]}


async def asked(hub: HubSpot, name: str, one: dc.Audience) -> str | None:
    """Call a hook about an audience."""
    opened = connection(hub)
    async with dc.Engine([opened]) as engine:
        return await engine.ask(
            "hubspot", lambda ctx: getattr(opened.relay, name)(ctx, audience=one)
        )


async def saved(hub: HubSpot, **inputs: Any) -> Any:
    """Save a mapping with these inputs."""
    one = connection(hub)
    action = one.relay.destination.action("updateList")
    async with dc.Engine([one]) as engine:
        return await engine.ask(
            "hubspot", lambda ctx: one.relay.on_mapping_save(ctx, action, Wanted(**inputs))
        )


async def test_an_audience_becomes_a_list(hub: HubSpot) -> None:
    """It is made once, in its folder; one of its name is taken as it is."""
    made = await asked(hub, "create_audience", audience(None, folder_id=42))
    again = await asked(hub, "create_audience", audience(None))
    assert made == again == "1"
    found = hub.lists.lists["1"]
    assert (found["name"], found["processingType"], found["listFolderId"]) == ("VIPs", "MANUAL", 42)


@pytest.mark.parametrize("name", ["VIPs / Europe & co?", "Ünïcode #1 %20"], ids=["path", "text"])
async def test_a_name_is_one_part_of_the_path(hub: HubSpot, name: str) -> None:
    """Whatever people call an audience, it is found again by that name."""
    one = dc.Audience("k", name)
    assert await asked(hub, "create_audience", one) == await asked(hub, "create_audience", one)
    assert [found["name"] for found in hub.lists.lists.values()] == [name]


async def test_an_audience_is_looked_for(hub: HubSpot) -> None:
    """By its id; None when it is not there any more."""
    list_id = hub.lists.add("VIPs")
    assert await asked(hub, "get_audience", audience(list_id)) == list_id
    assert await asked(hub, "get_audience", audience("99")) is None


async def test_a_list_that_follows_filters_is_no_audience(hub: HubSpot) -> None:
    """Its members cannot be changed: the customer reads why."""
    hub.lists.add("VIPs", "DYNAMIC")
    with pytest.raises(dc.PermanentError, match="'VIPs' is DYNAMIC"):
        await asked(hub, "create_audience", audience(None))


async def test_somebody_else_was_faster_to_make_the_list(hub: HubSpot) -> None:
    """The name is taken by then: it is looked up again."""
    hub.lists.add("VIPs")
    hub.fail("name/VIPs", 404, {"category": "OBJECT_NOT_FOUND"})
    assert await asked(hub, "create_audience", audience(None)) == "1"


async def test_members_come_and_go(hub: HubSpot) -> None:
    """Who comes is created and added, who goes is removed; one request for the members."""
    list_id = hub.lists.add("VIPs")
    events = [member("ann@example.com", True), member("bob@example.com", True)]
    options = {"audiences": [audience(list_id)]}
    assert (
        outcomes(await sent(hub, subscription("updateList"), *events, **options))
        == ["delivered"] * 2
    )
    assert members(hub, list_id) == {"ann@example.com", "bob@example.com"}
    events = [member("ann@example.com", False), member("cid@example.com", True)]
    await sent(hub, subscription("updateList"), *events, **options)
    assert members(hub, list_id) == {"bob@example.com", "cid@example.com"}
    assert len(hub.paths("add-and-remove")) == 2


async def test_the_last_word_about_a_member_counts(hub: HubSpot) -> None:
    """Who comes and goes within a batch has gone."""
    list_id = hub.lists.add("VIPs")
    events = [member("ann@example.com", True), member("ANN@example.com", False)]
    options = {"audiences": [audience(list_id)]}
    deliveries = await sent(hub, subscription("updateList"), *events, **options)
    assert outcomes(deliveries) == ["delivered"] * 2
    assert members(hub, list_id) == set()


async def test_nobody_to_remove_is_no_error(hub: HubSpot) -> None:
    """Who is no contact is in no list; nobody is created for it."""
    list_id = hub.lists.add("VIPs")
    (delivery,) = await sent(
        hub,
        subscription("updateList"),
        member("nobody@example.com", False),
        audiences=[audience(list_id)],
    )
    assert delivery.ok
    assert "nobody to remove" in delivery.warnings[0]
    assert hub.objects.of("contacts") == {}


async def test_contacts_need_not_be_created(hub: HubSpot) -> None:
    """With create_contacts off, those who are no contacts are refused by themselves."""
    list_id = hub.lists.add("VIPs")
    hub.objects.add("contacts", email="ann@example.com")
    events = [member("ann@example.com", True), member("bob@example.com", True)]
    chosen = subscription("updateList", create_contacts=False)
    ann, bob = await sent(hub, chosen, *events, audiences=[audience(list_id)])
    assert (ann.status, bob.status) == ("delivered", "refused")
    assert bob.error is not None
    assert bob.error.code == "NOT_FOUND"
    assert members(hub, list_id) == {"ann@example.com"}


async def test_a_member_that_vanished_meanwhile_is_refused(hub: HubSpot) -> None:
    """HubSpot names the records that it does not know; the others are in the list."""
    list_id = hub.lists.add("VIPs")
    gone = {"id": "999", "properties": {"email": "gone@example.com"}}
    ann = {
        "id": hub.objects.add("contacts", email="ann@example.com"),
        "properties": {"email": "ann@example.com"},
    }
    hub.fail("batch/read", 200, {"status": "COMPLETE", "results": [gone, ann]})
    events = [member("gone@example.com", True), member("ann@example.com", True)]
    first, second = await sent(
        hub, subscription("updateList"), *events, audiences=[audience(list_id)]
    )
    assert (first.status, second.status) == ("refused", "delivered")
    assert members(hub, list_id) == {"ann@example.com"}


async def test_two_addresses_of_one_contact_are_one_member(hub: HubSpot) -> None:
    """The last word counts, whichever address it was said of."""
    list_id = hub.lists.add("VIPs")
    hub.objects.add("contacts", email="ann@example.com", hs_additional_emails="ann@x.test")
    for last in (True, False):
        events = [
            member("ann@x.test", not last),
            member("ann@example.com", not last),
            member("ann@x.test", last),
        ]
        deliveries = await sent(
            hub, subscription("updateList"), *events, audiences=[audience(list_id)]
        )
        assert outcomes(deliveries) == ["delivered"] * 3
        assert members(hub, list_id) == ({"ann@example.com"} if last else set())


async def test_who_left_before_they_could_come_is_no_error(hub: HubSpot) -> None:
    """Of one who is no contact only the event that would add them is refused."""
    list_id = hub.lists.add("VIPs")
    events = [member("bob@example.com", False), member("bob@example.com", True)]
    chosen = subscription("updateList", create_contacts=False)
    deliveries = await sent(hub, chosen, *events, audiences=[audience(list_id)])
    assert outcomes(deliveries) == ["delivered", "refused"]


@pytest.mark.parametrize(
    ("mode", "comes", "left", "warned"),
    [
        ("add", True, {"ann@example.com", "old@example.com"}, False),
        ("add", False, {"old@example.com"}, True),
        ("delete", True, {"old@example.com"}, True),
        ("delete", False, {"old@example.com"}, False),
    ],
    ids=["add-comes", "add-goes", "delete-comes", "delete-goes"],
)
async def test_a_mode_does_what_it_is_named_for(
    hub: HubSpot, mode: str, comes: bool, left: set[str], warned: bool
) -> None:
    """Add removes nobody, delete adds nobody; the rest is left out with a warning."""
    list_id = hub.lists.add("VIPs")
    old = hub.objects.add("contacts", email="old@example.com")
    hub.lists.members[list_id].add(old)
    (delivery,) = await sent(
        hub,
        subscription("updateList", mode),
        member("ann@example.com", comes),
        audiences=[audience(list_id)],
    )
    assert delivery.ok, delivery.reason
    nothing = [one for one in delivery.warnings if "nothing to do" in one]
    assert bool(nothing) == warned
    assert members(hub, list_id) == left


async def test_events_of_no_audience_need_a_mode(hub: HubSpot) -> None:
    """Mirror cannot know what they mean; add and delete say it."""
    list_id = hub.lists.add("Newsletter")
    event = identify("ann@example.com")
    (delivery,) = await sent(hub, subscription("updateList", list_id=list_id), event)
    assert delivery.status == "rejected"
    assert "choose sync mode 'add' or 'delete'" in delivery.reason
    for mode, left in (("add", {"ann@example.com"}), ("delete", set())):
        (delivery,) = await sent(hub, subscription("updateList", mode, list_id=list_id), event)
        assert delivery.ok, delivery.reason
        assert members(hub, list_id) == left


async def test_a_list_that_is_nowhere_said_is_named(hub: HubSpot) -> None:
    """The customer reads the three ways to say it."""
    (delivery,) = await sent(hub, subscription("updateList"), member("ann@example.com", True))
    assert delivery.status == "rejected"
    assert "declare the audience 'vips'" in delivery.reason


async def test_batches_hold_one_list(hub: HubSpot) -> None:
    """The audience is a batch key: each list gets its own members."""
    lists = {key: hub.lists.add(key) for key in ("vips", "trial")}
    events = [
        member("ann@example.com", True),
        member("bob@example.com", True, "trial"),
        member("cid@example.com", True),
    ]
    known = [audience(place, key) for key, place in lists.items()]
    await sent(hub, subscription("updateList"), *events, audiences=known)
    assert members(hub, lists["vips"]) == {"ann@example.com", "cid@example.com"}
    assert members(hub, lists["trial"]) == {"bob@example.com"}


async def test_the_list_that_segment_made_is_used(hub: HubSpot) -> None:
    """Events of Segment's own say the id of the audience."""
    list_id = hub.lists.add("VIPs")
    event = member("ann@example.com", True)
    event["context"]["personas"]["external_audience_id"] = list_id
    (delivery,) = await sent(hub, subscription("updateList"), event)
    assert delivery.ok, delivery.reason
    assert members(hub, list_id) == {"ann@example.com"}


async def test_saving_makes_or_finds_the_list(hub: HubSpot) -> None:
    """By name it is made once; by id it must be there."""
    for _ in range(2):
        kept = await saved(hub, list_name="New customers")
        assert (kept.list_id, kept.list_name) == ("1", "New customers")
    assert (await saved(hub, list_id="1")).list_name == "New customers"
    with pytest.raises(dc.PermanentError, match="list '9' is not there"):
        await saved(hub, list_id="9")
    chosen = subscription("updateList", "add", saved=dc.Saved({"list_id": "1"}, kept.to_json()))
    (delivery,) = await sent(hub, chosen, identify("ann@example.com"))
    assert delivery.ok, delivery.reason
    assert members(hub, "1") == {"ann@example.com"}
