"""Upsert Company against the simulator: the unique property that saving the mapping makes."""

from typing import Any

import pytest

import destination_core as dc
from destination_core.testing import standard_event
from destination_hubspot.actions.companies import Kept, Wanted
from plugins.hubspot.tests.sending import connection, outcomes, sent, subscription
from plugins.hubspot.tests.simulator import HubSpot


def group(number: int, **traits: Any) -> dict[str, Any]:
    return standard_event("group", groupId=f"g-{number}", traits={"name": "Acme", **traits})


async def save(hub: HubSpot, **inputs: Any) -> Kept:
    """Save a mapping with these inputs."""
    one = connection(hub)
    action = one.relay.destination.action("upsertCompany")
    async with dc.Engine([one]) as engine:
        return await engine.ask(
            "hubspot",
            lambda ctx: one.relay.on_mapping_save(ctx, action, Wanted(**inputs)),
        )


async def test_saving_makes_the_property_once(hub: HubSpot) -> None:
    """The first time it is made, unique; afterwards it is there."""
    for _ in range(2):
        assert (await save(hub)).id_property == "segment_group_id"
    assert hub.properties.of["companies"]["segment_group_id"]["hasUniqueValue"] is True
    assert hub.asked.count(("POST", "/crm/v3/properties/companies")) == 1


async def test_a_property_that_is_not_unique_is_not_taken(hub: HubSpot) -> None:
    """It could not find companies, and cannot be made unique."""
    with pytest.raises(dc.PermanentError, match="'domain' of companies is there and not unique"):
        await save(hub, id_property="domain")


async def test_companies_are_found_by_what_was_saved(hub: HubSpot) -> None:
    """The output of saving is available to the action, and goes before the mapping."""
    await save(hub, id_property="account_number")
    chosen = subscription("upsertCompany", saved=dc.Saved({}, {"id_property": "account_number"}))
    for name in ("Acme", "Acme Ltd"):
        deliveries = await sent(hub, chosen, group(1, name=name, employees=250), group(2))
        assert outcomes(deliveries) == ["delivered"] * 2
    found = list(hub.objects.of("companies").values())
    assert [one["account_number"] for one in found] == ["g-1", "g-2"]
    assert (found[0]["name"], found[0]["numberofemployees"]) == ("Acme Ltd", "250")


async def test_without_the_property_the_refusal_says_so(hub: HubSpot) -> None:
    """Whoever did not save the mapping reads what is missing."""
    (delivery,) = await sent(hub, subscription("upsertCompany"), group(1))
    assert delivery.status == "refused"
    assert '"segment_group_id" does not exist' in delivery.reason.replace("\\", "")


async def test_an_industry_that_hubspot_does_not_know_is_refused_alone(hub: HubSpot) -> None:
    """Its neighbours are written."""
    await save(hub)
    deliveries = await sent(
        hub, subscription("upsertCompany"), group(1, industry="Magic"), group(2, industry="TOYS")
    )
    assert outcomes(deliveries) == ["refused", "delivered"]


def of(email: str | None, number: int = 1) -> dict[str, Any]:
    """Make the event of a group with the contact that it is about."""
    return {**group(number), "context": {"traits": {"email": email}}}


async def test_the_contact_is_associated(hub: HubSpot) -> None:
    """As long as there is one: nobody is created, and the company is written all the same."""
    await save(hub)
    ann = hub.objects.add("contacts", email="ann@example.com")
    events = [of("Ann@Example.com"), of("nobody@example.com", 2), of(None, 3)]
    known, unknown, none = await sent(hub, subscription("upsertCompany"), *events)
    company, *_ = hub.objects.of("companies")
    assert hub.objects.associations == {(ann, company)}
    assert (known.ok, unknown.ok, none.ok) == (True, True, True)
    assert (known.warnings, none.warnings) == ((), ())
    assert unknown.warnings == (
        "no contact was associated: HubSpot has no contact with this email",
    )
    assert len(hub.objects.of("contacts")) == 1


async def test_an_association_that_is_refused_is_told(hub: HubSpot) -> None:
    """The company is written, and the customer reads what is missing."""
    await save(hub)
    hub.objects.add("contacts", email="ann@example.com")
    gone = {"id": "999", "properties": {"email": "ann@example.com"}}
    hub.fail("contacts/batch/read", 200, {"results": [gone]})
    (delivery,) = await sent(hub, subscription("upsertCompany"), of("ann@example.com"))
    assert delivery.ok
    assert "no contact was associated: OBJECT_NOT_FOUND" in delivery.warnings[0]


async def test_what_was_left_out_is_not_associated(hub: HubSpot) -> None:
    """Sync mode add leaves a company that is there as it is."""
    await save(hub)
    hub.objects.add("companies", segment_group_id="g-1")
    hub.objects.add("contacts", email="ann@example.com")
    (delivery,) = await sent(hub, subscription("upsertCompany", "add"), of("ann@example.com"))
    assert "it is there already" in delivery.warnings[0]
    assert hub.objects.associations == set()
