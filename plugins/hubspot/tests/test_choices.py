"""Choices that HubSpot is asked for: pages, searches, dependencies, refusals."""

import pytest

import destination_core as dc
from plugins.hubspot.tests.sending import connection
from plugins.hubspot.tests.simulator import HubSpot


async def ask(
    hub: HubSpot, action: str, field: str, query: dc.ChoiceQuery | None = None
) -> dc.Choices:
    """Ask for the choices of a field."""
    one = connection(hub)
    found = one.relay.destination.action(action)
    async with dc.Engine([one]) as engine:
        return await engine.ask(
            "hubspot",
            lambda ctx: one.relay.dynamic_choices(ctx, found, field, query or dc.ChoiceQuery()),
        )


def values(choices: dc.Choices) -> list[str]:
    return [one.value for one in choices.choices]


async def test_contacts_are_found_by_unique_properties(hub: HubSpot) -> None:
    """Email, one's own, and the record's ID; nothing that is not unique."""
    found = await ask(hub, "upsertContact", "id_property")
    assert values(found) == ["email", "customer_number", "hs_object_id"]
    assert found.next_page is None


async def test_read_only_properties_are_not_offered(hub: HubSpot) -> None:
    """What cannot be written cannot be mapped; a word narrows the rest."""
    everything = values(await ask(hub, "upsertContact", "properties"))
    assert "logins" in everything
    assert not {"createdate", "hs_object_id"} & set(everything)
    query = dc.ChoiceQuery(search="NAME")
    assert values(await ask(hub, "upsertContact", "properties", query)) == ["firstname", "lastname"]


@pytest.mark.parametrize(
    ("action", "field", "some"),
    [
        ("upsertContact", "lifecyclestage", "lead"),
        ("upsertCompany", "lifecyclestage", "lead"),
        ("upsertCompany", "industry", "TOYS"),
    ],
    ids=["contact-stage", "company-stage", "industry"],
)
async def test_options_are_those_of_the_account(
    hub: HubSpot, action: str, field: str, some: str
) -> None:
    """Hidden ones are left out."""
    found = values(await ask(hub, action, field))
    assert some in found
    assert "old" not in found


async def test_properties_of_an_object_wait_for_its_type(hub: HubSpot) -> None:
    """Values that were chosen for other fields count."""
    with pytest.raises(dc.PermanentError, match="object_type must be chosen first"):
        await ask(hub, "upsertObject", "id_property")
    query = dc.ChoiceQuery(payload={"object_type": "p123_pets"})
    assert values(await ask(hub, "upsertObject", "id_property", query)) == ["chip", "hs_object_id"]
    assert values(await ask(hub, "upsertObject", "properties", query)) == ["name", "chip"]


async def test_object_types_are_hubspots_and_ones_own(hub: HubSpot) -> None:
    """Custom objects come after the standard ones."""
    found = await ask(hub, "upsertObject", "object_type")
    assert found.choices[0] == dc.Choice("contacts", "Contacts")
    assert found.choices[-1] == dc.Choice("p123_pets", "Pets")


async def test_events_come_page_by_page(hub: HubSpot) -> None:
    """HubSpot's cursor leads to the next page; the last has none."""
    for name in ("alpha", "beta", "gamma"):
        hub.events.define(name, label=name.title())
    first = await ask(hub, "customEvent", "event_name")
    assert first.choices[0] == dc.Choice("pe123_alpha", "Alpha")
    second = await ask(hub, "customEvent", "event_name", dc.ChoiceQuery(first.next_page))
    assert values(first) + values(second) == ["pe123_alpha", "pe123_beta", "pe123_gamma"]
    assert second.next_page is None
    searched = await ask(hub, "customEvent", "event_name", dc.ChoiceQuery(search="bet"))
    assert values(searched) == ["pe123_beta"]


async def test_lists_are_those_whose_members_can_be_changed(hub: HubSpot) -> None:
    """Static lists of contacts, a hundred at a time; the next page begins where one ends."""
    hub.lists.add("Follows filters", "DYNAMIC")
    hub.lists.add("Of companies", kind="0-2")
    made = [hub.lists.add(f"List {n:03}") for n in range(130)]
    first = await ask(hub, "updateList", "list_id")
    second = await ask(hub, "updateList", "list_id", dc.ChoiceQuery(first.next_page))
    assert values(first) + values(second) == made
    assert (len(first.choices), second.next_page) == (100, None)
    searched = await ask(hub, "updateList", "list_id", dc.ChoiceQuery(search="list 007"))
    assert values(searched) == [made[7]]


async def test_a_page_that_is_none_is_refused(hub: HubSpot) -> None:
    """The error names it."""
    with pytest.raises(dc.PermanentError, match="page 'x' is none of HubSpot's"):
        await ask(hub, "updateList", "list_id", dc.ChoiceQuery("x"))


async def test_a_scope_that_is_missing_is_named(hub: HubSpot) -> None:
    """Who set the app up reads what to grant."""
    hub.without = {"crm.lists"}
    with pytest.raises(dc.InvalidAuthentication, match="MISSING_SCOPES"):
        await ask(hub, "updateList", "list_id")
